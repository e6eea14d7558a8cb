//! A volume with credentials of its own.

use s3_credential_core::{AuthenticationLevel, Secret, resolver_names, source_names};
use s3_credential_testkit::iam::Issued;
use s3_credential_testkit::ids;

use super::{Expected, Renewal, Scene, publish};
use crate::commands::demo::world::World;

const ARCHIVE_USER: &str = "arn:aws:iam::111122223333:user/archive";

pub(super) fn keys(world: &World) -> Scene {
    let uid = ids::uuid();
    let request = |user: &Issued| {
        publish("secret-keys", &uid)
            .with_volume_context([("authenticationSource", "secret")])
            .with_secrets([
                ("key_id", Secret::new(user.access_key_id.as_str())),
                ("access_key", user.secret_access_key.clone()),
            ])
            .with_mount_flags(["--region=ap-south-1"])
    };
    Scene {
        volume: "secret-keys",
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
