//! The volumes: one for each way to credentials, and one that has none.

mod driver;
mod pod;
mod secret;

use std::io;

use s3_credential_core::{AuthenticationLevel, Environment, Secret};
use s3_credential_provider::PublishRequest;

use super::world::World;

pub(super) use pod::{FAILING_TITLE, FAILING_VOLUME, failing};

/// A volume, from its publish to its unpublish.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) volume: &'static str,
    pub(super) title: &'static str,
    /// The driver's.
    pub(super) environment: Environment,
    pub(super) request: PublishRequest,
    pub(super) renewal: Renewal,
    pub(super) expected: Expected,
}

/// What has changed when the volume is published again.
#[derive(Debug)]
pub(super) enum Renewal {
    /// The kubelet has replaced the token that it projects into the driver's pod.
    ProjectedToken { file: &'static str, token: Secret },
    /// The driver was restarted, and found other keys in its environment.
    Restart(Environment),
    /// The kubelet sends newer tokens, or another version of the Secret.
    Request(PublishRequest),
    /// IMDS has rotated the keys of the instance profile.
    InstanceProfile,
}

/// How the volume should get its credentials.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) level: AuthenticationLevel,
    pub(super) source: &'static str,
    pub(super) resolver: &'static str,
    /// Whose keys they are: how the ARN begins.
    pub(super) caller: String,
}

/// All volumes that get credentials.
pub(super) fn scenes(world: &World) -> io::Result<Vec<Scene>> {
    Ok(vec![
        driver::irsa(world)?,
        driver::pod_identity(world)?,
        driver::secret(world),
        driver::instance_profile(world),
        pod::web_identity(world),
        pod::pod_identity(world),
        secret::keys(world),
    ])
}

/// A publish as the kubelet sends it, for the pod of this uid.
fn publish(volume: &str, uid: &str) -> PublishRequest {
    let target = format!("/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~csi/{volume}/mount");
    PublishRequest::new(volume, target).with_volume_context([("bucketName", "demo-bucket")])
}

/// How the ARN of a role's session begins.
fn session_of(role_arn: &str) -> String {
    format!("{}/", role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/"))
}
