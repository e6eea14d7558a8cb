//! The volumes: one for each way to credentials, and one that has none.

use std::io;

use s3_credential_core::{
    AuthenticationLevel, Environment, POD_IDENTITY_AUDIENCE, STS_AUDIENCE, Secret, TOKENS_KEY,
    names, resolver_names, source_names,
};
use s3_credential_provider::PublishRequest;
use s3_credential_testkit::iam::Issued;
use s3_credential_testkit::ids;

use super::world::{
    Account, Age, DRIVER, DRIVER_ROLE, NOBODY, NODE_ROLE, PHOTOS, PHOTOS_ROLE, REPORTS,
    REPORTS_ROLE, World,
};

const DRIVER_USER: &str = "arn:aws:iam::111122223333:user/s3-csi-driver";
const ARCHIVE_USER: &str = "arn:aws:iam::111122223333:user/archive";

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
        driver_irsa(world)?,
        driver_pod_identity(world)?,
        driver_secret(world),
        driver_instance_profile(world),
        pod_web_identity(world),
        pod_identity(world),
        secret_request(world),
    ])
}

fn driver_irsa(world: &World) -> io::Result<Scene> {
    let token = |age| world.token(DRIVER, STS_AUDIENCE, age);
    let file = "irsa-token";
    let path = world.project(file, &token(Age::Older))?;
    Ok(Scene {
        volume: "driver-irsa",
        title: "driver level: the driver's own role, by its web-identity token (IRSA)",
        environment: world
            .environment()
            .with(names::AWS_ROLE_ARN, DRIVER_ROLE)
            .with(names::AWS_WEB_IDENTITY_TOKEN_FILE, path)
            .with(names::AWS_REGION, "eu-north-1"),
        request: publish("driver-irsa", &ids::uuid()),
        renewal: Renewal::ProjectedToken { file, token: token(Age::Newer) },
        expected: Expected {
            level: AuthenticationLevel::Driver,
            source: source_names::IRSA,
            resolver: resolver_names::ENVIRONMENT,
            caller: session_of(DRIVER_ROLE),
        },
    })
}

fn driver_pod_identity(world: &World) -> io::Result<Scene> {
    let token = |age| world.token(DRIVER, POD_IDENTITY_AUDIENCE, age);
    let file = "eks-pod-identity-token";
    let path = world.project(file, &token(Age::Older))?;
    Ok(Scene {
        volume: "driver-pod-identity",
        title: "driver level: the driver's own role, by EKS Pod Identity",
        environment: world
            .environment()
            .with(names::AWS_CONTAINER_CREDENTIALS_FULL_URI, world.agent_url())
            .with(names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, path),
        request: publish("driver-pod-identity", &ids::uuid()),
        renewal: Renewal::ProjectedToken { file, token: token(Age::Newer) },
        expected: Expected {
            level: AuthenticationLevel::Driver,
            source: source_names::POD_IDENTITY,
            resolver: resolver_names::IMDS,
            caller: session_of(DRIVER_ROLE),
        },
    })
}

fn driver_secret(world: &World) -> Scene {
    let environment = |user: &Issued| {
        world
            .environment()
            .with(names::AWS_ACCESS_KEY_ID, user.access_key_id.as_str())
            .with(names::AWS_SECRET_ACCESS_KEY, user.secret_access_key.clone())
    };
    Scene {
        volume: "driver-secret",
        title: "driver level: long-term keys of a Secret, in the driver's environment",
        environment: environment(&world.user(DRIVER_USER)),
        request: publish("driver-secret", &ids::uuid())
            .with_mount_flags(["region eu-central-1", "prefix backups/"]),
        renewal: Renewal::Restart(environment(&world.user(DRIVER_USER))),
        expected: Expected {
            level: AuthenticationLevel::Driver,
            source: source_names::SECRET_ENVIRONMENT,
            resolver: resolver_names::MOUNT_OPTIONS,
            caller: DRIVER_USER.to_owned(),
        },
    }
}

fn driver_instance_profile(world: &World) -> Scene {
    Scene {
        volume: "driver-instance-profile",
        title: "driver level: the node's instance profile, since the driver has nothing of its own",
        environment: world.environment(),
        request: publish("driver-instance-profile", &ids::uuid()),
        renewal: Renewal::InstanceProfile,
        expected: Expected {
            level: AuthenticationLevel::Driver,
            source: source_names::IMDS,
            resolver: resolver_names::IMDS,
            caller: session_of(NODE_ROLE),
        },
    }
}

