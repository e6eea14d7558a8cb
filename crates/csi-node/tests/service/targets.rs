//! What is at a target path already, and how a path is spelled.

use s3_csi_node::MountId;
use tonic::Code;

use crate::world::{CANARY, World, request};

#[tokio::test]
async fn a_second_volume_at_a_target_is_refused_and_cannot_unpublish_the_first() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    service.publish(request("v", &target)).await.unwrap();
    let status = service.publish(request("w", &target)).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    service.unpublish("w", &target).await.unwrap();
    assert_eq!(world.kernel.entries().len(), 2);
    service.publish(request("v", &target)).await.unwrap();
    service.unpublish("v", &target).await.unwrap();
    assert!(world.is_clean());
}

#[tokio::test]
async fn one_path_in_two_spellings_is_one_target() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    let other = format!("{}//./", target.replace("/pods/", "//pods/"));
    service.publish(request("v", &target)).await.unwrap();
    service.publish(request("v", &other)).await.unwrap();
    assert_eq!((world.mounter.mounted(), world.kernel.entries().len()), (1, 2));
    assert!(!service.stats("v", &other).await.unwrap().volume_condition.unwrap().abnormal);
    service.unpublish("v", &other).await.unwrap();
    assert!(world.is_clean());
}

#[tokio::test]
async fn a_target_that_is_no_directory_is_refused_and_left_alone() {
    let world = World::new();
    let service = world.start().await;
    let (file, link) = (world.path("file"), world.path("link"));
    std::fs::write(&file, "precious").unwrap();
    std::os::unix::fs::symlink(world.scratch.path(), &link).unwrap();
    for target in [&file, &link] {
        let target = target.display().to_string();
        let status = service.publish(request("v", &target)).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{}", status.message());
        assert!(status.message().contains("target_path"), "{}", status.message());
        service.unpublish("v", &target).await.unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
    assert!(link.is_symlink() && world.is_clean());
}

#[tokio::test]
async fn another_mount_at_the_target_is_neither_covered_nor_a_final_error() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    world.kernel.mount(target.as_ref(), "ext4", "8:1");
    let status = service.publish(request("v", &target)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!((world.mounter.mounted(), world.kernel.entries().len()), (0, 1));
}

#[tokio::test]
async fn a_republish_that_cannot_be_read_keeps_the_mount() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    let call = request("v", &target);
    service.publish(call.clone()).await.unwrap();
    let mut broken = call.clone();
    let tokens = "csi.storage.k8s.io/serviceAccount.tokens".to_owned();
    broken.volume_context.insert(tokens, format!("{{{CANARY}"));
    if let Err(status) = service.publish(broken).await {
        assert_eq!(status.code(), Code::Unavailable, "{}", status.message());
        assert!(!status.message().contains(CANARY), "{}", status.message());
    }
    assert_eq!(world.kernel.entries().len(), 2);
    service.publish(call).await.unwrap();
}

#[tokio::test]
async fn the_user_of_a_volume_that_went_without_a_mounter_is_released_later() {
    let world = World::new();
    let service = world.start().await;
    let (first, second) = (world.target("a"), world.target("b"));
    service.publish(request("a", &first)).await.unwrap();
    world.mounter.set_unreachable(true);
    service.unpublish("a", &first).await.unwrap();
    world.mounter.set_unreachable(false);
    assert_eq!(world.mounter.reserved(), [MountId::new("a", &first)]);
    service.publish(request("b", &second)).await.unwrap();
    assert_eq!(world.mounter.reserved(), [MountId::new("b", &second)]);
}
