//! The agent's keys.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use s3_credential_core::{
    Container, CredentialForm, Environment, ErrorKind, ExchangeRequest, Failure, KeyExchange, Keys,
    Secret, SingleFlight, Token,
};
use tokio::time::{Instant, sleep, timeout_at};

use crate::address::Address;
use crate::refusal::{Again, Asked, Refusal};
use crate::settings::AgentSettings;
use crate::wire::Answer;
use crate::{keys, tls, wire};

/// The first pause between attempts; each is twice the one before up to the longest, and up to half
/// of it is left to chance.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Turns the form `container` into keys, by the container-credentials protocol: a GET with the
/// unchanged token.
///
/// Callers that come with the same address and token while the agent is being asked share its
/// answer. No proxy is ever used.
#[derive(Debug, Clone)]
pub struct AgentExchange {
    agent: Arc<Agent>,
    flights: Arc<SingleFlight<Asking, Result<Keys, Failure>>>,
}

/// Address and token.
type Asking = (String, Option<Secret>);

impl AgentExchange {
    /// Makes an exchange. Of the environment, only `AWS_CA_BUNDLE` is read, for an agent behind
    /// https.
    pub fn new(environment: Environment, settings: AgentSettings) -> Self {
        let agent = Agent { environment, settings, tls: OnceLock::new() };
        Self { agent: Arc::new(agent), flights: Arc::default() }
    }

    pub(crate) fn settings(&self) -> &AgentSettings {
        &self.agent.settings
    }

    pub(crate) fn tls(&self, address: &Address) -> Result<Option<Arc<ClientConfig>>, Failure> {
        self.agent.tls(address)
    }
}

#[async_trait]
impl KeyExchange for AgentExchange {
    async fn exchange(
        &self,
        form: &CredentialForm,
        request: &ExchangeRequest,
    ) -> Result<Keys, Failure> {
        let CredentialForm::Container(container) = form else {
            return Err(Failure::new(
                ErrorKind::Internal,
                format!("the Pod Identity agent cannot exchange the form {}", form.kind()),
            ));
        };
        if request.policy.is_some() {
            return Err(Failure::new(
                ErrorKind::Misconfigured,
                "the keys of EKS Pod Identity cannot be narrowed by a session policy",
            )
            .with_help("let a volume that is to be narrowed get its credentials from irsa or pod-token, or leave its policy out"));
        }
        let secret = container.token.as_ref().map(Token::secret).cloned();
        let key = (container.uri.clone(), secret);
        self.flights.run(key, || Arc::clone(&self.agent).keys(container.clone())).await
    }
}

#[derive(Debug)]
struct Agent {
    environment: Environment,
    settings: AgentSettings,
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Agent {
    /// Fails with the answer to the last attempt, never with a mere "out of time" while an answer
    /// is known.
    async fn keys(self: Arc<Self>, container: Container) -> Result<Keys, Failure> {
        // A form may come from any source, and a token goes only where it is safe.
        let address = Address::parse("the URL of the container credentials", &container.uri)?;
        let tls = self.tls(&address)?;
        let asked = Asked { address: &address, token: container.token.as_ref() };
        let deadline = Instant::now() + self.settings.operation_timeout;
        let mut attempts = self.settings.max_attempts;
        let mut pause = FIRST_PAUSE;
        let mut answered = None;
        loop {
            let refusal = match timeout_at(deadline, self.ask(asked, tls.as_ref())).await {
                Ok(Ok(keys)) => return Ok(keys),
                Ok(Err(refusal)) => refusal,
                Err(_) => return Err(answered.unwrap_or_else(|| asked.out_of_patience())),
            };
            if refusal.again == Again::Soon {
                attempts = attempts.saturating_sub(1);
            }
            let jittered = pause.mul_f64(1.0 - fastrand::f64() / 2.0);
            if refusal.again == Again::Never
                || attempts == 0
                || Instant::now() + jittered >= deadline
            {
                return Err(refusal.failure);
            }
            answered = Some(refusal.failure);
            sleep(jittered).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn ask(
        &self,
        asked: Asked<'_>,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Keys, Refusal> {
        let token = asked.token.map(Token::secret);
        let answer = wire::get(asked.address, token, tls, &self.settings)
            .await
            .map_err(|error| asked.unanswered(error))?;
        keys_in(&answer, asked)
    }

    fn tls(&self, address: &Address) -> Result<Option<Arc<ClientConfig>>, Failure> {
        if !address.is_https {
            return Ok(None);
        }
        let config = if let Some(config) = self.tls.get() {
            config
        } else {
            let config = tls::config(&self.environment)?;
            self.tls.get_or_init(|| config)
        };
        Ok(Some(Arc::clone(config)))
    }
}

/// The keys of an answer, or what it says instead.
pub(crate) fn keys_in(answer: &Answer, asked: Asked<'_>) -> Result<Keys, Refusal> {
    if answer.status != 200 {
        return Err(asked.refused(answer));
    }
    keys::parse(&answer.body).ok_or_else(|| asked.unreadable())
}
