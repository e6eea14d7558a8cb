//! Answers and addresses of the agent, for the fuzz targets.

use s3_credential_core::{Failure, Keys, Token};
use zeroize::Zeroizing;

use crate::address::Address;
use crate::exchange::keys_in;
use crate::refusal::Asked;
use crate::wire::Answer;

/// An answer to a request with this token.
pub fn keys(status: u16, body: &[u8], token: &Token) -> Result<Keys, Failure> {
    let address = Address::parse("the URL", "http://169.254.170.23/v1/credentials")?;
    let answer = Answer { status, body: Zeroizing::new(body.to_vec()) };
    keys_in(&answer, Asked { address: &address, token: Some(token) })
        .map_err(|refusal| refusal.failure)
}

/// The host that a token would be sent to.
pub fn host(url: &str) -> Result<String, Failure> {
    Address::parse("the URL", url).map(|address| address.host)
}
