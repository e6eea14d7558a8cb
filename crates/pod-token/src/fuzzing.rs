//! The texts that a tenant can write into a ServiceAccount, for the fuzz targets.

use std::collections::BTreeMap;
use std::time::Duration;

use s3_credential_core::{Failure, RoleArn};

use crate::annotations::Annotations;
use crate::api::Account;

/// The parsed annotations, each for itself.
#[derive(Debug)]
pub struct Said {
    /// `role-arn`
    pub role_arn: Result<Option<RoleArn>, Failure>,
    /// `audience`
    pub audience: Result<Option<String>, Failure>,
    /// `token-expiration`
    pub token_ttl: Result<Option<Duration>, Failure>,
    /// `sts-regional-endpoints`
    pub regional_endpoints: Result<Option<&'static str>, Failure>,
}

/// The annotations under the webhook's prefix.
pub fn annotations(all: &BTreeMap<String, String>) -> Said {
    let annotations = Annotations::new("eks.amazonaws.com", Some(all));
    Said {
        role_arn: annotations.role_arn(),
        audience: annotations.audience().map(|audience| audience.map(str::to_owned)),
        token_ttl: annotations.token_ttl(),
        regional_endpoints: annotations.regional_endpoints(),
    }
}

/// Checks that these names may become part of the API server's URL.
pub fn account(namespace: &str, name: &str) -> Result<(), Failure> {
    Account::parse(namespace, name).map(drop)
}
