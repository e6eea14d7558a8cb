//! The identity of a lease's credentials, as far as a running Mountpoint would notice a change.

use std::time::Duration;

use s3_credential_core::{
    AuthenticationLevel, CredentialForm, FormKind, ProvideContext, RoleArn, RoleHop, SourcedForm,
    VolumeScope,
};
use serde::{Deserialize, Serialize};

/// The longest session of a role that is assumed with the keys of another (API reference of
/// AssumeRole).
const CHAINED_DURATION: Duration = Duration::from_hours(1);

/// The identity that a running Mountpoint cannot change: the level, the service account at pod
/// level, the source, the kind of provider it was started with, the role or address in its
/// environment, and the bucket and prefix that it was started for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The authentication level.
    pub level: AuthenticationLevel,
    /// Namespace and name of the pod's service account, at pod level: `photos/reader`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// The source's name; none for an anonymous volume.
    pub source: Option<String>,
    /// The name of the form that the source gave.
    pub form: String,
    /// The role of a web identity.
    pub role_arn: Option<RoleArn>,
    /// The role that is assumed with the keys of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_role: Option<SecondRole>,
    /// The inline session policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_policy: Option<String>,
    /// The managed session policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub session_policy_arns: Vec<String>,
    /// The address of a container form.
    pub uri: Option<String>,
    /// The scope that the credentials are narrowed to; `None` where they have all permissions of
    /// the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<VolumeScope>,
}

/// A second role, as far as it decides who the volume is and what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SecondRole {
    /// The role.
    pub role_arn: RoleArn,
    /// The external id that its trust policy requires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Session tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
}

impl Identity {
    /// The identity of what a chain gave for this volume, narrowed to this.
    pub fn of(context: &ProvideContext, sourced: &SourcedForm, scope: Option<VolumeScope>) -> Self {
        let base = Self {
            source: Some(sourced.source.clone()),
            form: sourced.form.kind().as_str().to_owned(),
            scope,
            ..Self::anonymous(context)
        };
        match &sourced.form {
            CredentialForm::WebIdentity(identity) => Self {
                role_arn: Some(identity.role_arn.clone()),
                second_role: identity.second_hop.as_ref().map(SecondRole::of),
                session_policy: identity.session.policy.clone(),
                session_policy_arns: identity.session.policy_arns.clone(),
                ..base
            },
            CredentialForm::Container(container) => {
                Self { uri: Some(container.uri.clone()), ..base }
            }
            _ => base,
        }
    }

    /// Returns what its source gave now, for exactly this identity: with the second role and the
    /// session policies that it has, whatever the configuration of the source says by now.
    pub(crate) fn pin(&self, form: CredentialForm) -> CredentialForm {
        let CredentialForm::WebIdentity(mut identity) = form else { return form };
        identity.session.policy.clone_from(&self.session_policy);
        identity.session.policy_arns.clone_from(&self.session_policy_arns);
        let hop = identity.second_hop.take();
        identity.second_hop = self.second_role.as_ref().map(|role| role.hop(hop));
        if identity.second_hop.is_some() {
            // A chained session ends after an hour at most, and the configuration of today may not
            // know of one.
            identity.session.duration =
                identity.session.duration.map(|duration| duration.min(CHAINED_DURATION));
        }
        CredentialForm::WebIdentity(identity)
    }

    /// The identity of a volume without credentials.
    pub fn anonymous(context: &ProvideContext) -> Self {
        Self {
            level: context.level(),
            service_account: service_account(context),
            source: None,
            form: FormKind::Anonymous.as_str().to_owned(),
            role_arn: None,
            second_role: None,
            session_policy: None,
            session_policy_arns: Vec::new(),
            uri: None,
            scope: None,
        }
    }

    /// Returns whether a publish is on behalf of this identity: the credentials of another one are
    /// never taken for a rotation.
    pub(crate) fn is_on_behalf_of(&self, context: &ProvideContext) -> bool {
        self.level == context.level() && self.service_account == service_account(context)
    }
}

impl SecondRole {
    fn of(hop: &RoleHop) -> Self {
        Self {
            role_arn: hop.role_arn.clone(),
            external_id: hop.external_id.clone(),
            tags: hop.tags.clone(),
        }
    }

    /// Returns the hop to this role; its session is named, and lasts, as the configuration says
    /// today.
    fn hop(&self, configured: Option<RoleHop>) -> RoleHop {
        let (session_name, duration) =
            configured.map_or((None, None), |hop| (hop.session_name, hop.duration));
        RoleHop {
            role_arn: self.role_arn.clone(),
            external_id: self.external_id.clone(),
            session_name,
            duration: duration.map(|duration| duration.min(CHAINED_DURATION)),
            tags: self.tags.clone(),
        }
    }
}

fn service_account(context: &ProvideContext) -> Option<String> {
    let (namespace, name) = context.service_account().ok()?;
    (context.level() == AuthenticationLevel::Pod).then(|| format!("{namespace}/{name}"))
}
