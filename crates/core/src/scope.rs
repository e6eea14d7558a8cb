//! The scope of one volume in S3, and the session policy that allows only that.

mod place;
mod policy;

use serde::{Deserialize, Serialize};

use crate::context::ProvideContext;
use crate::error::{ErrorKind, Failure};
use crate::region::Partition;
use place::Place;
use policy::Access;

/// The bucket and the prefix that a volume mounts, and whether it only reads or may delete.
///
/// ```
/// use s3_credential_core::{MountTarget, ProvideContext, PublishRequest, Region, VolumeScope};
///
/// let target_path = "/var/lib/kubelet/pods/4a5d/volumes/kubernetes.io~csi/pv/mount";
/// let request = PublishRequest::new("s3-volume", target_path)
///     .with_volume_context([("bucketName", "photos")])
///     .with_mount_flags(["prefix 2026/", "read-only"]);
/// let mount = MountTarget::new("/run/mountpoint");
/// let context = ProvideContext::from_publish_request(request, mount)?;
/// let partition = "eu-north-1".parse::<Region>()?.partition();
/// let policy = VolumeScope::of(&context)?.session_policy(partition)?;
/// let read =
///     r#"{"Action":["s3:GetObject"],"Effect":"Allow","Resource":"arn:aws:s3:::photos/2026/*"}"#;
/// assert!(policy.contains(read));
/// # Ok::<(), s3_credential_core::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeScope {
    bucket: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    read_only: bool,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    allow_delete: bool,
}

/// Records of earlier versions do not say it, and their policies allowed it.
fn yes() -> bool {
    true
}

impl VolumeScope {
    /// Returns the scope of the volume of this publish.
    ///
    /// # Errors
    /// `invalid-request` for a volume that no policy can be made for: it names no bucket, or one in
    /// a form that IAM cannot name. The same for a prefix that does not end in `/`, that STS does
    /// not accept, or that is of a directory bucket. No policy is widened to make it fit.
    pub fn of(context: &ProvideContext) -> Result<Self, Failure> {
        let options = context.mount_options();
        let bucket = context.bucket().ok_or_else(|| {
            refuse("the volume names no bucket, so no credentials can be scoped to it")
                .with_help("set the volume attribute `bucketName`")
        })?;
        // A policy for half of what was meant would be too wide.
        if let Some(problem) = options.problems().first() {
            return Err(refuse(problem.to_string()).with_help(
                "write each option of Mountpoint as an entry of its own in the volume's mountOptions, such as `prefix team-a/`, or \
                 set `scope: role` in the driver's configuration",
            ));
        }
        // Every volume reads and writes this bucket, under keys that are not its prefix.
        if options.has("cache-xz") {
            return Err(refuse("the mount option `--cache-xz` shares a cache between volumes, which credentials scoped to one do not reach")
                .with_help("remove `--cache-xz` from the volume's mountOptions, or set `scope: role` in the driver's configuration"));
        }
        let scope = Self {
            bucket: bucket.to_owned(),
            prefix: options.value("prefix").map(str::to_owned),
            read_only: context.is_read_only(),
            allow_delete: options.has("allow-delete"),
        };
        scope.place().map(|_| scope.clone())
    }

    /// Returns the session policy: a JSON document without white space, for keys in this partition.
    ///
    /// It allows what Mountpoint's documentation asks for (`doc/CONFIGURATION.md`, "IAM
    /// permissions"): listing the prefix, reading its objects, writing them if the volume is
    /// writable, and deleting them with the mount option `--allow-delete`; for directory buckets a
    /// session, of the mode `ReadOnly` where it only reads. With it the use of KMS keys by S3.
    ///
    /// # Errors
    /// `invalid-request` where the prefix makes it longer than STS allows (2048 characters), and
    /// those of [`of`](Self::of).
    pub fn session_policy(&self, partition: Partition) -> Result<String, Failure> {
        let place = self.place()?;
        let policy = policy::draw(&place, self.prefix.as_deref(), self.access(), partition);
        if policy.chars().count() > policy::MAX_CHARS {
            return Err(refuse("the mount option `prefix` is too long for a session policy, which STS limits to 2048 characters")
                .with_help("use a shorter prefix, or `scope: role` in the driver's configuration"));
        }
        Ok(policy)
    }

    fn access(&self) -> Access {
        match (self.read_only, self.allow_delete) {
            (true, _) => Access::Read,
            (false, false) => Access::Write,
            (false, true) => Access::Delete,
        }
    }

    /// Returns the place of the objects, if prefix and bucket can be written to a policy unescaped.
    fn place(&self) -> Result<Place<'_>, Failure> {
        let place = Place::parse(&self.bucket)?;
        self.prefix.iter().try_for_each(|prefix| check_prefix(prefix, &place))?;
        Ok(place)
    }
}

/// Mountpoint has the same rule for the end: without it `team` would match `team-b/` too.
fn check_prefix(prefix: &str, place: &Place<'_>) -> Result<(), Failure> {
    let problem = if prefix.is_empty() {
        "has no value"
    } else if !prefix.ends_with('/') {
        "does not end in /"
    } else if !prefix.chars().all(policy::is_allowed) {
        "holds characters that STS does not take in a session policy (only Latin-1)"
    } else if matches!(place, Place::Directory(_)) {
        "cannot be enforced by credentials for a directory bucket (S3 Express), whose sessions are for the whole bucket"
    } else {
        return Ok(());
    };
    Err(refuse(format!("the mount option `prefix` {problem}"))
        .with_help("correct `prefix` in the volume's mountOptions, or set `scope: role` in the driver's configuration"))
}

fn refuse(problem: impl Into<String>) -> Failure {
    Failure::new(ErrorKind::InvalidRequest, problem.into())
}