fn pod_web_identity(world: &World) -> Scene {
    let uid = ids::uuid();
    // Until Kubernetes 1.35 the kubelet sends the tokens with the volume's attributes.
    let request = |age| {
        pod_publish("pod-web-identity", &uid, PHOTOS)
            .with_volume_context([("stsRegion", "eu-west-1")])
            .with_volume_context([(TOKENS_KEY, world.pod_tokens(PHOTOS, age))])
    };
    Scene {
        volume: "pod-web-identity",
        title: "pod level: the role in the annotation of the pod's ServiceAccount",
        environment: world.environment(),
        request: request(Age::Older),
        renewal: Renewal::Request(request(Age::Newer)),
        expected: Expected {
            level: AuthenticationLevel::Pod,
            source: source_names::POD_TOKEN,
            resolver: resolver_names::VOLUME_CONTEXT,
            caller: session_of(PHOTOS_ROLE),
        },
    }
}

fn pod_identity(world: &World) -> Scene {
    let uid = ids::uuid();
    // With `serviceAccountTokenInSecrets` (KEP-5538) they come with the secrets.
    let request = |age| {
        pod_publish("pod-identity", &uid, REPORTS)
            .with_secrets([(TOKENS_KEY, world.pod_tokens(REPORTS, age))])
    };
    Scene {
        volume: "pod-identity",
        title: "pod level: EKS Pod Identity, since the ServiceAccount has no annotation",
        environment: world
            .environment()
            .with(names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI, world.agent_url())
            .with(names::AWS_DEFAULT_REGION, "eu-south-2"),
        request: request(Age::Older),
        renewal: Renewal::Request(request(Age::Newer)),
        expected: Expected {
            level: AuthenticationLevel::Pod,
            source: source_names::POD_IDENTITY,
            resolver: resolver_names::ENVIRONMENT,
            caller: session_of(REPORTS_ROLE),
        },
    }
}

fn secret_request(world: &World) -> Scene {
    let uid = ids::uuid();
    let request = |user: &Issued| {
        publish("secret-request", &uid)
            .with_volume_context([("authenticationSource", "secret")])
            .with_secrets([
                ("key_id", Secret::new(user.access_key_id.as_str())),
                ("access_key", user.secret_access_key.clone()),
            ])
            .with_mount_flags(["--region=ap-south-1"])
    };
    Scene {
        volume: "secret-request",
        title: "secret level: the volume's own Secret (nodePublishSecretRef)",
        environment: world.environment(),
        request: request(&world.user(ARCHIVE_USER)),
        renewal: Renewal::Request(request(&world.user(ARCHIVE_USER))),
        expected: Expected {
            level: AuthenticationLevel::Secret,
            source: source_names::SECRET_REQUEST,
            resolver: resolver_names::MOUNT_OPTIONS,
            caller: ARCHIVE_USER.to_owned(),
        },
    }
}

/// What nobody has set up: a pod-level volume whose ServiceAccount has no role. The node has one, and the volume must not get it.
pub(super) const FAILING_VOLUME: &str = "pod-without-role";
pub(super) const FAILING_TITLE: &str = "pod level: nobody gave the ServiceAccount a role";

/// Its publish.
pub(super) fn failing(world: &World) -> PublishRequest {
    pod_publish(FAILING_VOLUME, &ids::uuid(), NOBODY)
        .with_volume_context([(TOKENS_KEY, world.pod_tokens(NOBODY, Age::Newer))])
}

/// A publish as the kubelet sends it, for the pod of this uid.
fn publish(volume: &str, uid: &str) -> PublishRequest {
    let target = format!("/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~csi/{volume}/mount");
    PublishRequest::new(volume, target).with_volume_context([("bucketName", "demo-bucket")])
}

/// The same at pod level, where the CSIDriver object has `podInfoOnMount`.
fn pod_publish(volume: &str, uid: &str, (namespace, name): Account) -> PublishRequest {
    publish(volume, uid).with_volume_context([
        ("authenticationSource", "pod"),
        ("csi.storage.k8s.io/pod.uid", uid),
        ("csi.storage.k8s.io/pod.name", name),
        ("csi.storage.k8s.io/pod.namespace", namespace),
        ("csi.storage.k8s.io/serviceAccount.name", name),
    ])
}

/// How the ARN of a role's session begins.
fn session_of(role_arn: &str) -> String {
    format!("{}/", role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/"))
}
