//! Tokens that we ask for ourselves, where the CSIDriver object has no `tokenRequests`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use kube::api::PostParams;
use s3_credential_core::{Clock, ErrorKind, Failure, ProvideContext, Secret, SingleFlight, Token};

use crate::api::{Account, Kubernetes};

/// The API server makes no token for less.
const MIN_TTL: Duration = Duration::from_mins(10);

/// A token for one pod. It dies with the pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    account: Account,
    pod_name: String,
    pod_uid: String,
    audience: String,
    seconds: i64,
}

impl Wanted {
    pub(crate) fn new(
        account: Account,
        context: &ProvideContext,
        audience: &str,
        ttl: Duration,
    ) -> Result<Self, Failure> {
        let missing = |what: &str| {
            Failure::new(
                ErrorKind::MissingPodInfo,
                format!("the request does not name the pod's {what}, which a token is bound to"),
            )
            .with_help("set `podInfoOnMount: true` in the CSIDriver object")
        };
        let pod = context.pod();
        Ok(Self {
            account,
            pod_name: pod.name.clone().ok_or_else(|| missing("name"))?,
            pod_uid: pod.uid.clone().ok_or_else(|| missing("uid"))?,
            audience: audience.to_owned(),
            seconds: i64::try_from(ttl.max(MIN_TTL).as_secs()).unwrap_or(i64::MAX),
        })
    }
}

impl Wanted {
    /// Explains a failure: the pod may be missing, or another one has its name.
    fn explained(&self, failure: Failure) -> Failure {
        if !matches!(failure.kind(), ErrorKind::NotFound | ErrorKind::InvalidRequest) {
            return failure;
        }
        let pod = self.pod_name.escape_debug();
        let help = "check that the pod and its service account exist still, and that the API server makes tokens of this audience and duration";
        Failure::new(
            failure.kind(),
            format!(
                "the Kubernetes API makes no token for the pod {}/{pod}",
                self.account.namespace
            ),
        )
        .with_help(help)
        .with_cause(failure)
    }
}

/// TokenRequest with a memory: a token serves until four fifths of its life are over, as the
/// kubelet has it, or a day.
#[derive(Debug)]
pub(crate) struct TokenRequests {
    kubernetes: Kubernetes,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<Wanted, Known>>,
    flights: SingleFlight<Wanted, Result<Token, Failure>>,
}

#[derive(Debug)]
struct Known {
    token: Token,
    renew_at: Timestamp,
}

impl Known {
    fn is_valid(&self, now: Timestamp) -> bool {
        self.token.expires_at().is_some_and(|end| now < end)
    }
}

impl TokenRequests {
    pub(crate) fn new(kubernetes: Kubernetes, clock: Arc<dyn Clock>) -> Self {
        Self { kubernetes, clock, known: Mutex::default(), flights: SingleFlight::default() }
    }

    /// Returns a token that is good for a while. If a new one cannot be had for now, the old one
    /// serves to its end.
    pub(crate) async fn token(&self, field: &str, wanted: &Wanted) -> Result<Token, Failure> {
        let asked_at = self.clock.now();
        if let Some(token) = self.known_if(wanted, |known| asked_at < known.renew_at) {
            return Ok(token);
        }
        match self.request(field, wanted).await {
            Ok(token) => {
                self.remember(wanted, &token, asked_at);
                Ok(token)
            }
            Err(failure) if failure.is_retryable() => {
                self.known_if(wanted, |known| known.is_valid(asked_at)).ok_or(failure)
            }
            Err(failure) => {
                self.known().remove(wanted);
                Err(failure)
            }
        }
    }

    async fn request(&self, field: &str, wanted: &Wanted) -> Result<Token, Failure> {
        let request = || {
            let (kubernetes, wanted, field) =
                (self.kubernetes.clone(), wanted.clone(), field.to_owned());
            async move {
                let Wanted { account, .. } = &wanted;
                let accounts = kubernetes.service_accounts(&account.namespace);
                let call = account.call("create", "serviceaccounts/token");
                let body = token_request(&wanted);
                let (parameters, name) = (PostParams::default(), account.name.as_str());
                let answer = accounts.create_token_request(name, &parameters, &body);
                let answer = kubernetes
                    .ask(call, answer)
                    .await
                    .map_err(|failure| wanted.explained(failure))?;
                let status = answer.status.ok_or_else(|| call.unreachable())?;
                Token::parse(&field, Secret::new(status.token), Some(status.expiration_timestamp.0))
            }
        };
        self.flights.run(wanted.clone(), request).await
    }

    fn known_if(&self, wanted: &Wanted, is_good: impl Fn(&Known) -> bool) -> Option<Token> {
        self.known().get(wanted).filter(|known| is_good(known)).map(|known| known.token.clone())
    }

    fn remember(&self, wanted: &Wanted, token: &Token, asked_at: Timestamp) {
        let end = token.expires_at().unwrap_or(asked_at);
        let life = Duration::try_from(end.duration_since(asked_at)).unwrap_or_default();
        let serves = (life / 5 * 4).min(Duration::from_hours(24));
        let known = Known { token: token.clone(), renew_at: asked_at + serves };
        let mut all = self.known();
        // Tokens of pods that are gone are never asked for again.
        all.retain(|_, known| known.is_valid(asked_at));
        all.insert(wanted.clone(), known);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Wanted, Known>> {
        // Every change under this lock is one step: a poisoned one is as good as any.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn token_request(wanted: &Wanted) -> TokenRequest {
    TokenRequest {
        spec: TokenRequestSpec {
            audiences: vec![wanted.audience.clone()],
            expiration_seconds: Some(wanted.seconds),
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: Some(wanted.pod_name.clone()),
                uid: Some(wanted.pod_uid.clone()),
            }),
        },
        ..TokenRequest::default()
    }
}
