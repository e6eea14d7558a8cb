//! Rotations that reach the live volume without a new publish, through the real sources, real files
//! and a Kubernetes API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use s3_credential_core::{
    Clock as _, Environment, MountKind, MountTarget, PublishRequest, SourceChain, SystemClock,
    TOKENS_KEY, names,
};
use s3_credential_irsa::{IrsaSettings, IrsaSource};
use s3_credential_provider::{Event, Provided, Provider, ProviderBuilder};
use s3_credential_secret::{SecretNamespace, SecretWatchSettings, SecretWatchSource};
use s3_credential_testkit::kubernetes::Kubernetes;
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

const READER: &str = "arn:aws:iam::111122223333:role/reader";
const WRITER: &str = "arn:aws:iam::111122223333:role/writer";

struct World {
    scratch: TempDir,
}

impl World {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("write")).unwrap();
        Self { scratch }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.scratch.path().join(name)
    }

    fn builder(&self, environment: Environment) -> ProviderBuilder {
        Provider::builder()
            .environment(environment.with("AWS_REGION", "eu-north-1"))
            .state_path(self.path("state"))
    }

    async fn publish(&self, provider: &Provider, level: &str, tokens: &str) -> Provided {
        let request = PublishRequest::new(
            "v",
            "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount",
        )
        .with_volume_context([
            ("authenticationSource", level),
            ("csi.storage.k8s.io/pod.namespace", "tenant"),
            ("csi.storage.k8s.io/serviceAccount.name", "reader"),
            (TOKENS_KEY, tokens),
        ]);
        let context = provider.context(request, MountTarget::new(self.path("write"))).unwrap();
        provider.provide(&context).await.unwrap()
    }
}

/// Replaces a file like the kubelet and every careful writer.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

async fn refreshed(events: &mut Receiver<Event>) {
    let event =
        timeout(Duration::from_secs(20), events.recv()).await.expect("an event in time").unwrap();
    assert!(matches!(event, Event::Refreshed { .. }), "{event:?}");
}

fn contents(provided: &Provided, variable: &str) -> String {
    std::fs::read_to_string(provided.environment[variable].expose()).unwrap()
}

#[tokio::test]
async fn a_rotated_projected_token_reaches_the_live_volume() {
    let world = World::new();
    let token = world.path("projected");
    replace(&token, "first");
    let driver = Environment::default()
        .with(names::AWS_WEB_IDENTITY_TOKEN_FILE, token.to_str().unwrap())
        .with(names::AWS_ROLE_ARN, READER);
    let settings =
        IrsaSettings { poll_interval: Duration::from_millis(100), ..IrsaSettings::default() };
    let source = IrsaSource::new(driver.clone(), SystemClock, settings).unwrap();
    let provider =
        world.builder(driver).driver_chain(SourceChain::first_try(source)).build().unwrap();
    let mut events = provider.events();
    let _fresh = provider.keep_fresh();
    let provided = world.publish(&provider, "driver", "").await;
    assert_eq!(contents(&provided, "AWS_WEB_IDENTITY_TOKEN_FILE"), "first");
    replace(&token, "second, no token");
    let event = timeout(Duration::from_secs(20), events.recv()).await.unwrap().unwrap();
    assert!(matches!(event, Event::RefreshFailed { .. }), "{event:?}");
    assert_eq!(
        contents(&provided, "AWS_WEB_IDENTITY_TOKEN_FILE"),
        "first",
        "a broken token replaces no file"
    );
    replace(&token, "third");
    refreshed(&mut events).await;
    assert_eq!(contents(&provided, "AWS_WEB_IDENTITY_TOKEN_FILE"), "third");
}

#[tokio::test]
async fn a_rotated_secret_reaches_the_live_volume() {
    let world = World::new();
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("driver");
    kubernetes.put_secret("driver", "keys", &[("key_id", "AKIAFIRST"), ("access_key", "first")]);
    let settings = SecretWatchSettings::new(SecretNamespace::Fixed("driver".to_owned()), "keys");
    let kubeconfig = kube::config::Kubeconfig::from_yaml(&kubernetes.kubeconfig_yaml()).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let source = Arc::new(SecretWatchSource::new(client, settings).unwrap());
    let provider = world
        .builder(Environment::default())
        .driver_chain(SourceChain::first_try(source))
        .build()
        .unwrap();
    let mut events = provider.events();
    let _fresh = provider.keep_fresh();
    let provided = world.publish(&provider, "driver", "").await;
    assert!(contents(&provided, "AWS_SHARED_CREDENTIALS_FILE").contains("AKIAFIRST"));
    kubernetes.put_secret("driver", "keys", &[("key_id", "AKIASECOND"), ("access_key", "second")]);
    refreshed(&mut events).await;
    assert!(contents(&provided, "AWS_SHARED_CREDENTIALS_FILE").contains("AKIASECOND"));
}

