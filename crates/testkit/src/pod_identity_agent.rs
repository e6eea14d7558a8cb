//! The EKS Pod Identity agent, with EKS Auth and the cluster's associations behind it.
//!
//! One operation, `GetCredentials`. Answers and error texts are those of
//! `aws/eks-pod-identity-agent` 0.1; planned faults of the service behind it are [`EksAuthError`]s.
//! Time and keys come from an [`Iam`], so that the keys are good at STS.
//!
//! ```
//! use s3_credential_testkit::iam::{Iam, Role, Trust};
//! use s3_credential_testkit::jwt::Issuer;
//! use s3_credential_testkit::pod_identity_agent::PodIdentityAgent;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let role = "arn:aws:iam::111122223333:role/web";
//! let iam = Iam::default();
//! iam.add_role(Role::new(role).trusting(Trust::service("pods.eks.amazonaws.com")));
//! let issuer = Issuer::new("https://oidc.example.test/id/1");
//! let agent = PodIdentityAgent::start(iam, issuer.verifier()).await?;
//! agent.associate("apps", "web", role);
//! println!("AWS_CONTAINER_CREDENTIALS_FULL_URI={}", agent.credentials_url());
//! # Ok(())
//! # }
//! ```

mod cache;
mod eks_auth;
mod error;

use std::io;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use s3_credential_core::Secret;
use serde_json::json;

use crate::iam::{Iam, Issued};
use crate::jwt::{self, Verifier};
use crate::lock;
use crate::server::{Handler, Listen, Request, Response, Server};
use cache::Cache;
use eks_auth::EksAuth;
use error::Refusal;

pub use error::EksAuthError;

/// The agent's own addresses, and those that an emulator has.
const HOSTS: [&str; 5] = ["169.254.170.23", "fd00:ec2::23", "127.0.0.1", "::1", "localhost"];

/// The emulator. It is a [`Server`].
#[derive(Debug)]
pub struct PodIdentityAgent {
    iam: Iam,
    state: Arc<Mutex<State>>,
    server: Server,
}

#[derive(Debug)]
struct State {
    hosts: Vec<String>,
    upstream: EksAuth,
    cache: Cache,
}

impl PodIdentityAgent {
    /// Starts on a free port of 127.0.0.1, for a cluster whose tokens `verifier` knows.
    pub async fn start(iam: Iam, verifier: Verifier) -> io::Result<Self> {
        Self::start_with(iam, verifier, Listen::default()).await
    }

    /// Starts where and how `listen` says.
    pub async fn start_with(iam: Iam, verifier: Verifier, listen: Listen) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State {
            hosts: HOSTS.map(str::to_owned).to_vec(),
            upstream: EksAuth::new(iam.clone(), verifier),
            cache: Cache::default(),
        }));
        let service = Service { iam: iam.clone(), state: Arc::clone(&state) };
        Ok(Self { iam, state, server: Server::start_with(service, listen).await? })
    }

    /// Returns the URL for `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn credentials_url(&self) -> String {
        format!("{}/v1/credentials", self.url())
    }

    /// Returns the store it works on.
    pub fn iam(&self) -> &Iam {
        &self.iam
    }

    /// Associates a service account with a role, at once; one that it had is replaced. Keys that
    /// are cached stay.
    pub fn associate(&self, namespace: &str, service_account: &str, role_arn: &str) {
        self.associate_in(Duration::ZERO, namespace, service_account, role_arn);
    }

    /// The same, seen by EKS Auth only when the clock has gone on by `delay`: until then
    /// `ResourceNotFoundException`.
    pub fn associate_in(
        &self,
        delay: Duration,
        namespace: &str,
        service_account: &str,
        role_arn: &str,
    ) {
        lock(&self.state).upstream.associate(delay, namespace, service_account, role_arn);
    }

    /// Removes an association. Keys that are cached stay.
    pub fn dissociate(&self, namespace: &str, service_account: &str) {
        lock(&self.state).upstream.dissociate(namespace, service_account);
    }

    /// Sets how long keys last; six hours unless set.
    pub fn set_credentials_ttl(&self, ttl: Duration) {
        lock(&self.state).upstream.set_ttl(ttl);
    }

    /// The hosts by which it may be called, without ports; at first the agent's own addresses and
    /// loopback. Others get 403.
    pub fn set_hosts<'a>(&self, hosts: impl IntoIterator<Item = &'a str>) {
        lock(&self.state).hosts = hosts.into_iter().map(str::to_owned).collect();
    }

    /// Sets the error that EKS Auth returns for every token that is not cached, until it is set to
    /// `None`. Unlike a planned fault of the server, it leaves cached keys valid, as the agent
    /// does.
    pub fn set_upstream_error(&self, error: Option<EksAuthError>) {
        lock(&self.state).upstream.set_error(error);
    }

    /// Returns the number of calls to EKS Auth, which is less than those to the agent.
    pub fn upstream_calls(&self) -> usize {
        lock(&self.state).upstream.calls()
    }

    /// Empties the cache, as a restart of the agent does.
    pub fn forget_credentials(&self) {
        lock(&self.state).cache = Cache::default();
    }
}

