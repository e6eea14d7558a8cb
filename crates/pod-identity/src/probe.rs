//! A probe whether an agent is there, without a token.

use s3_credential_core::{ErrorKind, Failure};

use crate::address::Address;
use crate::exchange::AgentExchange;
use crate::refusal::Asked;
use crate::wire;

impl AgentExchange {
    /// Checks that an agent answers at this URL, the value of the variable or setting `field`. It
    /// is asked once and without a token, so that it refuses: that is the answer.
    pub async fn probe(&self, field: &str, uri: &str) -> Result<(), Failure> {
        let address = Address::parse(field, uri)?;
        let asked = Asked { address: &address, token: None };
        let tls = self.tls(&address)?;
        let answer = wire::get(&address, None, tls.as_ref(), self.settings())
            .await
            .map_err(|error| asked.unanswered(error).failure)?;
        match answer.status {
            // What it gives without a token goes unseen.
            200 | 400 | 401 | 403 | 429 => Ok(()),
            500.. => Err(asked.refused(&answer).failure),
            status => Err(Failure::new(
                ErrorKind::Misconfigured,
                format!(
                    "what answers at {} is not the Pod Identity agent (HTTP {status})",
                    address.origin()
                ),
            )
            .with_help(format!("set {field} to the agent's URL, which ends with /v1/credentials"))),
        }
    }
}
