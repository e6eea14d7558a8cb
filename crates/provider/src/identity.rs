//! Whose credentials a lease holds, as far as a running Mountpoint would notice a change.

use s3_credential_core::{CredentialForm, FormKind, RoleArn, SourcedForm, VolumeScope};
use serde::{Deserialize, Serialize};

/// What a running Mountpoint cannot be moved away from: the source, the kind of provider it was started with, the role or address in its
/// environment, and the bucket and prefix that it was started for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
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
    /// The identity of what a chain gave, narrowed to this.
    pub fn of(sourced: &SourcedForm, scope: Option<VolumeScope>) -> Self {
        let (role_arn, uri) = match &sourced.form {
            CredentialForm::WebIdentity(identity) => {
                (Some(identity.role_arn.as_str().to_owned()), None)
            }
            CredentialForm::Container(container) => (None, Some(container.uri.clone())),
            _ => (None, None),
        };
        Self {
            source: Some(sourced.source.clone()),
            form: sourced.form.kind().as_str().to_owned(),
            role_arn,
            uri,
            scope,
        }
    }

    /// The identity of a volume without credentials.
    pub fn anonymous() -> Self {
        Self {
            source: None,
            form: FormKind::Anonymous.as_str().to_owned(),
            role_arn: None,
            uri: None,
            scope: None,
        }
    }

    /// The role that a refresh of this identity must keep.
    pub(crate) fn role(&self) -> Option<RoleArn> {
        self.role_arn.as_deref()?.parse().ok()
    }
}
