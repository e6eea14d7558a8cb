//! `GetCallerIdentity`, signed.

use aws_sigv4::http_request::SigningSettings;
use bytes::Bytes;
use http::Method;
use s3_credential_core::Keys;

use super::ClientError;
use super::signed::Call;
use crate::xml;

const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// Asks the STS at `url` whose keys these are.
pub(super) async fn ask(url: &str, region: &str, keys: &Keys) -> Result<String, ClientError> {
    let call = Call {
        method: Method::POST,
        url: format!("{}/", url.trim_end_matches('/')),
        content_type: "application/x-www-form-urlencoded; charset=utf-8",
        body: Bytes::from_static(BODY.as_bytes()),
        service: "sts",
        region,
    };
    let (_, answer) = call
        .send(keys, SigningSettings::default())
        .await
        .map_err(|error| ClientError::NoAnswer(error.to_string()))?;
    let answer = String::from_utf8_lossy(&answer);
    let first = |name| xml::texts(&answer, name).into_iter().next();
    match (first("Arn"), first("Code")) {
        (Some(arn), _) => Ok(arn),
        (None, Some(code)) => Err(ClientError::Refused(code)),
        (None, None) => Err(ClientError::NoAnswer("the answer is of no known kind".to_owned())),
    }
}
