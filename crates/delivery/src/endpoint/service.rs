//! One request, one answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Body;
use s3_credential_core::{Clock, Failure, Keys, Secret};
use subtle::ConstantTimeEq as _;

use super::answer::{self, Answer, Refusal};
use super::answer_counts::AnswerCounts;
use super::connections::{Connection, Standing};
use super::grants::{Grant, Grants};
use super::limit::Rate;
use super::request::{Asked, look_at};
use super::settings::EndpointSettings;
use super::token::new_token;

pub(super) struct Service {
    grants: Grants,
    clock: Arc<dyn Clock>,
    port: String,
    rate: Rate,
    pub(super) load_timeout: Duration,
    /// The token that is compared where no volume is known: no client has it.
    unknown_token: Secret,
    answers: Arc<AnswerCounts>,
}

impl Service {
    pub(super) fn new(
        settings: &EndpointSettings,
        port: u16,
        grants: Grants,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            grants,
            clock,
            port: port.to_string(),
            rate: Rate::per_second(settings.requests_per_second),
            load_timeout: settings.load_timeout,
            unknown_token: new_token()?,
            answers: Arc::default(),
        })
    }

    pub(super) fn answers(&self) -> Arc<AnswerCounts> {
        Arc::clone(&self.answers)
    }

    pub(super) async fn answer<B: Body>(
        &self,
        request: Request<B>,
        connection: &Connection,
    ) -> Answer {
        let answer = self.answer_uncounted(request, connection).await;
        self.answers.add(answer.status());
        answer
    }

    async fn answer_uncounted<B: Body>(
        &self,
        request: Request<B>,
        connection: &Connection,
    ) -> Answer {
        let granted =
            look_at(&request, &self.port).and_then(|asked| Ok((asked.id, self.authorize(&asked)?)));
        let (volume, grant) = match granted {
            Ok(granted) => granted,
            Err(refusal) => return refused(refusal),
        };
        let standing = connection.authenticate(volume);
        let _answering = connection.answering();
        let answer = self.answer_authorized(&grant, standing).await;
        match standing {
            Standing::Member => answer,
            Standing::Excess => answer::last(answer),
        }
    }

    async fn answer_authorized(&self, grant: &Grant, standing: Standing) -> Answer {
        if !grant.admitted.admit(self.rate, self.clock.coarse().elapsed) {
            return refused(Refusal::TooMany);
        }
        let keys = match (grant.keys.current(), standing) {
            (Some(keys), _) => Some(keys),
            (None, Standing::Member) => self.load(grant).await,
            // It would wait, and keep one more connection open for it.
            (None, Standing::Excess) => return refused(Refusal::TooMany),
        };
        keys.map_or_else(
            || refused(Refusal::NoKeys),
            |keys| answer::keys(&keys, self.clock.coarse().now),
        )
    }

    /// Takes as long for an unknown volume as for a wrong token, so the time reveals no ids.
    fn authorize(&self, asked: &Asked<'_>) -> Result<Arc<Grant>, Refusal> {
        let grant = self.grants.find(asked.id);
        let token = grant.as_ref().map_or(&self.unknown_token, |grant| &grant.token);
        let is_right = token.expose().as_bytes().ct_eq(asked.token);
        grant.filter(|_| is_right.into()).ok_or(Refusal::Unauthorized)
    }

    async fn load(&self, grant: &Grant) -> Option<Arc<Keys>> {
        match tokio::time::timeout(self.load_timeout, grant.keys.load()).await {
            Ok(Ok(keys)) => Some(keys),
            Ok(Err(failure)) => {
                tracing::debug!(%failure, "the credentials endpoint has no keys to give");
                None
            }
            Err(_) => {
                tracing::debug!("the credentials endpoint got no keys in time");
                None
            }
        }
    }
}

fn refused(refusal: Refusal) -> Answer {
    tracing::debug!(?refusal, "the credentials endpoint refuses a request");
    refusal.answer()
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("grants", &self.grants).finish_non_exhaustive()
    }
}
