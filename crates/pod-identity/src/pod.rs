//! Pod level: the pod's own token, for the agent that the operator names.

use jiff::Timestamp;
use s3_credential_core::names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI as AGENT_URI;
use s3_credential_core::{
    Container, Environment, POD_IDENTITY_AUDIENCE, ProvideContext, ServiceAccountTokens,
    SourceError,
};

use crate::address::Address;
use crate::settings::PodIdentitySettings;

/// The agent's address never comes from the driver's own container variables: those are for the
/// driver's identity.
pub(crate) fn container(
    environment: &Environment,
    settings: &PodIdentitySettings,
    context: &ProvideContext,
    now: Timestamp,
) -> Result<Container, SourceError> {
    let (field, uri) = if let Some(uri) = &settings.agent_uri {
        ("the configuration's URL of the Pod Identity agent", uri.as_str())
    } else if let Some(uri) = environment.get(AGENT_URI) {
        (AGENT_URI, uri)
    } else {
        return Err(SourceError::not_applicable(format!(
            "the address of the EKS Pod Identity agent is not known: {AGENT_URI} is not set for the driver"
        ))
        .with_help(format!(
            "to use EKS Pod Identity, install the agent and set {AGENT_URI}=http://169.254.170.23/v1/credentials for the driver"
        )));
    };
    Address::parse(field, uri)?;

    let field = ServiceAccountTokens::field(POD_IDENTITY_AUDIENCE);
    let token = context.tokens().get(POD_IDENTITY_AUDIENCE)?;
    token.check_expiry(&field, now)?;
    token.check_audience(&field, POD_IDENTITY_AUDIENCE)?;
    if let Ok((namespace, name)) = context.service_account() {
        token.check_service_account(&field, namespace, name)?;
    }
    Ok(Container::new(uri, Some(token.clone())))
}
