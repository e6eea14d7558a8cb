//! A live mount keeps the identity that it was published with, and its newest token, whatever the
//! configuration becomes.

use std::fs;
use std::path::PathBuf;

use s3_credential_provider::{
    Config, Environment, MountTarget, Provided, Provider, PublishRequest, Registry,
};
use tempfile::TempDir;

const ROLE: &str = "arn:aws:iam::111122223333:role/driver";

/// A driver with a web identity, which is restarted with another configuration.
struct Driver {
    scratch: TempDir,
    region: Option<&'static str>,
}

impl Driver {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("write")).unwrap();
        Self { scratch, region: Some("eu-north-1") }
    }

    fn own_token(&self) -> PathBuf {
        self.scratch.path().join("driver-token")
    }

    async fn publish(&self, role: &str, configuration: &str, token: &str) -> Provided {
        fs::write(self.own_token(), token).unwrap();
        let mut environment = Environment::default()
            .with("AWS_WEB_IDENTITY_TOKEN_FILE", self.own_token().to_str().unwrap())
            .with("AWS_ROLE_ARN", role)
            .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .with("AWS_SECRET_ACCESS_KEY", "secret")
            .with("AWS_EC2_METADATA_DISABLED", "true");
        if let Some(region) = self.region {
            environment = environment.with("AWS_REGION", region);
        }
        let config = Config::parse(&Registry::default(), "config.yaml", configuration).unwrap();
        let provider = Provider::builder()
            .config(config)
            .environment(environment)
            .state_path(self.scratch.path().join("state"))
            .build()
            .unwrap();
        let target = "/var/lib/kubelet/pods/a/volumes/kubernetes.io~csi/pv/mount";
        let mount = MountTarget::new(self.scratch.path().join("write"));
        let context = provider.context(PublishRequest::new("v", target), mount).unwrap();
        provider.provide(&context).await.unwrap()
    }

    fn delivered(&self) -> String {
        let directory = fs::read_dir(self.scratch.path().join("write")).unwrap().next();
        fs::read_to_string(directory.unwrap().unwrap().path().join("token")).unwrap()
    }
}

const OF_IRSA: &str = "chains: {driver: [irsa]}\n";

#[tokio::test]
async fn a_restart_with_another_configuration_renews_the_identity_of_a_live_mount_and_reports_it() {
    let other = "arn:aws:iam::111122223333:role/other";
    let with_second_hop = "chains: {driver: [irsa]}\nsources:\n  irsa:\n    secondHop: {roleArn: \"arn:aws:iam::444455556666:role/data\", externalId: tenant-a}\n";
    let with_policy = "chains: {driver: [irsa]}\nsources:\n  irsa:\n    session: {policyArns: [\"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess\"]}\n";
    let with_duration =
        "chains: {driver: [irsa]}\nsources:\n  irsa:\n    session: {duration: 30m}\n";
    for (name, role, configuration, is_changed) in [
        ("the same", ROLE, OF_IRSA, false),
        ("another role", other, OF_IRSA, true),
        ("another chain", ROLE, "chains: {driver: [secret-environment]}\n", true),
        ("a second role", ROLE, with_second_hop, true),
        ("a session policy", ROLE, with_policy, true),
        ("a shorter session", ROLE, with_duration, false),
    ] {
        let driver = Driver::new();
        let first = driver.publish(ROLE, OF_IRSA, "first").await;
        assert_eq!(driver.delivered(), "first");
        let again = driver.publish(role, configuration, "second").await;
        assert_eq!(again.identity, first.identity, "{name}");
        assert_eq!(again.delivery, first.delivery, "{name}");
        assert_eq!(driver.delivered(), "second", "{name}");
        assert_eq!(again.identity_changed, is_changed, "{name}");
        assert_eq!(again.environment, first.environment, "{name}");
    }
}

#[tokio::test]
async fn a_live_mount_is_renewed_without_a_region_that_is_no_longer_known() {
    let mut driver = Driver::new();
    let first = driver.publish(ROLE, OF_IRSA, "first").await;
    driver.region = None;
    let again = driver.publish(ROLE, OF_IRSA, "second").await;
    assert_eq!(driver.delivered(), "second");
    for variable in ["AWS_DEFAULT_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"] {
        assert_eq!(again.environment[variable], first.environment[variable], "{variable}");
    }
}
