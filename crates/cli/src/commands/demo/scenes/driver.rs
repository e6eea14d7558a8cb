//! Volumes with the driver's own credentials.

use std::io;

use s3_credential_core::{
    AuthenticationLevel, POD_IDENTITY_AUDIENCE, STS_AUDIENCE, names, resolver_names, source_names,
};
use s3_credential_testkit::iam::Issued;
use s3_credential_testkit::ids;

use super::{Expected, Renewal, Scene, publish, session_of};
use crate::commands::demo::world::{Age, DRIVER, DRIVER_ROLE, NODE_ROLE, World};

const DRIVER_USER: &str = "arn:aws:iam::111122223333:user/s3-csi-driver";

pub(super) fn irsa(world: &World) -> io::Result<Scene> {
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

pub(super) fn pod_identity(world: &World) -> io::Result<Scene> {
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

pub(super) fn secret(world: &World) -> Scene {
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

pub(super) fn instance_profile(world: &World) -> Scene {
    Scene {
        volume: "driver-instance-profile",
        title: "driver level: the node's instance profile, since the driver has no credentials of its own",
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
