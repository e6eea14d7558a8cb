//! Keys that say how patiently the services are asked: STS, IMDS and the agent, each an emulator
//! that goes wrong.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use s3_credential_provider::{
    Config, Environment, MountTarget, Provider, PublishRequest, Registry,
};
use s3_credential_testkit::iam::Iam;
use s3_credential_testkit::imds::Imds;
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::pod_identity_agent::PodIdentityAgent;
use s3_credential_testkit::server::{ANY, Fault, Server};
use s3_credential_testkit::sts::{Sts, StsError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::scene::{TARGET, World};
use super::{Case, case, check};
use Service::{
    ClosedAgent, ClosedImds, ClosedSts, DeafAgent, DeafSts, LateImds, SilentAgent, SilentImds,
    SilentSts, ThrottledSts,
};

/// Which service, and how it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Answers with a fault of its own.
    ClosedSts,
    /// Limits the rate.
    ThrottledSts,
    /// Takes requests and does not answer.
    SilentSts,
    /// Takes connections and stays silent, where TLS is expected.
    DeafSts,
    ClosedImds,
    SilentImds,
    /// Answers after 200 ms.
    LateImds,
    ClosedAgent,
    SilentAgent,
    DeafAgent,
}

/// Only the subject of a case takes long: a busy machine must not change how often a service is
/// asked.
macro_rules! sts {
    ($change:literal) => {
        concat!(
            "services: {sts: {connectTimeout: 20s, attemptTimeout: 20s, operationTimeout: 1m, ",
            $change,
            "}}"
        )
    };
}

macro_rules! agent {
    ($change:literal) => {
        concat!("services: {podIdentityAgent: {", $change, "}}")
    };
}

#[rustfmt::skip] // A table.
pub(super) const CASES: &[Case<Service>] = &[
    case("services.sts.maxAttempts", ClosedSts, [sts!("initialBackoff: 1ms"), "asked 4 times"], [sts!("initialBackoff: 1ms, maxAttempts: 2"), "asked 2 times"]),
    case("services.sts.initialBackoff", ClosedSts, [sts!("initialBackoff: 1ms"), "asked 4 times"],
        ["services: {sts: {connectTimeout: 20s, attemptTimeout: 20s, operationTimeout: 300ms, initialBackoff: 12h}}", "asked 1 times"]),
    case("services.sts.attemptTimeout", SilentSts, ["services: {sts: {attemptTimeout: 20s, operationTimeout: 300ms}}", "more than once: false"],
        ["services: {sts: {attemptTimeout: 100ms, operationTimeout: 1m, initialBackoff: 1ms}}", "more than once: true"]),
    case("services.sts.operationTimeout", SilentSts, ["services: {sts: {attemptTimeout: 100ms, operationTimeout: 1m, initialBackoff: 1ms}}", "more than once: true"],
        ["services: {sts: {attemptTimeout: 100ms, operationTimeout: 50ms, initialBackoff: 1ms}}", "more than once: false"]),
    case("services.sts.rateLimitTimeout", ThrottledSts, [sts!("initialBackoff: 10ms"), "asked 4 times"],
        [sts!("initialBackoff: 10ms, rateLimitTimeout: 1ms"), "asked 1 times"]),
    case("services.sts.startupJitter", ThrottledSts, [sts!("initialBackoff: 10ms, rateLimitTimeout: 1ms"), "asked 1 times"],
        [sts!("initialBackoff: 10ms, rateLimitTimeout: 1ms, startupJitter: 10s"), "asked 0 times"]),
    case("services.sts.connectTimeout", DeafSts, ["services: {sts: {connectTimeout: 20s, attemptTimeout: 20s, operationTimeout: 300ms}}", "connected 1 times"],
        ["services: {sts: {connectTimeout: 20ms, attemptTimeout: 20s, operationTimeout: 1m, initialBackoff: 1ms}}", "connected 4 times"]),

    case("services.imds.maxAttempts", ClosedImds, ["services: {imds: {operationTimeout: 1m}}", "asked 6 times"], ["services: {imds: {operationTimeout: 1m, maxAttempts: 2}}", "asked 4 times"]),
    case("services.imds.operationTimeout", LateImds, ["services: {imds: {operationTimeout: 1m}}", "has no role"], ["services: {imds: {operationTimeout: 20ms}}", "does not arrive"]),
    case("services.imds.silence", SilentImds, ["services: {imds: {operationTimeout: 300ms, maxAttempts: 1, silence: 1h}}", "asked 1 times"],
        ["services: {imds: {operationTimeout: 300ms, maxAttempts: 1, silence: 0.001ms}}", "asked 2 times"]),

    case("services.podIdentityAgent.maxAttempts", ClosedAgent, [agent!("operationTimeout: 1m"), "asked 3 times"], [agent!("operationTimeout: 1m, maxAttempts: 2"), "asked 2 times"]),
    case("services.podIdentityAgent.connectTimeout", DeafAgent, [agent!("connectTimeout: 20s, operationTimeout: 300ms"), "connected 1 times"],
        [agent!("connectTimeout: 20ms, operationTimeout: 1m"), "connected 3 times"]),
    case("services.podIdentityAgent.readTimeout", SilentAgent, [agent!("operationTimeout: 300ms, readTimeout: 20s"), "more than once: false"],
        [agent!("operationTimeout: 1m, readTimeout: 100ms"), "more than once: true"]),
    case("services.podIdentityAgent.operationTimeout", SilentAgent, [agent!("readTimeout: 100ms, operationTimeout: 1m"), "more than once: true"],
        [agent!("readTimeout: 100ms, operationTimeout: 50ms"), "more than once: false"]),
];

