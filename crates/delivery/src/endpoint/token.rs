//! The token that a volume shows to get its keys.

use std::fmt::Write as _;

use ring::rand::{SecureRandom as _, SystemRandom};
use s3_credential_core::{ErrorKind, Failure, Secret};
use zeroize::Zeroizing;

const TOKEN_BYTES: usize = 32;

/// A token for one volume: 256 random bits, as 64 hexadecimal digits.
pub fn new_token() -> Result<Secret, Failure> {
    let mut random = Zeroizing::new([0; TOKEN_BYTES]);
    SystemRandom::new()
        .fill(random.as_mut())
        .map_err(|_| Failure::new(ErrorKind::Internal, "the system gives no random numbers"))?;
    // Of the right size at once, so that no partial copy stays behind.
    let mut token = Zeroizing::new(String::with_capacity(2 * TOKEN_BYTES));
    for byte in random.iter() {
        write!(token, "{byte:02x}")
            .map_err(|_| Failure::new(ErrorKind::Internal, "a token could not be written"))?;
    }
    Ok(Secret::new(std::mem::take(&mut *token)))
}

/// Refuses what could be guessed, and what no header can carry.
pub(super) fn check(token: &Secret) -> Result<(), Failure> {
    let is_plain = token.expose().bytes().all(|byte| byte.is_ascii_graphic());
    if token.len() < TOKEN_BYTES || !is_plain {
        return Err(Failure::new(
            ErrorKind::Internal,
            format!("a token of the endpoint has at least {TOKEN_BYTES} visible ASCII characters"),
        ));
    }
    Ok(())
}
