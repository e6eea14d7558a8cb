//! `s3cred process`: the AWS SDKs' `credential_process`.

use jiff::Timestamp;
use s3_credential_core::Secret;
use s3_credential_provider::{Keys, ProvideError, PublishRequest, Registry};
use serde::Serialize;

use crate::arguments::ProcessArguments;
use crate::{output, request, setup};

/// The object that the SDKs read (AWS SDKs and Tools Reference Guide, "Process credential
/// provider").
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessCredentials<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<Timestamp>,
}

impl<'a> From<&'a Keys> for ProcessCredentials<'a> {
    fn from(keys: &'a Keys) -> Self {
        Self {
            version: 1,
            access_key_id: keys.access_key_id.expose(),
            secret_access_key: keys.secret_access_key.expose(),
            session_token: keys.session_token.as_ref().map(Secret::expose),
            expiration: keys.expires_at,
        }
    }
}

pub(crate) async fn run(
    arguments: ProcessArguments,
    registry: &Registry,
) -> Result<(), ProvideError> {
    let provider = setup::builder(registry, &arguments.config, None)?.build()?;
    let target = setup::pod_target(None, &arguments.pod, arguments.role_arn.as_deref())?;
    let request: PublishRequest = request::read(&arguments.request.request)?;
    let context = provider.context(request, target)?;
    let keys = provider.credentials(&context).await?;
    output::print_json(&ProcessCredentials::from(&keys));
    Ok(())
}
