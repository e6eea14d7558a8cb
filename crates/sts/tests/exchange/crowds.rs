//! Crowds of callers with one STS that limits the rate, on paused time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use s3_credential_core::{ErrorKind, ExchangeRequest, SystemClock};
use s3_credential_sts::{Sts, StsSettings};
use s3_credential_testkit::jwt::Issuer;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::world::{exchange, identity};

#[tokio::test(start_paused = true)]
async fn one_caller_does_not_wait_for_a_crowd() {
    let cluster = Cluster::new(1000.0, None);
    assert_eq!(cluster.node().call(0).await, LATENCY);
    let cluster = Cluster::new(RATE, Some(StsSettings::STARTUP_JITTER));
    assert!(cluster.node().call(0).await <= LATENCY + StsSettings::STARTUP_JITTER);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_runs_for_a_while_does_not_delay_its_first_call() {
    let cluster = Cluster::new(RATE, Some(StsSettings::STARTUP_JITTER));
    let node = cluster.node();
    sleep(Duration::from_secs(30)).await;
    assert_eq!(node.call(0).await, LATENCY);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_on_one_node_is_served_within_seconds_where_sts_grants_every_call() {
    let cluster = Cluster::new(1000.0, None);
    let took = cluster.crowd(1, 50).await;
    assert_eq!(cluster.sts.calls(), 50);
    assert!(took.iter().max().unwrap() < &Duration::from_secs(1), "{took:?}");
}

/// The whole policy: 40 nodes start together, and STS grants 10 calls a second.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_starts_shares_what_sts_grants() {
    fastrand::seed(7);
    let cluster = Cluster::new(RATE, Some(StsSettings::STARTUP_JITTER));
    let took = cluster.crowd(40, 25).await;
    let last = took.iter().max().unwrap().as_secs_f64();
    assert!(last < 1.6 * 1000.0 / RATE, "at best {} s, took {last} s", 1000.0 / RATE);
    let calls = cluster.sts.calls();
    assert!(calls < 1500, "1,000 identities took {calls} calls");
    let peak = cluster.sts.peak();
    assert!(peak <= 6.0 * RATE, "{peak} calls in one second, {RATE} are granted");
}

const RATE: f64 = 10.0;
const LATENCY: Duration = Duration::from_millis(60);

/// Processes with one STS, on paused time.
struct Cluster {
    sts: Arc<Limited>,
    startup_jitter: Option<Duration>,
    issuer: Issuer,
}

struct Node {
    sts: Sts,
    issuer: Issuer,
}

impl Cluster {
    fn new(rate: f64, startup_jitter: Option<Duration>) -> Self {
        let issuer = Issuer::new("https://oidc.example.test/id/1");
        Self { sts: Arc::new(Limited::new(rate)), startup_jitter, issuer }
    }

    fn node(&self) -> Node {
        let settings = StsSettings {
            endpoint_url: Some("http://127.0.0.1".to_owned()),
            startup_jitter: self.startup_jitter,
            ..StsSettings::default()
        };
        let connector = SharedHttpConnector::new(Wire(Arc::clone(&self.sts)));
        let client = http_client_fn(move |_, _| connector.clone());
        let sts = Sts::with_http_client(settings, Arc::new(SystemClock), client);
        Node { sts, issuer: self.issuer.clone() }
    }

    /// All volumes of all nodes ask within a second, and again after a failure.
    async fn crowd(&self, nodes: usize, volumes: usize) -> Vec<Duration> {
        let mut crowd = JoinSet::new();
        for _ in 0..nodes {
            let node = Arc::new(self.node());
            for volume in 0..volumes {
                let node = Arc::clone(&node);
                crowd.spawn(async move {
                    sleep(Duration::from_secs(1).mul_f64(fastrand::f64())).await;
                    node.call(volume).await
                });
            }
        }
        crowd.join_all().await
    }
}

impl Node {
    /// Exchanges the token of one volume, and returns how long that takes.
    async fn call(&self, volume: usize) -> Duration {
        let start = Instant::now();
        let token = self.issuer.service_account("apps", "web").audience("sts.amazonaws.com");
        let token = token.claim("jti", format!("{volume}")).sign();
        let request = ExchangeRequest::default();
        while let Err(failure) = exchange(&self.sts, identity(&token), &request).await {
            assert_eq!(failure.kind(), ErrorKind::Throttled);
            sleep(Duration::from_secs(1)).await;
        }
        start.elapsed()
    }
}

/// An STS that grants so many calls a second, and as many at once.
#[derive(Debug)]
struct Limited {
    rate: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    start: Instant,
    filled: Instant,
    tokens: f64,
    calls: BTreeMap<u64, usize>,
}

impl Limited {
    fn new(rate: f64) -> Self {
        let now = Instant::now();
        let bucket = Bucket { start: now, filled: now, tokens: rate, calls: BTreeMap::new() };
        Self { rate, bucket: Mutex::new(bucket) }
    }

    fn grants(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap();
        let now = Instant::now();
        let refill = now.duration_since(bucket.filled).as_secs_f64() * self.rate;
        bucket.tokens = (bucket.tokens + refill).min(self.rate);
        bucket.filled = now;
        let second = now.duration_since(bucket.start).as_secs();
        *bucket.calls.entry(second).or_default() += 1;
        let grants = bucket.tokens >= 1.0;
        bucket.tokens -= if grants { 1.0 } else { 0.0 };
        grants
    }

    fn calls(&self) -> usize {
        self.bucket.lock().unwrap().calls.values().sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "a few hundred calls")]
    fn peak(&self) -> f64 {
        self.bucket.lock().unwrap().calls.values().max().copied().unwrap_or_default() as f64
    }
}

#[derive(Debug)]
struct Wire(Arc<Limited>);

impl HttpConnector for Wire {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let sts = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            sleep(LATENCY).await;
            let (status, body) = if sts.grants() { (200, GRANTED) } else { (400, THROTTLED) };
            Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)))
        })
    }
}

const GRANTED: &str = "<AssumeRoleWithWebIdentityResponse \
    xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult><Credentials>\
    <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>wJalrXUtnFEMI</SecretAccessKey>\
    <SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
    </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";

const THROTTLED: &str = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
    <Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>\
    <RequestId>r</RequestId></ErrorResponse>";
