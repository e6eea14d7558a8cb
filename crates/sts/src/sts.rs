//! The exchange.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use s3_credential_core::{
    Clock, CredentialForm, ErrorKind, ExchangeRequest, Failure, KeyExchange, Keys, Region,
    SingleFlight, WebIdentity,
};
use tokio::sync::OnceCell;

use crate::ask::Asks;
use crate::probe::Reached;
use crate::rate_limiter::RateLimiters;
use crate::refusal::{Asked, By};
use crate::settings::StsSettings;
use crate::{call, endpoint, http, probe, retry};

/// Exchanges web identities for keys. Cheap to clone; clones share connections and calls under way.
///
/// A caller that asks for the same keys while they are being fetched waits for that one call and
/// shares its keys or its failure. The same keys means the same token, role, settings and region,
/// not merely the same subject. STS is the first to verify a token, so a forged or expired one must
/// neither get the keys of a valid one nor make its call fail.
#[derive(Debug, Clone)]
pub struct Sts {
    service: Arc<Service>,
    flights: Arc<SingleFlight<Arc<Order>, Result<Keys, Failure>>>,
}

impl Sts {
    /// Makes an [`Sts`] with these settings, and this clock for signatures.
    pub fn new(settings: StsSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            service: Arc::new(Service::new(settings, clock, OnceCell::new())),
            flights: Arc::default(),
        }
    }

    /// Makes an [`Sts`] like [`Sts::new`], with this HTTP client instead of its own. The settings
    /// of proxy, trust and connections are then the client's.
    #[must_use]
    pub fn with_http_client(
        settings: StsSettings,
        clock: Arc<dyn Clock>,
        client: SharedHttpClient,
    ) -> Self {
        let http = OnceCell::new_with(Some(client));
        Self { service: Arc::new(Service::new(settings, clock, http)), flights: Arc::default() }
    }

    /// Returns the URL at which STS would be called for this region, or why there is none.
    pub async fn endpoint_url(&self, region: Option<&Region>) -> Result<String, Failure> {
        let endpoint = endpoint::resolve(&self.service.settings, region, None).await?;
        Ok(endpoint.url)
    }

    /// Returns whether STS can be reached for this region, in the way in which an exchange reaches
    /// it. It sends an invalid token.
    pub async fn probe(&self, region: Option<&Region>) -> Result<Reached, Failure> {
        self.service.probe(region).await
    }
}

#[async_trait]
impl KeyExchange for Sts {
    async fn exchange(
        &self,
        form: &CredentialForm,
        request: &ExchangeRequest,
    ) -> Result<Keys, Failure> {
        let CredentialForm::WebIdentity(identity) = form else {
            return Err(Failure::new(
                ErrorKind::Internal,
                format!("STS is asked to exchange {}, which is no web identity", form.kind()),
            ));
        };
        let order =
            Arc::new(Order { identity: WebIdentity::clone(identity), request: request.clone() });
        let service = Arc::clone(&self.service);
        self.flights.run(Arc::clone(&order), || async move { service.fulfil(&order).await }).await
    }
}

/// All that decides what keys are given. It is compared as a whole; a part of it makes the hash.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    identity: WebIdentity,
    request: ExchangeRequest,
}

impl Hash for Order {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity.token.secret().expose().hash(state);
        self.identity.role_arn.hash(state);
    }
}

#[derive(Debug)]
struct Service {
    settings: StsSettings,
    clock: Arc<dyn Clock>,
    /// Made by the first exchange, since a delegated delivery needs none; a failure is not kept.
    http: OnceCell<SharedHttpClient>,
    limiters: RateLimiters,
}

impl Service {
    fn new(settings: StsSettings, clock: Arc<dyn Clock>, http: OnceCell<SharedHttpClient>) -> Self {
        let limiters = RateLimiters::new(&settings);
        Self { settings, clock, http, limiters }
    }

    async fn fulfil(&self, Order { identity, request }: &Order) -> Result<Keys, Failure> {
        let Asks { first, second } = Asks::of(identity, request)?;
        let endpoint = endpoint::resolve(
            &self.settings,
            identity.region.as_ref().or(request.region.as_ref()),
            identity.session.regional_endpoints.as_deref(),
        )
        .await?;
        let http = self.http().await?;
        let config = || call::config(http.clone(), Arc::clone(&self.clock), &endpoint);

        let asked = Asked {
            endpoint: &endpoint,
            role: first.role_arn.as_str(),
            by: By::Token(identity.token.subject().filter(|subject| is_plain(subject))),
        };
        let keys = retry::attempts(&self.settings, &self.limiters, asked, || {
            call::with_token(config(), &first, &identity.token, asked)
        })
        .await?;

        let Some(second) = second else {
            return Ok(keys);
        };
        let asked = Asked {
            endpoint: &endpoint,
            role: second.role_arn.as_str(),
            by: By::Keys(first.role_arn.as_str()),
        };
        retry::attempts(&self.settings, &self.limiters, asked, || {
            call::with_keys(config(), &second, &keys, asked)
        })
        .await
    }

    async fn probe(&self, region: Option<&Region>) -> Result<Reached, Failure> {
        let endpoint = endpoint::resolve(&self.settings, region, None).await?;
        let http = self.http().await?;
        let config = || call::config(http.clone(), Arc::clone(&self.clock), &endpoint);
        let asked = Asked { endpoint: &endpoint, role: probe::ROLE, by: By::Token(None) };
        // A probe is made at once, whatever other callers have learned of the limit.
        let alone = StsSettings { startup_jitter: None, ..self.settings.clone() };
        let limiters = RateLimiters::new(&alone);
        let ask = || probe::ask(config(), asked);
        let at = retry::attempts(&self.settings, &limiters, asked, ask).await?;
        Ok(Reached { url: endpoint.url, at })
    }

    async fn http(&self) -> Result<&SharedHttpClient, Failure> {
        self.http.get_or_try_init(|| async { http::client(&self.settings) }).await
    }
}

/// `sub` is not verified: only what looks like a service account may stand in a message.
fn is_plain(subject: &str) -> bool {
    subject.starts_with("system:serviceaccount:")
        && subject.len() <= 512
        && subject
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b":.-".contains(&b))
}
