//! The instance profile's keys.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use s3_credential_core::{
    CredentialForm, ErrorKind, ExchangeRequest, Failure, KeyExchange, Keys, SingleFlight,
};

use crate::client::Imds;
use crate::keys;
use crate::stability::LastKeys;

/// Turns the form `instance-profile` into the keys of the role that the instance has now.
///
/// A failure of IMDS does not take away what it gave before (static stability, as in the SDKs):
/// keys that are valid still are handed on whatever happens, expired ones with their expiry moved
/// 10 to 15 minutes ahead as long as IMDS is down. Callers that come while IMDS is being asked
/// share its answer.
#[derive(Debug, Clone)]
pub struct ImdsExchange {
    imds: Imds,
    last: Arc<LastKeys>,
    flights: Arc<SingleFlight<(), Result<Keys, Failure>>>,
}

impl ImdsExchange {
    /// Asks this IMDS.
    pub fn new(imds: Imds) -> Self {
        Self { imds, last: Arc::default(), flights: Arc::default() }
    }

    /// Until when the keys that were handed out last are extended past the expiry that IMDS gave
    /// them: a sign that IMDS is down.
    pub fn extended_until(&self) -> Option<Timestamp> {
        self.last.extended_until()
    }
}

#[async_trait]
impl KeyExchange for ImdsExchange {
    async fn exchange(
        &self,
        form: &CredentialForm,
        request: &ExchangeRequest,
    ) -> Result<Keys, Failure> {
        if !matches!(form, CredentialForm::InstanceProfile) {
            return Err(Failure::new(
                ErrorKind::Internal,
                format!("IMDS cannot exchange the form {}", form.kind()),
            ));
        }
        if request.policy.is_some() {
            return Err(Failure::new(
                ErrorKind::Misconfigured,
                "the keys of the instance profile cannot be narrowed by a session policy",
            )
            .with_help("let a volume that is to be narrowed get its credentials from irsa or pod-token, or leave its policy out"));
        }
        self.flights.run((), || ask(self.imds.clone(), Arc::clone(&self.last))).await
    }
}

async fn ask(imds: Imds, last: Arc<LastKeys>) -> Result<Keys, Failure> {
    let fetched = fetch(&imds).await;
    let now = imds.clock().now();
    match fetched {
        Ok(keys) => Ok(last.renew(keys, now)),
        Err(failure) => last.outlive(failure, now),
    }
}

/// The role is looked up each time, since an instance may get another one.
async fn fetch(imds: &Imds) -> Result<Keys, Failure> {
    let endpoint = imds.endpoint();
    let document = async { imds.keys_of(&imds.role().await?).await }
        .await
        .map_err(|trouble| trouble.into_failure(endpoint))?;
    keys::parse(&document, endpoint)
}
