//! A service that was killed at any step: the next one adopts, finishes or sweeps each volume by
//! itself.

use s3_csi_node::{MountId, Phase, VolumeRecord, VolumeStore};

use crate::world::{World, request};

fn with_phase(world: &World, id: &MountId, phase: Phase) {
    let store = VolumeStore::open(&world.path("state")).unwrap();
    let record = store.get(id).unwrap();
    store.put(&VolumeRecord { phase, ..record }).unwrap();
}

#[tokio::test]
async fn a_published_volume_is_adopted_and_refreshed() {
    let world = World::new();
    let target = world.target("uid");
    let service = world.start().await;
    service.publish(request("v", &target)).await.unwrap();
    service.kill().await;

    let service = world.start().await;
    assert_eq!(world.kernel.entries().len(), 2);
    service.publish(request("v", &target)).await.unwrap();
    assert_eq!(world.mounter.mounted(), 1);
    assert!(world.profile(&MountId::new("v", &target)).contains("AKIA2"));
    service.unpublish("v", &target).await.unwrap();
    assert!(world.is_clean());
}

#[tokio::test]
async fn a_publish_that_was_interrupted_is_finished_or_swept() {
    let world = World::new();
    let (whole, half, going) = (world.target("whole"), world.target("half"), world.target("going"));
    let service = world.start().await;
    for (volume, target) in [("whole", &whole), ("half", &half), ("going", &going)] {
        service.publish(request(volume, target)).await.unwrap();
    }
    service.kill().await;
    with_phase(&world, &MountId::new("whole", &whole), Phase::Publishing);
    with_phase(&world, &MountId::new("half", &half), Phase::Publishing);
    with_phase(&world, &MountId::new("going", &going), Phase::Unpublishing);
    world.kernel.forget(half.as_ref());

    let service = world.start().await;
    assert_eq!(world.mounter.running(), [MountId::new("whole", &whole)]);
    assert_eq!(world.kernel.entries().len(), 2);
    service.publish(request("half", &half)).await.unwrap();
    assert_eq!(world.mounter.running().len(), 2);
}

#[tokio::test]
async fn one_bad_entry_stops_neither_the_start_nor_other_volumes() {
    let world = World::new();
    let (good, bad) = (world.target("good"), world.target("bad"));
    let service = world.start().await;
    service.publish(request("good", &good)).await.unwrap();
    service.publish(request("bad", &bad)).await.unwrap();
    service.kill().await;
    let record = world.path("state/.volumes").join(MountId::new("bad", &bad).as_str());
    std::fs::write(record, "{\"version\":9}\n").unwrap();

    let service = world.start().await;
    assert_eq!(world.kernel.entries().len(), 4, "what another version wrote is left alone");
    service.publish(request("good", &good)).await.unwrap();
    let status = service.publish(request("bad", &bad)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn a_live_mount_without_a_record_is_adopted_by_its_next_publish() {
    let world = World::new();
    let target = world.target("uid");
    let service = world.start().await;
    service.publish(request("v", &target)).await.unwrap();
    service.kill().await;
    std::fs::remove_dir_all(world.path("state")).unwrap();

    let service = world.start().await;
    assert_eq!(world.kernel.entries().len(), 2);
    service.publish(request("v", &target)).await.unwrap();
    assert_eq!(world.mounter.mounted(), 1);
    service.unpublish("v", &target).await.unwrap();
    assert!(world.is_clean());
}

#[tokio::test]
async fn leftovers_without_a_record_and_a_user_are_swept() {
    let world = World::new();
    let target = world.target("uid");
    let service = world.start().await;
    service.publish(request("v", &target)).await.unwrap();
    service.kill().await;
    std::fs::remove_dir_all(world.path("state")).unwrap();
    world.kernel.forget(target.as_ref());

    world.start().await.stop().await;
    assert!(world.is_clean());
}

#[tokio::test]
async fn a_machine_that_was_restarted_mounts_again() {
    let world = World::new();
    let target = world.target("uid");
    let id = MountId::new("v", &target);
    let service = world.start().await;
    service.publish(request("v", &target)).await.unwrap();
    service.kill().await;
    world.kernel.forget(target.as_ref());
    world.kernel.forget(&world.directory().source(&id));
    world.mounter.end(&id, "");

    let service = world.start().await;
    service.publish(request("v", &target)).await.unwrap();
    assert_eq!((world.mounter.mounted(), world.kernel.entries().len()), (2, 2));
}

#[tokio::test]
async fn a_mount_of_a_mounter_that_ended_is_reported() {
    let world = World::new();
    let target = world.target("uid");
    let id = MountId::new("v", &target);
    let service = world.start().await;
    service.publish(request("v", &target)).await.unwrap();
    world.mounter.set_unreachable(true);
    service.publish(request("v", &target)).await.unwrap();
    world.kernel.disconnect(world.directory().source(&id));
    let status = service.publish(request("v", &target)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    service.unpublish("v", &target).await.unwrap();
    assert!(world.kernel.entries().is_empty());
}
