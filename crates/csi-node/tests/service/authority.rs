//! Clients that send the path of the socket as `:authority`: gRPC's C core (Python, C++) and Java.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::world::World;

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags, 0, 0, 0, stream], payload].concat()
}

fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [&[0x40][..], &text(name), &text(value)].concat()
}

/// Returns the kinds of frames that answer a Probe with this authority, up to its first headers or
/// its reset.
async fn answer(world: &World, authority: &str) -> u8 {
    let mut stream = UnixStream::connect(world.path("csi.sock")).await.unwrap();
    let headers = [
        &[0x83, 0x86][..],
        &literal(":path", "/csi.v1.Identity/GetPluginInfo"),
        &literal(":authority", authority),
        &literal("content-type", "application/grpc"),
        &literal("te", "trailers"),
    ];
    let call = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &*frame(4, 0, 0, &[]),
        &frame(HEADERS, 0x4, 1, &headers.concat()),
        &frame(0, 0x1, 1, &[0; 5]),
    ];
    stream.write_all(&call.concat()).await.unwrap();
    loop {
        let mut header = [0; 9];
        stream.read_exact(&mut header).await.unwrap();
        let [a, b, c, kind, ..] = header;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload).await.unwrap();
        if [HEADERS, RST_STREAM].contains(&kind) {
            return kind;
        }
    }
}

#[tokio::test]
async fn the_path_of_the_socket_is_an_authority() {
    let world = World::new();
    let _service = world.start().await;
    for authority in ["localhost", "%2Fcsi%2Fcsi.sock", "/csi/csi.sock", "a b\u{e9}", "[::1]:80"] {
        assert_eq!(answer(&world, authority).await, HEADERS, "{authority}");
    }
}
