//! Answers of STS, for the fuzz targets: through the SDK, without a network and without a second
//! attempt.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use s3_credential_core::{Environment, Failure, Keys, SystemClock, WebIdentity};

use crate::ask::Asks;
use crate::refusal::{Asked, By};
use crate::settings::StsSettings;
use crate::{call, endpoint};

/// An answer to `AssumeRoleWithWebIdentity`.
pub async fn keys(status: u16, body: Vec<u8>, identity: &WebIdentity) -> Result<Keys, Failure> {
    let region = "eu-north-1".parse()?;
    let settings = StsSettings::from_environment(&Environment::default());
    let endpoint = endpoint::resolve(&settings, Some(&region), None).await?;
    let connector = SharedHttpConnector::new(Answer { status, body });
    let http = http_client_fn(move |_, _| connector.clone());
    let config = call::config(http, Arc::new(SystemClock), &endpoint);
    let asks = Asks::of(identity, &Default::default())?;
    let asked =
        Asked { endpoint: &endpoint, role: identity.role_arn.as_str(), by: By::Token(None) };
    call::with_token(config, &asks.first, &identity.token, asked)
        .await
        .map_err(|refusal| refusal.failure)
}

/// Gives the same answer to everything.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl HttpConnector for Answer {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let response = http::Response::builder().status(self.status);
        let response = response.body(SdkBody::from(self.body.clone())).map_err(Into::into);
        let response = response.map(HttpResponse::try_from);
        HttpConnectorFuture::ready(match response {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(ConnectorError::other(error.into(), None)),
            Err(error) => Err(ConnectorError::other(error, None)),
        })
    }
}