#[tokio::test]
async fn a_key_about_a_service_changes_how_it_is_asked() {
    check(CASES, see).await;
}

async fn see(service: Service, yaml: &str) -> String {
    let world = World::new();
    let path = |name: &str| world.path(name).to_str().unwrap().to_owned();
    let token = [
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/driver".to_owned()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", path("token")),
    ];
    let agent = |url: String| {
        [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path("agent-token")),
        ]
    };
    match service {
        DeafSts | DeafAgent => {
            let deaf = Deaf::start().await;
            let url = format!("https://{}/", deaf.address);
            let variables = match service {
                DeafSts => [&token[..], &[("AWS_ENDPOINT_URL_STS", url)]].concat(),
                _ => agent(url).to_vec(),
            };
            let seen = ask(&world, yaml, &variables).await;
            format!("connected {} times\n{seen}", deaf.connected.load(Ordering::Relaxed))
        }
        ClosedSts | SilentSts | ThrottledSts => {
            let sts = Sts::start(Iam::default()).await.unwrap();
            let url = [("AWS_ENDPOINT_URL_STS", sts.url())];
            asked(service, &sts, ask(&world, yaml, &[&token[..], &url].concat())).await
        }
        ClosedImds | LateImds | SilentImds => {
            let imds = Imds::start(Iam::default()).await.unwrap();
            let yaml = format!("chains: {{driver: [imds], region: [environment]}}\n{yaml}");
            let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url())];
            let twice = async {
                let provider = provider(&world, &yaml, &variables);
                keys(&provider).await;
                keys(&provider).await
            };
            asked(service, &imds, twice).await
        }
        ClosedAgent | SilentAgent => {
            let verifier = Issuer::new("https://oidc.example.test").verifier();
            let emulator = PodIdentityAgent::start(Iam::default(), verifier).await.unwrap();
            let variables = agent(emulator.credentials_url());
            asked(service, &emulator, ask(&world, yaml, &variables)).await
        }
    }
}

/// Returns what is seen of a failing server, and how often it is asked.
async fn asked(service: Service, server: &Server, seen: impl Future<Output = String>) -> String {
    let fault = match service {
        SilentSts | SilentImds | SilentAgent => Fault::hang(),
        ThrottledSts => StsError::throttling().into(),
        LateImds => Fault::latency(Duration::from_millis(200)),
        _ => Fault::status(500, "closed"),
    };
    server.faults().always(ANY, fault);
    let seen = seen.await;
    let count = server.calls().total();
    format!("asked {count} times\nmore than once: {}\n{seen}", count > 1)
}

async fn ask(world: &World, yaml: &str, variables: &[(&str, String)]) -> String {
    keys(&provider(world, yaml, variables)).await
}

fn provider(world: &World, yaml: &str, variables: &[(&str, String)]) -> Provider {
    let environment = variables
        .iter()
        .fold(Environment::default(), |all, (name, value)| all.with(*name, value.as_str()))
        .with("AWS_REGION", "eu-north-1");
    let config = Config::parse(&Registry::default(), "c.yaml", yaml).unwrap();
    let builder = Provider::builder().config(config).environment(environment).clock(world.clock);
    builder.state_path(world.path("state")).build().unwrap()
}

async fn keys(provider: &Provider) -> String {
    let context = provider.context(PublishRequest::new("v", TARGET), MountTarget::default());
    match provider.credentials(&context.unwrap()).await {
        Ok(_) => "keys".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Takes connections, and never says a word.
struct Deaf {
    address: SocketAddr,
    connected: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Deaf {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connected = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connected);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = Vec::new();
            loop {
                open.push(listener.accept().await.unwrap());
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { address, connected, _tasks: tasks }
    }
}
