//! Any two configurations, one after the other, under live volumes: each keeps its identity and
//! gets its newest token, and what the second configuration would choose is reported.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{
    Clock as _, CredentialForm, ExchangeRequest, Failure, FormKind, KeyExchange, Keys,
    STS_AUDIENCE, TOKENS_KEY,
};
use s3_credential_provider::{
    CleanupContext, Config, Environment, Event, MountTarget, ProvideContext, ProvideError,
    Provided, Provider, PublishRequest, Registry, ResumeOptions, UnpublishRequest,
};
use s3_credential_testkit::clock::ManualClock;
use tempfile::TempDir;

/// How many pairs are tried, unless the argument `cases=` says otherwise.
const CASES: usize = 60;

/// The first pair, unless the argument `seed=` says otherwise.
const SEED: u64 = 20_261_201;

const TARGET: &str = "/var/lib/kubelet/pods/a/volumes/kubernetes.io~csi/pv/mount";

const DRIVER_CHAINS: [&str; 4] =
    ["irsa", "secret-environment", "irsa, secret-environment", "secret-environment, irsa"];
const REGIONS: [&str; 3] = ["environment", "volume-context, environment", "fixed, environment"];
const ROLES: [&str; 2] =
    ["arn:aws:iam::111122223333:role/first", "arn:aws:iam::111122223333:role/second"];
const SETTINGS: [&str; 6] = [
    "",
    "session: {duration: 30m}",
    "session: {policyArns: [\"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess\"]}",
    "session: {policy: '{\"Version\":\"2012-10-17\",\"Statement\":[]}'}",
    "secondHop: {roleArn: \"arn:aws:iam::444455556666:role/data\"}",
    "secondHop: {roleArn: \"arn:aws:iam::444455556666:role/data\", externalId: tenant-a}",
];
const DELIVERIES: [&str; 2] = ["{}", "{web-identity: profile}"];

/// A configuration of a driver, and the role in its environment.
#[derive(Debug, Clone)]
struct Configuration {
    text: String,
    role: &'static str,
}

impl Configuration {
    fn random(rng: &mut Rng) -> Self {
        let mut pick = |of: &[&'static str]| of[rng.usize(..of.len())];
        let (chain, region, settings) = (pick(&DRIVER_CHAINS), pick(&REGIONS), pick(&SETTINGS));
        let (role, pod_role, delivery) = (pick(&ROLES), pick(&ROLES), pick(&DELIVERIES));
        let of_pod = [
            "roles: [mapping]",
            &format!("mapping: [{{namespace: '*', serviceAccount: '*', roleArn: '{pod_role}'}}]"),
            settings,
        ];
        let of_pod = of_pod.map(|line| format!("    {line}\n")).concat();
        let text = format!(
            "chains:\n  driver: [{chain}]\n  pod: [pod-token]\n  region: [{region}]\n\
             resolvers:\n  fixed: {{region: eu-south-2}}\ndelivery:\n  pod: {delivery}\n\
             sources:\n  irsa:\n    pollInterval: 10s\n    {settings}\n  pod-token:\n{of_pod}"
        );
        Self { text, role }
    }
}

/// Keys that name the token which they were exchanged for.
#[derive(Debug)]
struct Sts(ManualClock);

#[async_trait::async_trait]
impl KeyExchange for Sts {
    async fn exchange(&self, form: &CredentialForm, _: &ExchangeRequest) -> Result<Keys, Failure> {
        let CredentialForm::WebIdentity(identity) = form else { panic!("another form") };
        let keys = Keys::new("ASIAIOSFODNN7EXAMPLE", "secret");
        let keys = keys.with_session_token(identity.token.secret().expose());
        Ok(keys.with_expires_at(self.0.now() + SignedDuration::from_hours(1)))
    }
}

/// A node with one volume.
struct Node {
    scratch: TempDir,
    clock: ManualClock,
    level: &'static str,
}

impl Node {
    fn new(level: &'static str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("write")).unwrap();
        let clock = ManualClock::new(Timestamp::from_second(1_700_000_000).unwrap());
        Self { scratch, clock, level }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.scratch.path().join(name)
    }

    /// A start of the driver, whose own token is this one.
    fn start(&self, configuration: &Configuration, token: &str) -> Provider {
        let own_token = self.path("driver-token");
        fs::write(&own_token, token).unwrap();
        let environment = Environment::default()
            .with("AWS_WEB_IDENTITY_TOKEN_FILE", own_token.to_str().unwrap())
            .with("AWS_ROLE_ARN", configuration.role)
            .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .with("AWS_SECRET_ACCESS_KEY", "secret")
            .with("AWS_REGION", "eu-north-1")
            .with("AWS_EC2_METADATA_DISABLED", "true");
        let config = Config::parse(&Registry::default(), "config.yaml", &configuration.text);
        Provider::builder()
            .config(config.unwrap_or_else(|error| panic!("{error}\n{}", configuration.text)))
            .environment(environment)
            .clock(self.clock.clone())
            .exchange(FormKind::WebIdentity, Sts(self.clock.clone()))
            .state_path(self.path("state"))
            .build()
            .unwrap()
    }

