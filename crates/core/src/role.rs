//! Role ARNs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::error::{ErrorKind, Failure};

/// STS takes no longer one.
const MAX_LEN: usize = 2048;

/// The name of a role, at most 2048 bytes: an ARN of AWS, or what another store's STS calls a role.
///
/// AWS has `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`. Others leave the account empty, put a
/// tenant there, or begin with `urn:`. What only AWS demands is checked where AWS's own STS is
/// called, by [`RoleArn::check_aws`].
///
/// ```
/// use s3_credential_core::RoleArn;
///
/// let of_aws = "arn:aws:iam::111122223333:role/reader".parse::<RoleArn>()?;
/// let of_ceph = "arn:aws:iam::tenant1:role/reader".parse::<RoleArn>()?;
/// assert!(of_aws.check_aws("the role").is_ok());
/// assert!(of_ceph.check_aws("the role").is_err());
/// # Ok::<(), s3_credential_core::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleArn(Arc<str>);

impl RoleArn {
    /// Parses an ARN; the error names the field, since several places may hold one.
    pub fn parse(field: &str, arn: &str) -> Result<Self, Failure> {
        if is_role(arn) {
            return Ok(Self(arn.into()));
        }
        Err(not_a_role(field))
    }

    /// Refuses what AWS's own STS takes for no role, before it is asked.
    pub fn check_aws(&self, field: &str) -> Result<(), Failure> {
        if is_role_of_aws(&self.0) {
            return Ok(());
        }
        Err(not_a_role(field).with_help(format!(
            "set {field} to an ARN such as arn:aws:iam::111122223333:role/name; roles of another store need its STS in \
             AWS_ENDPOINT_URL_STS"
        )))
    }

    /// Returns the ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the partition that the role is in: `aws`, `aws-cn`, ...
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }
}

fn not_a_role(field: &str) -> Failure {
    Failure::new(ErrorKind::InvalidRoleArn, format!("{field} is not the ARN of an IAM role"))
        .with_help(format!("set {field} to an ARN such as arn:aws:iam::111122223333:role/name"))
}

/// `arn:...:role/NAME` or `urn:...:role/NAME`, of characters that can stand in a request and in a
/// message.
fn is_role(arn: &str) -> bool {
    let Some((scheme, rest)) = arn.split_once(':') else {
        return false;
    };
    let Some((before, name)) = rest.split_once("role/") else {
        return false;
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b":+=,.@_$-".contains(&b);
    arn.len() <= MAX_LEN
        && ["arn", "urn"].contains(&scheme)
        && before.split(':').nth(1) == Some("iam")
        && before.ends_with(':')
        && before.bytes().all(plain)
        && is_name(name)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.ends_with('/')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b))
}

fn is_role_of_aws(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (prefix, partition, service, region, account, resource) =
        (next(), next(), next(), next(), next(), next());
    prefix == "arn"
        && partition.starts_with("aws")
        && partition.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && resource.strip_prefix("role/").is_some_and(is_name)
}

impl FromStr for RoleArn {
    type Err = Failure;

    fn from_str(arn: &str) -> Result<Self, Failure> {
        Self::parse("the role ARN", arn)
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RoleArn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RoleArn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let arn = String::deserialize(deserializer)?;
        arn.parse().map_err(D::Error::custom)
    }
}
