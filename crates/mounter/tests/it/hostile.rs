//! Messages that are no messages: each is refused, and the mounter goes on.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use s3_csi_mounter::Reply;

use crate::world::{World, message};

fn ask(world: &World, bytes: &[u8]) -> String {
    let path = world.scratch.path().join("mounter/mounter-1.sock");
    let mut stream = UnixStream::connect(path).unwrap();
    // The mounter may refuse a long message before its end.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn each_is_refused_without_what_it_holds() {
    let world = World::new();
    let _server = world.start();
    let long = format!("{{\"bucketName\":\"{}\"}}", "b".repeat(2 << 20));
    for bytes in [
        "",
        "canary",
        "{\"bucketName\":\"canary",
        "{\"operation\":\"dance\"}",
        "{\"bucketName\":\"b\",\"args\":[],\"env\":[]}",
        "{\"version\":1,\"operation\":\"stop\"}",
        "{\"version\":1,\"operation\":\"reserve\",\"volumeId\":\"../canary\"}",
        "{\"version\":1,\"operation\":\"reserve\",\"volumeId\":\"-o\"}",
    ] {
        let answer = ask(&world, bytes.as_bytes());
        assert!(answer.contains("\"REFUSED\""), "{bytes}: {answer}");
        assert!(!answer.contains("canary"), "{answer}");
    }
    assert!(!ask(&world, long.as_bytes()).contains("READY"));
    let (reply, _unmount) = world.mount(&message("m", "--help"));
    assert!(matches!(reply.unwrap(), Reply::Refused { .. }));
    let (reply, _unmount) = world.mount(&message("m", "photos"));
    assert_eq!(reply.unwrap(), Reply::Ready);
    let (reply, _unmount) = world.mount(&message("m", "photos"));
    assert!(matches!(reply.unwrap(), Reply::Refused { .. }), "it runs already");
}
