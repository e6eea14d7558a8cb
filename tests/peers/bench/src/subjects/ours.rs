use std::sync::Arc;
use std::time::Duration;

use s3_credential_core::{
    Clock, CredentialForm, ExchangeRequest, KeyExchange, Secret, SystemClock, Token, WebIdentity,
};
use s3_credential_provider::{CachedKeys, KernelClock};
use s3_credential_sts::{Sts, StsSettings};
use tokio::runtime::Handle;

use super::Subject;
use crate::upstream::{ROLE, Upstream};

pub struct Ours(CachedKeys);

impl Ours {
    /// With another clock than the one of the product.
    pub fn with_clock(upstream: &Upstream, clock: Arc<dyn Clock>) -> Self {
        let settings =
            StsSettings { endpoint_url: Some(upstream.url()), ..StsSettings::default() };
        let sts = Sts::new(settings, Arc::new(SystemClock));
        let token = Token::parse("token", Secret::new(upstream.token()), None).unwrap();
        let identity = WebIdentity::new(token, ROLE.parse().unwrap());
        let form = Arc::new(CredentialForm::WebIdentity(Box::new(identity)));
        let fetch = move || {
            let (sts, form) = (sts.clone(), Arc::clone(&form));
            async move { sts.exchange(&form, &ExchangeRequest::default()).await }
        };
        Self(CachedKeys::builder(fetch).clock(clock).build(Handle::current()))
    }
}

impl Subject for Ours {
    const NAME: &'static str = "s3-credential";
    // Due after three fifths to two thirds of their life.
    const TTL: Duration = Duration::from_secs(8);
    const DUE_BY: Duration = Duration::from_secs(6);

    fn new(upstream: &Upstream) -> Self {
        Self::with_clock(upstream, Arc::new(KernelClock))
    }

    async fn fetch(&self) -> Result<usize, String> {
        match self.0.current() {
            Some(keys) => Ok(keys.access_key_id.len()),
            None => match self.0.get().await {
                Ok(keys) => Ok(keys.access_key_id.len()),
                Err(failure) => Err(failure.to_string()),
            },
        }
    }

    async fn warm(&self) -> Result<usize, String> {
        self.0.current().map(|keys| keys.access_key_id.len()).ok_or_else(String::new)
    }
}