impl Deref for PodIdentityAgent {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

#[derive(Debug)]
struct Service {
    iam: Iam,
    state: Arc<Mutex<State>>,
}

#[async_trait]
impl Handler for Service {
    fn operation(&self, request: &Request) -> String {
        let operation =
            if request.path() == "/v1/credentials" { "GetCredentials" } else { "Other" };
        operation.to_owned()
    }

    async fn handle(&self, request: Request) -> Response {
        if self.operation(&request) == "Other" {
            return Refusal::new(404, "404 page not found").response();
        }
        match self.credentials(&request) {
            Ok(keys) => answer(&keys),
            Err(refusal) => refusal.response(),
        }
    }
}

impl Service {
    fn credentials(&self, request: &Request) -> Result<Issued, Refusal> {
        let mut state = lock(&self.state);
        let now = self.iam.now();
        check_host(&state.hosts, request)?;
        let token = request.header("authorization").unwrap_or_default();
        check_token(token, now)?;

        let cached = state.cache.find(token, now);
        if let Some((keys, false)) = cached {
            return Ok(keys);
        }
        match (state.upstream.assume_role(token), cached) {
            (Ok(keys), _) => {
                state.cache.store(token, &keys);
                Ok(keys)
            }
            (Err(error), Some((old, _))) if error.is_recoverable() => Ok(old),
            (Err(error), _) => {
                state.cache.evict(token);
                Err(Refusal::from(&error))
            }
        }
    }
}

/// Checks what the agent itself checks: that this is a token, and that it is valid now. The rest is
/// for EKS Auth.
fn check_token(token: &str, now: Timestamp) -> Result<(), Refusal> {
    if token.is_empty() {
        return Err(Refusal::new(400, "Service account token cannot be empty"));
    }
    let unparsable = "Service account token cannot be parsed: token is malformed: token contains an invalid number of segments";
    let claims = jwt::unverified_claims(token).map_err(|_| Refusal::new(400, unparsable))?;
    let failed = if claims.expires_at().is_some_and(|at| at <= now) {
        "token has invalid claims: token is expired"
    } else if claims.not_before().is_some_and(|at| at > now) {
        "token has invalid claims: token is not valid yet"
    } else {
        return Ok(());
    };
    Err(Refusal::new(
        400,
        format!("Service account token failed basic claim validations: {failed}"),
    ))
}

fn check_host(hosts: &[String], request: &Request) -> Result<(), Refusal> {
    let host = without_port(request.header("host").unwrap_or_default());
    if hosts.iter().any(|allowed| allowed == host) {
        return Ok(());
    }
    let hosts = hosts.join(" ");
    let message = format!(
        "Access Denied. Called agent through invalid address, please use either [{hosts}] address not {host}"
    );
    Err(Refusal::new(403, message))
}

fn without_port(host: &str) -> &str {
    let named = if host.parse::<IpAddr>().is_ok() {
        host
    } else {
        host.rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(host, |(name, _)| name)
    };
    named.strip_prefix('[').and_then(|named| named.strip_suffix(']')).unwrap_or(named)
}

fn answer(issued: &Issued) -> Response {
    Response::json(
        200,
        &json!({
            "AccessKeyId": issued.access_key_id,
            "SecretAccessKey": issued.secret_access_key.expose(),
            "Token": issued.session_token.as_ref().map(Secret::expose),
            "AccountId": issued.account(),
            "Expiration": issued.expires_at.map(|at| at.to_string()),
        }),
    )
}
