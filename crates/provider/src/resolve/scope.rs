//! `scope: volume`: credentials that reach no further than their volume, or none.

use s3_credential_core::{
    CredentialForm, Delivery, ErrorKind, Failure, FormKind, ProvideContext, VolumeScope,
};

use crate::settings::{Scope, Settings};

/// Returns the scope that the volume's credentials are narrowed to, if any.
pub(super) fn scope_of(
    settings: &Settings,
    context: &ProvideContext,
) -> Result<Option<VolumeScope>, Failure> {
    match settings.scope {
        Scope::Role => Ok(None),
        Scope::Volume if context.is_anonymous() => Err(unscopable(FormKind::Anonymous)),
        Scope::Volume => VolumeScope::of(context).map(Some),
    }
}

/// Returns whether these are the keys of the Secret that the volume itself names. Their owner
/// decides what they may do: no scope could narrow a role of the operator in them.
pub(super) fn has_keys_of_its_own(context: &ProvideContext, form: &CredentialForm) -> bool {
    match form {
        CredentialForm::Keys(keys) => {
            let mut own = context.secrets().values();
            own.any(|secret| secret.trimmed() == keys.secret_access_key.trimmed())
        }
        _ => false,
    }
}

/// Returns whether `scope: volume` leaves these credentials unchanged.
pub(super) fn is_left_unscoped(
    settings: &Settings,
    context: &ProvideContext,
    form: &CredentialForm,
) -> bool {
    settings.scope == Scope::Volume && has_keys_of_its_own(context, form)
}

/// Only STS narrows what keys may do, and only for a token that is exchanged here.
pub(super) fn check_form(form: &CredentialForm) -> Result<(), Failure> {
    match form.kind() {
        FormKind::WebIdentity => Ok(()),
        kind => Err(unscopable(kind)),
    }
}

/// Mountpoint would exchange the token for all that the role may do.
pub(super) fn check_delivery(
    settings: &Settings,
    context: &ProvideContext,
    form: &CredentialForm,
) -> Result<(), Failure> {
    if settings.chosen_delivery(context.target().kind, form) == Some(Delivery::Delegated) {
        return Err(Failure::new(
            ErrorKind::UnsupportedDelivery,
            "credentials that are scoped to their volume (`scope: volume`) cannot be delegated: Mountpoint exchanges a token without a policy",
        )
        .with_help("use the delivery profile or endpoint, or set `scope: role` in the driver's configuration"));
    }
    Ok(())
}

/// Returns the delivery of scoped credentials: as keys. A lease that has them keeps this delivery,
/// whatever was configured since.
pub(super) fn delivery_of(
    settings: &Settings,
    context: &ProvideContext,
    form: &CredentialForm,
) -> Delivery {
    settings
        .chosen_delivery(context.target().kind, form)
        .filter(|chosen| chosen.needs_keys())
        .unwrap_or(Delivery::Profile)
}

fn unscopable(kind: FormKind) -> Failure {
    Failure::new(
        ErrorKind::UnsupportedDelivery,
        format!("credentials in the form {kind} cannot be scoped to their volume (`scope: volume`): only a web identity can"),
    )
    .with_help(
        "use a source that gives a web identity (irsa at driver level, pod-token at pod level), or set `scope: role` in the \
         driver's configuration",
    )
}
