//! A probe whether STS can be reached, without any credential.

use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use aws_sdk_sts::error::{ProvideErrorMetadata as _, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use s3_credential_core::quietly;

use crate::refusal::{Asked, Refusal};

/// The role that is asked for: no account has this number.
pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/s3-credential-probe";

/// A token that no issuer signs.
const TOKEN: &str = "not-a-token";

/// An STS that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reached {
    /// The URL that was called.
    pub url: String,
    /// The time of STS, to the second, where it sends one (the header `Date`).
    pub at: Option<Timestamp>,
}

/// Asks for a role with a token that is none. Any word of STS's own, which is to refuse it, is an
/// answer.
pub(crate) async fn ask(config: Builder, asked: Asked<'_>) -> Result<Option<Timestamp>, Refusal> {
    let answer = quietly(async {
        Client::from_conf(config.build())
            .assume_role_with_web_identity()
            .role_arn(ROLE)
            .role_session_name("probe")
            .web_identity_token(TOKEN)
            .send()
            .await
    })
    .await;
    match answer {
        // An STS that accepts any token; its keys are dropped unread.
        Ok(_) => Ok(None),
        Err(SdkError::ServiceError(answer))
            if answer.err().code().is_some() && !answer.raw().status().is_server_error() =>
        {
            Ok(date(answer.raw()))
        }
        Err(error) => Err(asked.refusal(&error)),
    }
}

fn date(answer: &HttpResponse) -> Option<Timestamp> {
    rfc2822::parse(answer.headers().get("date")?).ok().map(|date| date.timestamp())
}
