//! Publish, republish, unpublish; concurrent calls; failures at each step.

use std::sync::atomic::Ordering;

use s3_csi_node::{MemoryBudget, MountId, MounterError};
use s3_csi_proto::csi::v1::volume_capability::AccessType;
use tonic::Code;

use crate::world::{World, request};

#[tokio::test]
async fn a_volume_is_mounted_refreshed_and_removed() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    let id = MountId::new("v", &target);
    let mut call = request("v", &target);
    call.readonly = true;
    service.publish(call.clone()).await.unwrap();

    let command = world.mounter.command(&id);
    assert_eq!(command.bucket, "photos");
    assert_eq!(
        command.arguments,
        ["--region=eu-north-1", "--allow-other", "--foreground", "--user-agent-prefix=test/1"]
    );
    assert_eq!(command.environment["AWS_EC2_METADATA_DISABLED"].expose(), "true");
    assert!(world.profile(&id).contains("AKIA1"));

    service.publish(call).await.unwrap();
    assert!(world.profile(&id).contains("AKIA2"), "new keys reach the live mount");
    assert_eq!((world.mounter.mounted(), world.kernel.entries().len()), (1, 2));

    service.unpublish("v", &target).await.unwrap();
    assert!(world.is_clean());
    let log = world.kernel.log();
    let position = |start: &str| log.iter().position(|line| line.starts_with(start)).unwrap();
    assert!(position("unmount") < position("remove"), "the unmount comes first: {log:?}");
    service.unpublish("v", &target).await.unwrap();
    service.unpublish("unknown", &target).await.unwrap();
}

#[tokio::test]
async fn a_different_request_for_a_published_target_is_refused_and_removes_no_file() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    let call = request("v", &target);
    service.publish(call.clone()).await.unwrap();

    let mut read_only = call.clone();
    read_only.readonly = true;
    let mut bucket = call.clone();
    bucket.volume_context.insert("bucketName".to_owned(), "other".to_owned());
    let mut flags = call.clone();
    match flags.volume_capability.as_mut().and_then(|found| found.access_type.as_mut()) {
        Some(AccessType::Mount(mount)) => mount.mount_flags.push("allow-delete".to_owned()),
        _ => unreachable!(),
    }
    for different in [read_only, bucket, flags] {
        assert_eq!(service.publish(different).await.unwrap_err().code(), Code::AlreadyExists);
    }
    let mut secrets = call.clone();
    secrets.secrets.insert("key_id".to_owned(), "other".to_owned());
    service.publish(secrets).await.unwrap();
    assert_eq!(world.kernel.entries().len(), 2);
}

#[tokio::test]
async fn concurrent_calls_on_one_volume_have_one_effect() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    world.mounter.close_gate();
    let first = tokio::spawn({
        let (node, call) = (service.node.clone(), request("v", &target));
        async move { node.clone().node_publish_volume(call).await }
    });
    world.mounter.arrival().await;
    let again = service.publish(request("v", &target)).await.unwrap_err();
    assert_eq!(again.code(), Code::Aborted);
    assert_eq!(service.unpublish("v", &target).await.unwrap_err().code(), Code::Aborted);
    world.mounter.open_gate();
    first.await.unwrap().unwrap();
    assert_eq!(world.mounter.mounted(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_half_of_a_publish() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    world.mounter.close_gate();
    let first = tokio::spawn({
        let (node, call) = (service.node.clone(), request("v", &target));
        async move { node.clone().node_publish_volume(call).await }
    });
    world.mounter.arrival().await;
    first.abort();
    world.mounter.open_gate();
    service.stop().await;
    assert_eq!(world.kernel.entries().len(), 2, "a stop waits for it");
}

#[tokio::test]
async fn every_step_that_fails_is_reversed() {
    for step in ["fuse", "bind"] {
        let world = World::new();
        let service = world.start().await;
        let target = world.target("uid");
        world.kernel.fail_next(step);
        let status = service.publish(request("v", &target)).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{step}");
        assert!(world.is_clean(), "{step}");
        service.publish(request("v", &target)).await.unwrap();
    }
}

#[tokio::test]
async fn a_source_that_does_not_apply_is_named_and_no_file_is_left() {
    let world = World::new();
    let service = world.start().await;
    let mut call = request("v", &world.target("uid"));
    call.volume_context.insert("bucketName".to_owned(), "sealed".to_owned());
    let status = service.publish(call).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("the vault is sealed"), "{}", status.message());
    assert!(world.is_clean());
}

#[tokio::test]
async fn what_mountpoint_prints_reaches_the_user() {
    let world = World::new();
    let service = world.start().await;
    world.mounter.fail_next(MounterError::Failed {
        status: "exit status: 1".to_owned(),
        stderr: "Error: Access Denied: not authorized to perform: s3:ListBucket".to_owned(),
    });
    let status = service.publish(request("v", &world.target("uid"))).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(status.message().contains("s3:ListBucket"), "{}", status.message());
    assert!(world.is_clean());
}

#[tokio::test]
async fn a_failed_republish_leaves_the_mount_and_is_unavailable() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    service.publish(request("v", &target)).await.unwrap();
    world.mounter.end(&MountId::new("v", &target), "panicked at the disk");
    let status = service.publish(request("v", &target)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("panicked at the disk"), "{}", status.message());
    assert_eq!(world.kernel.entries().len(), 2);

    let stats = service.stats("v", &target).await.unwrap();
    let condition = stats.volume_condition.unwrap();
    assert!(condition.abnormal && condition.message.contains("has ended"));
    service.unpublish("v", &target).await.unwrap();
    assert!(world.is_clean());
}

#[tokio::test]
async fn a_live_volume_has_a_size_and_a_normal_condition() {
    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    service.publish(request("v", &target)).await.unwrap();
    let stats = service.stats("v", &target).await.unwrap();
    assert!(!stats.volume_condition.unwrap().abnormal);
    assert_eq!((stats.usage[0].total, stats.usage[0].used), (100, 40));
    let status = service.stats("v", "/elsewhere").await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn memory_is_divided_among_the_live_mounts() {
    let mut world = World::new();
    world.memory = Some(MemoryBudget(2_048));
    let service = world.start().await;
    for (pod, share) in [("a", 1_024), ("b", 512), ("c", 512)] {
        let target = world.target(pod);
        service.publish(request(pod, &target)).await.unwrap();
        let command = world.mounter.command(&MountId::new(pod, &target));
        assert!(command.arguments.contains(&format!("--memory-target={share}")));
    }
    let status = service.publish(request("d", &world.target("d"))).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    service.unpublish("a", &world.target("a")).await.unwrap();
    service.publish(request("d", &world.target("d"))).await.unwrap();
}

#[tokio::test]
async fn many_volumes_are_published_at_once() {
    let world = World::new();
    let service = world.start().await;
    let publishes = (0..100).map(|number| {
        let call = request(&format!("v{number}"), &world.target(&format!("pod{number}")));
        let node = service.node.clone();
        tokio::spawn(async move { node.clone().node_publish_volume(call).await })
    });
    for publish in publishes.collect::<Vec<_>>() {
        publish.await.unwrap().unwrap();
    }
    assert_eq!(world.kernel.entries().len(), 200);
    assert_eq!(world.asked.load(Ordering::SeqCst), 100);
}
