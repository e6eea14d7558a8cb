//! The annotations by which the webhook of EKS (aws/amazon-eks-pod-identity-webhook) gives a ServiceAccount its role.

use std::collections::BTreeMap;
use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure, RoleArn};

/// What a ServiceAccount says about its role, as written.
///
/// An empty annotation is an unset one, as every empty value is, and as the Go driver has it: the account has no role, and the next
/// source is asked. One of white space is a role that cannot be one, and refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Annotations {
    prefix: String,
    role_arn: Option<String>,
    audience: Option<String>,
    token_expiration: Option<String>,
    sts_regional_endpoints: Option<String>,
}

impl Annotations {
    pub(crate) fn new(prefix: &str, all: Option<&BTreeMap<String, String>>) -> Self {
        let value = |name: &str| {
            let value = all?.get(&format!("{prefix}/{name}"))?;
            (!value.is_empty()).then(|| value.clone())
        };
        Self {
            role_arn: value("role-arn"),
            audience: value("audience"),
            token_expiration: value("token-expiration"),
            sts_regional_endpoints: value("sts-regional-endpoints"),
            prefix: prefix.to_owned(),
        }
    }

    pub(crate) fn has_role(&self) -> bool {
        self.role_arn.is_some()
    }

    pub(crate) fn role_arn(&self) -> Result<Option<RoleArn>, Failure> {
        let field = self.field("role-arn");
        self.role_arn.as_deref().map(|arn| RoleArn::parse(&field, arn)).transpose()
    }

    pub(crate) fn audience(&self) -> Option<&str> {
        self.audience.as_deref()
    }

    /// In seconds. The API server takes no less than ten minutes, and less is raised to that.
    pub(crate) fn token_ttl(&self) -> Result<Option<Duration>, Failure> {
        let Some(seconds) = &self.token_expiration else {
            return Ok(None);
        };
        match seconds.parse() {
            Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
            Err(_) => Err(self.refused(
                "token-expiration",
                "is not a number of seconds",
                "a number such as 3600",
            )),
        }
    }

    /// The word of `AWS_STS_REGIONAL_ENDPOINTS`, from a boolean as Go's `strconv.ParseBool` takes it.
    pub(crate) fn regional_endpoints(&self) -> Result<Option<&'static str>, Failure> {
        match self.sts_regional_endpoints.as_deref() {
            None => Ok(None),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(Some("regional")),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(Some("legacy")),
            Some(_) => Err(self.refused(
                "sts-regional-endpoints",
                "is neither true nor false",
                "true or false",
            )),
        }
    }

    fn field(&self, name: &str) -> String {
        format!("the ServiceAccount's annotation `{}/{name}`", self.prefix)
    }

    fn refused(&self, name: &str, problem: &str, instead: &str) -> Failure {
        let field = self.field(name);
        Failure::new(ErrorKind::InvalidRequest, format!("{field} {problem}"))
            .with_help(format!("set {field} to {instead}, or remove it"))
    }
}
