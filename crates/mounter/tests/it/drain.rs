//! A mounter that stops while a newer one serves.

use std::thread;

use s3_csi_mounter::Reply;

use crate::world::{World, message};

#[test]
fn an_old_mounter_keeps_its_mounts_takes_no_new_one_and_ends_with_its_last() {
    let world = World::new();
    let old = world.start();
    let (reply, unmount) = world.mount(&message("old", "photos"));
    assert_eq!(reply.unwrap(), Reply::Ready);
    let new = world.start();
    let draining = thread::spawn(move || old.drain());
    let (reply, kept) = world.mount(&message("new", "photos"));
    assert_eq!(reply.unwrap(), Reply::Ready);
    assert_eq!(world.sockets.processes().unwrap().len(), 2);
    assert!(!draining.is_finished());

    // Its only message in flight is answered before it ends.
    drop(unmount);
    world.sockets.stop("old").unwrap();
    draining.join().unwrap();
    assert_eq!(world.sockets.reservations().unwrap(), ["new"]);
    assert_eq!(world.sockets.processes().unwrap().len(), 1);
    drop(kept);
    world.sockets.stop("new").unwrap();
    new.drain();
}

#[test]
fn a_mounter_that_drains_alone_refuses() {
    let world = World::new();
    let server = world.start();
    server.drain();
    assert_eq!(
        world.mount(&message("m", "photos")).0.unwrap_err().to_string(),
        format!("no mounter listens in {}", world.scratch.path().join("mounter").display())
    );
    assert!(world.sockets.reserve("m").is_err());
}
