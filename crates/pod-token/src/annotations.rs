//! The annotations by which the webhook of EKS (aws/amazon-eks-pod-identity-webhook) gives a
//! ServiceAccount its role.

use std::collections::BTreeMap;
use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure, RoleArn};

/// The annotations of a ServiceAccount about its role, as written.
///
/// An empty annotation is an unset one, as every empty value is, and as the Go driver has it: the
/// account has no role, and the next source is asked. One of white space is a role that cannot be
/// one, and refused.
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
        let arn = self.checked("role-arn", self.role_arn.as_deref(), ErrorKind::InvalidRoleArn)?;
        arn.map(|arn| RoleArn::parse(&self.field("role-arn"), arn)).transpose()
    }

    pub(crate) fn audience(&self) -> Result<Option<&str>, Failure> {
        self.checked("audience", self.audience.as_deref(), ErrorKind::MissingToken)
    }

    /// In seconds. The API server takes no less than ten minutes, and less is raised to that.
    pub(crate) fn token_ttl(&self) -> Result<Option<Duration>, Failure> {
        let name = "token-expiration";
        let value = self.token_expiration.as_deref();
        let Some(seconds) = self.checked(name, value, ErrorKind::InvalidRequest)? else {
            return Ok(None);
        };
        match seconds.parse() {
            Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
            Err(_) => {
                Err(self.refused(name, "is not a number of seconds", "a number such as 3600"))
            }
        }
    }

    /// Returns the word of `AWS_STS_REGIONAL_ENDPOINTS`, from a boolean as Go's `strconv.ParseBool`
    /// takes it.
    pub(crate) fn regional_endpoints(&self) -> Result<Option<&'static str>, Failure> {
        let name = "sts-regional-endpoints";
        let value = self.sts_regional_endpoints.as_deref();
        match self.checked(name, value, ErrorKind::InvalidRequest)? {
            None => Ok(None),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(Some("regional")),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(Some("legacy")),
            Some(_) => Err(self.refused(name, "is neither true nor false", "true or false")),
        }
    }

    /// Refuses a value with white space around it. It cannot be seen, and no other message would
    /// name it as the cause.
    fn checked<'a>(
        &self,
        name: &str,
        value: Option<&'a str>,
        kind: ErrorKind,
    ) -> Result<Option<&'a str>, Failure> {
        let Some(text) = value.filter(|value| value.trim() != *value) else { return Ok(value) };
        let field = self.field(name);
        let problem = if text.trim().is_empty() {
            "is only white space"
        } else {
            "has white space before or after its value"
        };
        Err(Failure::new(kind, format!("{field} {problem}"))
            .with_help(format!("remove the white space from {field}")))
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
