//! Answers of IMDS, for the fuzz targets.

use s3_credential_core::{Failure, Keys};

use crate::{client, keys};

const ENDPOINT: &str = "http://169.254.169.254";

/// The document with a role's keys.
pub fn keys(document: &str) -> Result<Keys, Failure> {
    keys::parse(document, ENDPOINT)
}

/// The list of roles.
pub fn role(list: &str) -> Result<&str, Failure> {
    client::role_in(list).map_err(|trouble| trouble.into_failure(ENDPOINT))
}
