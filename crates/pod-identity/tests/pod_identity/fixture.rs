//! A cluster with an agent, one associated service account, and a time that stands still.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use s3_credential_core::{
    AttemptError, Container, CredentialForm, CredentialSource as _, Environment, ErrorKind,
    ExchangeRequest, Failure, KeyExchange as _, Keys, MountTarget, ProvideContext, PublishRequest,
    Secret, Token,
};
use s3_credential_pod_identity::{
    AgentExchange, AgentSettings, PodIdentitySettings, PodIdentitySource,
};
use s3_credential_testkit::clock::{ManualClock, TokioClock};
use s3_credential_testkit::iam::{Iam, Role, Trust};
use s3_credential_testkit::jwt::{Issuer, TokenBuilder};
use s3_credential_testkit::pod_identity_agent::PodIdentityAgent;
use s3_credential_testkit::server::Listen;

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/web";
pub(crate) const AUDIENCE: &str = "pods.eks.amazonaws.com";
pub(crate) const AGENT: &str = "http://169.254.170.23/v1/credentials";
pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn now() -> Timestamp {
    "2026-11-23T20:00:00Z".parse().unwrap()
}

pub(crate) struct Cluster {
    pub(crate) agent: PodIdentityAgent,
    pub(crate) iam: Iam,
    issuer: Issuer,
}

/// A cluster in which apps/web is associated with a role.
pub(crate) async fn cluster() -> Cluster {
    cluster_on(Listen::default()).await
}

pub(crate) async fn cluster_on(listen: Listen) -> Cluster {
    let iam = Iam::new(TokioClock::new(now()));
    iam.add_role(Role::new(ROLE).trusting(Trust::service("pods.eks.amazonaws.com")));
    let issuer = Issuer::new("https://oidc.example.test/id/1");
    let agent = PodIdentityAgent::start_with(iam.clone(), issuer.verifier(), listen).await.unwrap();
    agent.associate("apps", "web", ROLE);
    Cluster { agent, iam, issuer }
}

impl Cluster {
    pub(crate) fn token_of(&self, service_account: &str) -> TokenBuilder {
        token(&self.issuer, service_account)
    }

    /// What the source gives for a pod of apps/web.
    pub(crate) fn container(&self) -> CredentialForm {
        self.container_with(&self.token_of("web").sign())
    }

    pub(crate) fn container_with(&self, token: &str) -> CredentialForm {
        container(&self.agent.credentials_url(), token)
    }
}

pub(crate) fn container(uri: &str, token: &str) -> CredentialForm {
    let token = Token::parse("the token", Secret::new(token), None).unwrap();
    CredentialForm::Container(Container::new(uri, Some(token)))
}

/// A token of a service account in the namespace apps, for the agent.
pub(crate) fn token(issuer: &Issuer, service_account: &str) -> TokenBuilder {
    issuer.service_account("apps", service_account).audience(AUDIENCE).issued_at(now())
}

/// With so much time that no slow machine makes the agent seem silent.
pub(crate) fn patient() -> AgentSettings {
    AgentSettings::default()
        .with_connect_timeout(60 * SECOND)
        .with_read_timeout(60 * SECOND)
        .with_operation_timeout(60 * SECOND)
}

pub(crate) fn agent_exchange(settings: AgentSettings) -> AgentExchange {
    AgentExchange::new(Environment::default(), settings)
}

pub(crate) async fn exchange(
    exchange: &AgentExchange,
    form: &CredentialForm,
) -> Result<Keys, Failure> {
    exchange.exchange(form, &ExchangeRequest::default()).await
}

pub(crate) fn source(variables: &[(&str, &str)]) -> PodIdentitySource {
    PodIdentitySource::new(
        variables.iter().copied().collect(),
        PodIdentitySettings::default(),
        Arc::new(ManualClock::new(now())),
    )
}

/// The container that the source gives.
pub(crate) async fn provide(
    source: &PodIdentitySource,
    context: &ProvideContext,
) -> Result<Container, AttemptError> {
    source.provide(context).await.map(|form| match form {
        CredentialForm::Container(container) => container,
        other => panic!("{other:?}"),
    })
}

pub(crate) fn driver_volume() -> ProvideContext {
    volume(&[])
}

/// A volume of a pod of apps/web, with this token for the agent's audience.
pub(crate) fn pod_volume(token: &str) -> ProvideContext {
    pod_volume_with(&format!(r#"{{"{AUDIENCE}":{{"token":"{token}"}}}}"#))
}

pub(crate) fn pod_volume_with(tokens: &str) -> ProvideContext {
    volume(&[
        ("authenticationSource", "pod"),
        ("csi.storage.k8s.io/pod.namespace", "apps"),
        ("csi.storage.k8s.io/serviceAccount.name", "web"),
        ("csi.storage.k8s.io/serviceAccount.tokens", tokens),
    ])
}

pub(crate) fn volume(attributes: &[(&str, &str)]) -> ProvideContext {
    let request = PublishRequest::new(
        "s3-volume",
        "/var/lib/kubelet/pods/4a5d/volumes/kubernetes.io~csi/pv/mount",
    )
    .with_volume_context(attributes.iter().copied());
    ProvideContext::from_publish_request(request, MountTarget::new("/run/mountpoint")).unwrap()
}

/// Paused time jumps to the next timer whenever the runtime waits, for a socket too. Here it goes
/// on by itself, a hundredth of a second at a time, and lets sockets be served in between: time
/// passes quickly, and none of it is lost on a slow machine.
pub(crate) async fn as_time_flows<T>(what: impl Future<Output = T>) -> T {
    let flow = async {
        loop {
            // Time does not jump while a blocking task runs.
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            tokio::time::advance(SECOND / 100).await;
        }
    };
    // Until the first blocking task runs, and between two of them.
    let (_held, wait) = mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || wait.recv());
    tokio::select! {
        result = what => result,
        () = flow => unreachable!(),
    }
}

/// Reason and help of a source that does not apply.
pub(crate) fn not_applicable(error: AttemptError) -> (String, String) {
    match error {
        AttemptError::NotApplicable(skip) => (skip.reason().to_owned(), skip.help().to_owned()),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn failure(error: AttemptError) -> Failure {
    match error {
        AttemptError::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_kind(failure: &Failure, kind: ErrorKind) {
    assert_eq!(failure.kind(), kind, "{failure:?}");
    assert!(!failure.help().is_empty(), "{failure:?}");
}
