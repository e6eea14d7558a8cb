//! Identifiers as the services make them: random, in the right alphabet.

use ring::rand::{SecureRandom, SystemRandom};

/// `length` characters of the alphabet of AWS access key ids, `A-Z2-7`.
pub fn base32(length: usize) -> String {
    pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length)
}

/// `length` characters of `A-Za-z0-9+/`, the alphabet of secret keys and session tokens.
pub fn base64(length: usize) -> String {
    pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", length)
}

/// A random (version 4) UUID in lower case: `f81d4fae-7dec-41d0-a765-00a0c91e6bf6`.
pub fn uuid() -> String {
    let mut bytes: [u8; 16] = random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn pick(alphabet: &[u8], length: usize) -> String {
    let mut bytes = vec![0; length];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    bytes
}