#[tokio::test]
async fn a_changed_annotation_is_reported_as_a_change_of_identity() {
    let world = World::new();
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("tenant");
    kubernetes.put_service_account("tenant", "reader", &[("eks.amazonaws.com/role-arn", READER)]);
    let kubeconfig = world.path("kubeconfig");
    kubernetes.write_kubeconfig(&kubeconfig, kubernetes.admin_token()).unwrap();
    let driver = Environment::default().with(names::KUBECONFIG, kubeconfig.to_str().unwrap());
    let tokens = |token: &str, minutes: i64| {
        let at = SystemClock.now() + SignedDuration::from_mins(minutes);
        format!(r#"{{"sts.amazonaws.com":{{"token":"{token}","expirationTimestamp":"{at}"}}}}"#)
    };
    // Each run of the driver reads the annotation again.
    let first = world.builder(driver.clone()).build().unwrap();
    let provided = world.publish(&first, "pod", &tokens("one", 60)).await;
    assert_eq!(provided.environment["AWS_ROLE_ARN"].expose(), READER);

    kubernetes.put_service_account("tenant", "reader", &[("eks.amazonaws.com/role-arn", WRITER)]);
    let second = world.builder(driver).build().unwrap();
    let mut events = second.events();
    let provided = world.publish(&second, "pod", &tokens("two", 90)).await;
    assert!(provided.identity_changed);
    assert_eq!(
        provided.environment["AWS_ROLE_ARN"].expose(),
        READER,
        "the running Mountpoint has this one"
    );
    assert_eq!(contents(&provided, "AWS_WEB_IDENTITY_TOKEN_FILE"), "two");
    assert!(matches!(events.try_recv(), Ok(Event::IdentityChanged { .. })));
}

#[tokio::test]
async fn the_older_token_is_found_among_those_of_one_pod_only() {
    let world = World::new();
    let provider = world.builder(Environment::default()).build().unwrap();
    let publish = async |pod: &str, token: &str, minutes: i64| {
        let at = SystemClock.now() + SignedDuration::from_mins(minutes);
        let tokens = format!(
            r#"{{"sts.amazonaws.com":{{"token":"{token}","expirationTimestamp":"{at}"}}}}"#
        );
        let path = format!("/var/lib/kubelet/pods/{pod}/volumes/kubernetes.io~csi/pv/mount");
        let request = PublishRequest::new("v", path).with_volume_context([
            ("authenticationSource", "pod"),
            ("csi.storage.k8s.io/pod.uid", pod),
            ("csi.storage.k8s.io/pod.namespace", "tenant"),
            ("csi.storage.k8s.io/serviceAccount.name", "reader"),
            (TOKENS_KEY, &tokens),
        ]);
        let target = MountTarget::new(world.path("write"))
            .with_mountpoint_pod_uid("mountpoint")
            .with_role_arn(READER.parse().unwrap());
        let context = provider.context(request, target).unwrap();
        contents(&provider.provide(&context).await.unwrap(), "AWS_WEB_IDENTITY_TOKEN_FILE")
    };
    assert_eq!(publish("first", "of-first", 60).await, "of-first");
    assert_eq!(publish("first", "of-first-before", 30).await, "of-first", "of one pod the newer");
    // The first pod's token may end with it, while the second one goes on.
    assert_eq!(publish("second", "of-second", 45).await, "of-second");
    assert_eq!(publish("second", "of-second-before", 40).await, "of-second");
}

#[tokio::test]
async fn the_drivers_own_profile_is_handed_over_as_copies_and_followed() {
    let world = World::new();
    let (config, credentials) = (world.path("config"), world.path("credentials"));
    replace(&config, "[profile backup]\nregion = eu-west-1\n");
    replace(
        &credentials,
        "[backup]\naws_access_key_id = AKIAFIRST\naws_secret_access_key = first\n",
    );
    let driver = Environment::default()
        .with(names::AWS_CONFIG_FILE, config.to_str().unwrap())
        .with(names::AWS_SHARED_CREDENTIALS_FILE, credentials.to_str().unwrap())
        .with(names::AWS_PROFILE, "backup")
        .with(names::AWS_EC2_METADATA_DISABLED, "true");
    let provider = world.builder(driver).build().unwrap();
    let mut events = provider.events();
    let _fresh = provider.keep_fresh();
    let target = MountTarget::new(world.path("write")).with_kind(MountKind::Systemd);
    let request = PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/x/pv/mount");
    let context = provider.context(request, target).unwrap();
    let provided = provider.provide(&context).await.unwrap();
    assert_eq!(provided.identity.source.as_deref(), Some("profile"));
    assert_eq!(provided.environment["AWS_PROFILE"].expose(), "backup");
    assert!(contents(&provided, "AWS_CONFIG_FILE").contains("eu-west-1"));
    assert!(contents(&provided, "AWS_SHARED_CREDENTIALS_FILE").contains("AKIAFIRST"));
    let copies = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];
    assert!(copies.iter().all(|name| {
        Path::new(provided.environment[*name].expose()).starts_with(world.path("write"))
    }));

    replace(
        &credentials,
        "[backup]\naws_access_key_id = AKIASECOND\naws_secret_access_key = second\n",
    );
    refreshed(&mut events).await;
    assert!(contents(&provided, "AWS_SHARED_CREDENTIALS_FILE").contains("AKIASECOND"));
}
