//! The forms in which Mountpoint takes a bucket, and their names in IAM.

use super::refuse;
use crate::error::Failure;
use crate::region::{Partition, Region};

/// More than any S3 ever allowed.
const MAX_NAME_LEN: usize = 255;

/// Reserved endings of aliases (S3 user guide, "General purpose bucket naming rules"). Requests go
/// to what an alias stands for, and that is what IAM compares with.
const ALIASES: [&str; 5] = ["-s3alias", "--ol-s3", "--op-s3", "--xa-s3", "--table-s3"];

/// The volume attribute `bucketName`, by its kind. Its text can be written to a policy unescaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// The name of a general purpose bucket.
    Bucket(&'a str),
    /// The name of a directory bucket (S3 Express).
    Directory(&'a str),
    /// The ARN of an access point.
    AccessPoint(&'a str),
}

impl<'a> Place<'a> {
    pub(super) fn parse(name: &'a str) -> Result<Self, Failure> {
        if name.starts_with("arn:") {
            return if is_access_point(name) {
                Ok(Self::AccessPoint(name))
            } else {
                Err(refuse("the volume attribute `bucketName` is an ARN of another kind than a regional access point's, so no credentials \
                            can be scoped to it")
                    .with_help("name the bucket or a regional access point (arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME)"))
            };
        }
        let is_name = name.len() <= MAX_NAME_LEN
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
        if !is_name {
            return Err(refuse("the volume attribute `bucketName` is not the name of a bucket")
                .with_help("correct `bucketName` in the volume's attributes"));
        }
        if ALIASES.iter().any(|ending| name.ends_with(ending)) {
            return Err(refuse("the volume attribute `bucketName` is an alias, by which no policy can name what it stands for")
                .with_help("name the bucket, or the access point by its ARN"));
        }
        if name.ends_with("--x-s3") { Ok(Self::Directory(name)) } else { Ok(Self::Bucket(name)) }
    }

    /// Returns the resource that is listed, or that a session is for.
    pub(super) fn resource(&self, partition: Partition) -> String {
        let partition = partition.name;
        match self {
            Self::Bucket(name) => format!("arn:{partition}:s3:::{name}"),
            // The name holds its zone and is unique across regions and accounts.
            Self::Directory(name) => format!("arn:{partition}:s3express:*:*:bucket/{name}"),
            Self::AccessPoint(arn) => (*arn).to_owned(),
        }
    }

    /// Returns the resource of the objects whose keys match a pattern.
    pub(super) fn objects(&self, partition: Partition, keys: &str) -> String {
        let resource = self.resource(partition);
        match self {
            Self::AccessPoint(_) => format!("{resource}/object/{keys}"),
            _ => format!("{resource}/{keys}"),
        }
    }
}

/// `arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME`
fn is_access_point(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, partition, "s3", region, account, resource] = parts[..] else {
        return false;
    };
    let label = |text: &str| {
        text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let name = resource.strip_prefix("accesspoint/").unwrap_or_default();
    Region::parse("the region", region).is_ok_and(|region| {
        region.check_aws("the region").is_ok() && region.partition().name == partition
    }) && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && (3..=50).contains(&name.len())
        && label(name)
}
