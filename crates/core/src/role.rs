//! Role ARNs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::error::{ErrorKind, Failure};

/// The ARN of an IAM role: `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`, at most 2048 bytes.
///
/// The account is 12 digits, or empty as MinIO and Ceph have it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleArn(Arc<str>);

impl RoleArn {
    /// Parses an ARN; the error names the field, since several places may hold one.
    pub fn parse(field: &str, arn: &str) -> Result<Self, Failure> {
        if is_role(arn) {
            return Ok(Self(arn.into()));
        }
        Err(Failure::new(
            ErrorKind::InvalidRoleArn,
            format!("{field} is not the ARN of an IAM role"),
        )
        .with_help(format!("set {field} to an ARN such as arn:aws:iam::111122223333:role/name")))
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition that the role is in: `aws`, `aws-cn`, ...
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }
}

fn is_role(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (prefix, partition, service, region, account, resource) =
        (next(), next(), next(), next(), next(), next());
    let word = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let name = resource.strip_prefix("role/").unwrap_or_default();
    arn.len() <= 2048
        && prefix == "arn"
        && word(partition)
        && service == "iam"
        && region.is_empty()
        && (account.is_empty()
            || (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())))
        && !name.is_empty()
        && !name.ends_with('/')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b))
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
