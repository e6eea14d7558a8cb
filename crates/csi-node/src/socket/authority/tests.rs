#![allow(clippy::unwrap_used, reason = "test code: a failed expectation stops the test")]

use proptest::prelude::*;

use super::frames::Frames;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags, 0, 0, 0, 1], payload].concat()
}

fn literal(name: &str) -> Vec<u8> {
    [&[0x40, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat()
}

fn value(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// `:method POST` of the table, a new size of the table, `:path` with a value, and the authority.
fn block(name: &[u8], authority: &str) -> Vec<u8> {
    [&[0x83, 0x3f, 0xe1, 0x1f, 0x44], &*value("/a%2Fb"), name, &value(authority)].concat()
}

/// Rewrites a connection that is read in pieces of this length.
fn rewrite(mut bytes: Vec<u8>, piece: usize) -> Vec<u8> {
    let mut frames = Frames::default();
    bytes.chunks_mut(piece).for_each(|piece| frames.rewrite(piece));
    bytes
}

#[test]
fn a_path_as_authority_is_overwritten_however_it_is_sent() {
    let (path, plain) = ("%2Fcsi%2Fcsi.sock", ".2Fcsi.2Fcsi.sock");
    let names = [vec![0x41], vec![0x01], vec![0x11], literal(":authority")];
    for name in &names {
        for piece in [1, 2, 7, 1_000] {
            let connection = |authority: &str| {
                let block = block(name, authority);
                let (head, tail) = block.split_at(block.len() - 5);
                let padded = [&[3][..], &[0, 0, 0, 0, 16], &*block, b"%%%"].concat();
                [
                    PREFACE,
                    &frame(4, 0, &[0, 3, 0, 0, 0, 100]),
                    &frame(1, 0x4, &block),
                    &frame(0, 0, b"%2F data"),
                    &frame(1, 0x4 | 0x8 | 0x20, &padded),
                    &frame(1, 0, head),
                    &frame(9, 0x4, tail),
                    &frame(1, 0x4, &block),
                ]
                .concat()
            };
            assert_eq!(rewrite(connection(path), piece), connection(plain), "{name:?} {piece}");
        }
    }
}

#[test]
fn what_is_no_plain_authority_is_left_alone() {
    let huffman = [&[0x41, 0x83], &b"%/%"[..]].concat();
    for headers in [
        block(&literal(":authorita"), "%2F"),
        block(&literal(":authority2"), "%2F"),
        block(&[0x7f, 0x22], "%2F"),
        block(&[0x41], "localhost"),
        huffman,
    ] {
        let connection = [PREFACE, &frame(1, 0x4, &headers)].concat();
        assert_eq!(rewrite(connection.clone(), 3), connection);
    }
    let other = [b"GET / HTTP/1.1\r\n\r\n", &*frame(1, 0x4, &block(&[0x41], "%2F"))].concat();
    assert_eq!(rewrite(other.clone(), 5), other);
}

proptest! {
    /// No input stops the service, and reads in pieces come to the same as one read.
    #[test]
    fn any_bytes_keep_their_length(
        payloads in prop::collection::vec((0_u8..10, any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..8),
        tail in prop::collection::vec(any::<u8>(), 0..40),
        piece in 1_usize..20,
    ) {
        let frames = payloads.iter().flat_map(|(kind, flags, payload)| frame(*kind, *flags, payload));
        let bytes: Vec<u8> = PREFACE.iter().copied().chain(frames).chain(tail).collect();
        let (len, whole) = (bytes.len(), rewrite(bytes.clone(), usize::MAX));
        prop_assert_eq!(whole.len(), len);
        prop_assert_eq!(rewrite(bytes, piece), whole);
    }
}
