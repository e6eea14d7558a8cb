//! Each malformed field has its code, and the message names the field and no value.

use s3_csi_proto::csi::v1 as csi;
use s3_csi_proto::csi::v1::volume_capability::access_mode::Mode;
use s3_csi_proto::csi::v1::volume_capability::{AccessType, BlockVolume, MountVolume};
use tonic::Code;

use crate::world::{World, request};

type Change = fn(&mut csi::NodePublishVolumeRequest);

fn mount(request: &mut csi::NodePublishVolumeRequest) -> &mut MountVolume {
    match request.volume_capability.as_mut().unwrap().access_type.as_mut() {
        Some(AccessType::Mount(mount)) => mount,
        _ => unreachable!(),
    }
}

fn attribute(request: &mut csi::NodePublishVolumeRequest, name: &str, value: &str) {
    request.volume_context.insert(name.to_owned(), value.to_owned());
}

/// The change, what the message names, and the code.
const MALFORMED: &[(Change, &str, Code)] = &[
    (|call| call.volume_id.clear(), "volume_id", Code::InvalidArgument),
    (|call| call.volume_id = "v\0".to_owned(), "volume_id", Code::InvalidArgument),
    (|call| call.volume_id = "v".repeat(5_000), "volume_id", Code::InvalidArgument),
    (|call| call.target_path.clear(), "target_path", Code::InvalidArgument),
    (|call| call.target_path = "relative".to_owned(), "target_path", Code::InvalidArgument),
    (|call| call.target_path = "/a/../b".to_owned(), "target_path", Code::InvalidArgument),
    (|call| call.target_path = "//".to_owned(), "target_path", Code::InvalidArgument),
    (
        |call| call.target_path = format!("/a/{}", "b".repeat(256)),
        "target_path",
        Code::InvalidArgument,
    ),
    (|call| call.target_path = "/./".to_owned(), "target_path", Code::InvalidArgument),
    (
        |call| {
            let mode = call.volume_capability.as_mut().unwrap().access_mode.as_mut();
            mode.unwrap().mode = 99;
        },
        "access_mode",
        Code::InvalidArgument,
    ),
    (
        |call| mount(call).mount_flags.push("prefix a\0b".to_owned()),
        "mount flag",
        Code::InvalidArgument,
    ),
    (|call| call.target_path = "/a\nb".to_owned(), "target_path", Code::InvalidArgument),
    (|call| call.target_path = "/a".repeat(3_000), "target_path", Code::InvalidArgument),
    (|call| call.volume_capability = None, "volume_capability", Code::InvalidArgument),
    (
        |call| call.volume_capability.as_mut().unwrap().access_type = None,
        "access_type",
        Code::InvalidArgument,
    ),
    (
        |call| {
            call.volume_capability.as_mut().unwrap().access_type =
                Some(AccessType::Block(BlockVolume {}));
        },
        "block",
        Code::InvalidArgument,
    ),
    (
        |call| call.volume_capability.as_mut().unwrap().access_mode = None,
        "access_mode",
        Code::InvalidArgument,
    ),
    (
        |call| {
            let mode = call.volume_capability.as_mut().unwrap().access_mode.as_mut();
            mode.unwrap().mode = Mode::Unknown.into();
        },
        "access_mode",
        Code::InvalidArgument,
    ),
    (
        |call| mount(call).volume_mount_group = "wheel".to_owned(),
        "volume_mount_group",
        Code::InvalidArgument,
    ),
    (|call| mount(call).mount_flags.push("-o x".to_owned()), "`-o`", Code::InvalidArgument),
    (
        |call| mount(call).mount_flags.push("--profile=x".to_owned()),
        "`--profile`",
        Code::InvalidArgument,
    ),
    (
        |call| mount(call).mount_flags.push("foreground".to_owned()),
        "`--foreground`",
        Code::InvalidArgument,
    ),
    (|call| call.volume_context.clear(), "bucketName", Code::InvalidArgument),
    (|call| attribute(call, "bucketName", ""), "bucketName", Code::InvalidArgument),
    (|call| attribute(call, "bucketName", "--foreground"), "bucketName", Code::InvalidArgument),
    (|call| attribute(call, "bucketName", "a b"), "bucketName", Code::InvalidArgument),
    (
        |call| attribute(call, "authenticationSource", "sesame"),
        "authenticationSource",
        Code::InvalidArgument,
    ),
    (
        |call| attribute(call, "authenticationSource", "secret"),
        "nodePublishSecretRef",
        Code::FailedPrecondition,
    ),
];

#[tokio::test]
async fn each_malformed_field_has_the_code_of_the_csi_table() {
    let world = World::new();
    let service = world.start().await;
    for (number, (change, named, code)) in MALFORMED.iter().enumerate() {
        let mut call = request("v", &world.target("uid"));
        change(&mut call);
        let status = service.publish(call).await.unwrap_err();
        let (found, message) = (status.code(), status.message());
        assert!(message.contains(named), "row {number} names {named}: {message}");
        assert_eq!(found, *code, "row {number} ({named}): {message}");
        assert!(!message.contains("sesame") && !message.contains("wheel"), "{message}");
    }
    assert!(world.is_clean());
}

#[tokio::test]
async fn an_unpublish_and_stats_need_an_id_and_a_path() {
    let world = World::new();
    let service = world.start().await;
    for (volume, path) in [("", "/t"), ("v", ""), ("v", "t"), ("v", "/a/../b"), ("v\n", "/t")] {
        let status = service.unpublish(volume, path).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{volume:?} {path:?}");
        let status = service.stats(volume, path).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{volume:?} {path:?}");
    }
}

#[tokio::test]
async fn another_file_system_at_the_target_is_not_unmounted() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    world.kernel.mount(target.as_ref(), "ext4", "8:1");
    let status = service.unpublish("v", &target).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(world.kernel.entries().len(), 1);
}

#[tokio::test]
async fn a_mounter_that_does_not_listen_is_named() {
    let world = World::new();
    let service = world.start().await;
    world.mounter.set_unreachable(true);
    let status = service.publish(request("v", &world.target("uid"))).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("s3-csi-mounter"), "{}", status.message());
    assert!(world.is_clean());
}
