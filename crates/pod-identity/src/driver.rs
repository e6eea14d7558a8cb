//! Driver level: what EKS injects into the driver's own pod, by the SDKs' variables.

use std::path::PathBuf;

use jiff::Timestamp;
use s3_credential_core::names::{
    AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
    AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
};
use s3_credential_core::{
    Container, Environment, ErrorKind, Failure, MAX_TOKEN_LEN, SourceError, Token,
};
use s3_credential_files as files;

use crate::address::Address;

/// The origin of a relative URI.
const ECS_ORIGIN: &str = "http://169.254.170.2";

/// A token, and some white space around it.
const TOKEN_FILE_LIMIT: usize = MAX_TOKEN_LEN + 1024;

/// Returns the address and the token of this environment. It reads the token again each time.
pub(crate) fn container(
    environment: &Environment,
    now: Timestamp,
) -> Result<Container, SourceError> {
    let uri = uri(environment)?;
    let token = token(environment, now)?;
    match (uri, token) {
        (None, None) => Err(SourceError::not_applicable(format!(
            "neither {AWS_CONTAINER_CREDENTIALS_FULL_URI} nor {AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE} is set for the driver"
        ))
        .with_help("associate the driver's service account with a role (EKS Pod Identity), and restart its pods")),
        (None, Some((variable, _))) => Err(half(variable, AWS_CONTAINER_CREDENTIALS_FULL_URI).into()),
        (Some((AWS_CONTAINER_CREDENTIALS_FULL_URI, _)), None) => Err(half(
            AWS_CONTAINER_CREDENTIALS_FULL_URI,
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
        )
        .into()),
        // The path of a relative URI is its own authorization.
        (Some((_, uri)), token) => Ok(Container::new(uri, token.map(|(_, token)| token))),
    }
}

/// The file that brings the token, where one does.
pub(crate) fn token_file(environment: &Environment) -> Option<PathBuf> {
    environment.get(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE).map(PathBuf::from)
}

/// The relative URI goes first, as in every SDK.
fn uri(environment: &Environment) -> Result<Option<(&'static str, String)>, Failure> {
    let (variable, uri) =
        if let Some(path) = environment.get(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI) {
            if !path.starts_with('/') {
                return Err(Failure::new(
                    ErrorKind::Misconfigured,
                    format!("{AWS_CONTAINER_CREDENTIALS_RELATIVE_URI} does not begin with a slash"),
                )
                .with_help(format!(
                    "correct {AWS_CONTAINER_CREDENTIALS_RELATIVE_URI} of the driver, or remove it"
                )));
            }
            (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, format!("{ECS_ORIGIN}{path}"))
        } else if let Some(uri) = environment.get(AWS_CONTAINER_CREDENTIALS_FULL_URI) {
            (AWS_CONTAINER_CREDENTIALS_FULL_URI, uri.to_owned())
        } else {
            return Ok(None);
        };
    Address::parse(variable, &uri)?;
    Ok(Some((variable, uri)))
}

/// The file goes first, since only it can be renewed.
fn token(
    environment: &Environment,
    now: Timestamp,
) -> Result<Option<(&'static str, Token)>, Failure> {
    let (variable, field, secret) = if let Some(path) = token_file(environment) {
        let field = format!("the file that {AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE} names");
        let text = files::read(path, TOKEN_FILE_LIMIT).map_err(|error| {
            error.failure(ErrorKind::MalformedToken, &field).with_help(TOKEN_FILE_HELP)
        })?;
        (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, field, text.trimmed())
    } else if let Some(secret) = environment.secret(AWS_CONTAINER_AUTHORIZATION_TOKEN) {
        (AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN.to_owned(), secret)
    } else {
        return Ok(None);
    };
    let token =
        Token::parse(&field, secret, None).map_err(|failure| failure.with_help(TOKEN_FILE_HELP))?;
    token.check_expiry(&field, now)?;
    Ok(Some((variable, token)))
}

const TOKEN_FILE_HELP: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE must name the token that EKS projects into the driver's pod, \
     /var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token";

fn half(there: &str, missing: &str) -> Failure {
    Failure::new(
        ErrorKind::Misconfigured,
        format!("{there} is set for the driver, and {missing} is not"),
    )
    .with_help(format!("set {missing} for the driver too, or remove {there}"))
}