    async fn publish(&self, provider: &Provider, token: &str) -> Result<Provided, ProvideError> {
        let expires_at = self.clock.now() + SignedDuration::from_hours(1);
        let tokens = serde_json::json!({
            STS_AUDIENCE: {"token": token, "expirationTimestamp": expires_at.to_string()},
        });
        let request = PublishRequest::new("v", TARGET).with_volume_context([
            ("authenticationSource", self.level),
            ("csi.storage.k8s.io/pod.uid", "a"),
            ("csi.storage.k8s.io/pod.namespace", "apps"),
            ("csi.storage.k8s.io/serviceAccount.name", "web"),
            (TOKENS_KEY, tokens.to_string().as_str()),
        ]);
        let target = MountTarget::new(self.path("write"));
        provider.provide(&ProvideContext::from_publish_request(request, target)?).await
    }

    /// The files of the volume, in one text.
    fn delivered(&self) -> String {
        let mut text = String::new();
        for directory in fs::read_dir(self.path("write")).unwrap() {
            for file in fs::read_dir(directory.unwrap().path()).unwrap() {
                text += &fs::read_to_string(file.unwrap().path()).unwrap();
            }
        }
        text
    }
}

/// The value of this argument. The test harness takes it for the name of a test that does not
/// exist.
fn argument<T: std::str::FromStr>(name: &str) -> Option<T> {
    let start = format!("{name}=");
    std::env::args().find_map(|argument| argument.strip_prefix(&start)?.parse().ok())
}

#[tokio::test]
async fn any_change_of_the_configuration_keeps_the_identity_of_live_mounts_and_is_reported() {
    let first_seed = argument("seed").unwrap_or(SEED);
    println!("the first seed is {first_seed}; run one case again with `seed=N cases=1`");
    let mut changes = 0;
    let cases = argument("cases").unwrap_or(CASES);
    for seed in (first_seed..).take(cases) {
        changes += usize::from(is_change_reported(seed).await);
    }
    println!("{cases} pairs, {changes} of them with another identity");
    assert!(cases < CASES || (changes > cases / 10 && changes < cases), "one-sided: {changes}");
}

/// Publishes under one configuration, restarts with another one, and publishes again. Returns
/// whether that reported a change.
async fn is_change_reported(seed: u64) -> bool {
    let mut rng = Rng::with_seed(seed);
    let (before, after) = (Configuration::random(&mut rng), Configuration::random(&mut rng));
    let level = if rng.bool() { "driver" } else { "pod" };
    let case = format!("seed={seed} at {level} level\n{before:#?}\n{after:#?}");

    let node = Node::new(level);
    let old = node.start(&before, "token-1");
    let first = node.publish(&old, "token-1").await.unwrap_or_else(|e| panic!("{e}\n{case}"));
    assert!(!first.identity_changed, "{case}");
    let rotates = node.delivered().contains("token-1");
    drop(old);

    // What a new volume would get is what a live one would be moved to.
    let fresh = Node::new(level);
    let chosen = fresh.publish(&fresh.start(&after, "token-2"), "token-2").await;
    let chosen = chosen.unwrap_or_else(|error| panic!("{error}\n{case}")).identity;
    let is_other = chosen != first.identity;

    node.clock.advance(Duration::from_mins(1));
    let new = node.start(&after, "token-2");
    let mut events = new.events();
    let resumed = new.resume(ResumeOptions::default()).await.unwrap();
    assert_eq!((resumed.adopted, resumed.failures.len()), (1, 0), "{case}");
    for token in ["token-2", "token-3"] {
        // The driver's own token stays; the kubelet brings the pod's next one.
        let newest = if level == "pod" { token } else { "token-2" };
        let again = node.publish(&new, token).await.unwrap_or_else(|e| panic!("{e}\n{case}"));
        assert_eq!(again.identity, first.identity, "{case}");
        assert_eq!(again.delivery, first.delivery, "{case}");
        assert_eq!(variables(&again), variables(&first), "{case}");
        assert_eq!(again.identity_changed, is_other, "{case}");
        assert!(!rotates || node.delivered().contains(newest), "{newest} is not there: {case}");
        // Then exchanged keys are due, and the token is still valid.
        node.clock.advance(Duration::from_mins(45));
    }
    let mut reports = 0;
    while let Ok(event) = events.try_recv() {
        reports += usize::from(matches!(event, Event::IdentityChanged { .. }));
    }
    assert_eq!(reports, usize::from(is_other), "one event for one change: {case}");

    let unpublish = UnpublishRequest::new("v", TARGET);
    let context = CleanupContext::from_unpublish_request(&unpublish, node.path("write"), None);
    new.cleanup(&context.unwrap()).await.unwrap();
    assert_eq!((entries(&node.path("write")), entries(&node.path("state"))), (0, 0), "{case}");
    is_other
}

/// What a running Mountpoint was started with. Its region is for STS, which the driver asks.
fn variables(provided: &Provided) -> Vec<(&str, &str)> {
    let variables = provided.environment.iter().map(|(name, value)| (&**name, value.expose()));
    variables.filter(|(name, _)| !name.ends_with("REGION")).collect()
}

fn entries(path: &Path) -> usize {
    fs::read_dir(path).unwrap().count()
}
