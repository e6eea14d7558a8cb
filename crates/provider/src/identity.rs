//! Whose credentials a lease holds, as far as a running Mountpoint would notice a change.

use s3_credential_core::{
    AuthenticationLevel, CredentialForm, FormKind, ProvideContext, RoleArn, SourcedForm,
    VolumeScope,
};
use serde::{Deserialize, Serialize};

/// What a running Mountpoint cannot be moved away from: the level, the service account at pod level, the source, the kind of provider it
/// was started with, the role or address in its environment, and the bucket and prefix that it was started for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Whose credentials they are.
    pub level: AuthenticationLevel,
    /// Namespace and name of the pod's service account, at pod level: `photos/reader`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// The source's name; none for an anonymous volume.
    pub source: Option<String>,
    /// The name of the form that the source gave.
    pub form: String,
    /// The role of a web identity.
    pub role_arn: Option<String>,
    /// The address of a container form.
    pub uri: Option<String>,
    /// What the credentials are narrowed to; nothing where they are for all that the role may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<VolumeScope>,
}

impl Identity {
    /// The identity of what a chain gave for this volume, narrowed to this.
    pub fn of(context: &ProvideContext, sourced: &SourcedForm, scope: Option<VolumeScope>) -> Self {
        let (role_arn, uri) = match &sourced.form {
            CredentialForm::WebIdentity(identity) => {
                (Some(identity.role_arn.as_str().to_owned()), None)
            }
            CredentialForm::Container(container) => (None, Some(container.uri.clone())),
            _ => (None, None),
        };
        Self {
            level: context.level(),
            service_account: service_account(context),
            source: Some(sourced.source.clone()),
            form: sourced.form.kind().as_str().to_owned(),
            role_arn,
            uri,
            scope,
        }
    }

    /// The identity of a volume without credentials.
    pub fn anonymous(context: &ProvideContext) -> Self {
        Self {
            level: context.level(),
            service_account: service_account(context),
            source: None,
            form: FormKind::Anonymous.as_str().to_owned(),
            role_arn: None,
            uri: None,
            scope: None,
        }
    }

    /// Whether a publish is on behalf of whom the identity is of: what another one brings is never taken for a rotation.
    pub(crate) fn is_on_behalf_of(&self, context: &ProvideContext) -> bool {
        self.level == context.level() && self.service_account == service_account(context)
    }

    /// The role that a refresh of this identity must keep.
    pub(crate) fn role(&self) -> Option<RoleArn> {
        self.role_arn.as_deref()?.parse().ok()
    }
}

fn service_account(context: &ProvideContext) -> Option<String> {
    let (namespace, name) = context.service_account().ok()?;
    (context.level() == AuthenticationLevel::Pod).then(|| format!("{namespace}/{name}"))
}
