//! Mounts of our messages, and of those of the Go drivers.

use std::fs;
use std::path::PathBuf;

use s3_csi_mounter::{Message, Reply, Variables};

use crate::world::{World, message};

#[test]
fn a_process_has_its_arguments_its_variables_and_one_descriptor() {
    let world = World::new();
    let _server = world.start();
    let (reply, unmount) = world.mount(&message("m", "photos"));
    assert_eq!(reply.unwrap(), Reply::Ready);
    let (pid, lines) = world.process("m");
    let device = lines.split_once("/dev/fd/").unwrap().1.split(' ').next().unwrap();
    assert!(
        lines.contains(&format!("arguments photos /dev/fd/{device} --foreground\n")),
        "{lines}"
    );
    let variables = lines.lines().find(|line| line.starts_with("variables ")).unwrap();
    assert_eq!(variables.trim_end(), "variables AWS_REGION=eu-north-1");
    let process = PathBuf::from(format!("/proc/{}", pid.unwrap()));
    World::wait_until(|| fs::read_to_string(process.join("comm")).unwrap() == "cat\n");
    let mut found: Vec<_> = fs::read_dir(process.join("fd"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort_unstable_by_key(|name| name.parse::<u32>().unwrap());
    assert_eq!(found, ["0", "1", "2", device]);

    drop(unmount);
    World::wait_until(|| world.process("m").0.is_none());
    world.sockets.stop("m").unwrap();
    assert!(world.sockets.processes().unwrap().is_empty());
    assert!(world.sockets.reservations().unwrap().is_empty());
}

#[test]
fn a_mount_that_fails_says_how_and_may_be_tried_again() {
    let world = World::new();
    let _server = world.start();
    let (reply, _unmount) = world.mount(&message("m", "denied"));
    match reply.unwrap() {
        Reply::Failed { status, stderr } => {
            assert_eq!(status, "exit status: 3");
            assert!(stderr.contains("Error: Access Denied"), "{stderr}");
        }
        reply => panic!("{reply:?}"),
    }
    assert_eq!(world.mount(&message("m", "photos")).0.unwrap(), Reply::Ready);
}

#[test]
fn mounts_of_the_go_drivers_need_no_name_no_stop_and_no_foreground() {
    let world = World::new();
    let _server = world.start();
    let go = Message {
        bucket_name: "photos".to_owned(),
        args: vec!["--region=eu-north-1".to_owned()],
        env: Variables(vec!["AWS_REGION=eu-north-1".to_owned()]),
        ..Message::default()
    };
    let named = Message { volume_id: Some("s3-volume.1".to_owned()), ..go.clone() };
    let mounts = [&go, &go, &named].map(|message| world.mount(message));
    for (reply, _) in &mounts {
        assert_eq!(*reply.as_ref().unwrap(), Reply::Ready);
    }
    let processes = world.sockets.processes().unwrap();
    assert_eq!(processes.len(), 3);
    for process in processes {
        assert!(process.last_lines.contains(" --region=eu-north-1 --foreground\n"));
    }
    drop(mounts);
    World::wait_until(|| world.sockets.processes().unwrap().is_empty());
    World::wait_until(|| world.sockets.reservations().unwrap().is_empty());
}
