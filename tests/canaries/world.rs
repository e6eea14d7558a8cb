//! A driver on a node of a cluster, whose every secret is known here.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use s3_credential_core::{
    Delivery, Environment, MountKind, MountTarget, PublishRequest, SourceChain, TOKENS_KEY,
    UnpublishRequest, names,
};
use s3_credential_profile::ProfileSource;
use s3_credential_provider::{Config, Provider, ProviderBuilder, Registry};
use s3_credential_secret::{
    SecretDirectorySettings, SecretDirectorySource, SecretNamespace, SecretWatchSettings,
    SecretWatchSource,
};
use s3_credential_testkit::iam::{Iam, Role, Trust};
use s3_credential_testkit::imds::Imds;
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
use s3_credential_testkit::pod_identity_agent::PodIdentityAgent;
use s3_credential_testkit::sts::Sts;
use tempfile::TempDir;

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/reader";

/// Secrets that this suite makes up; each is followed by where it is planted.
pub(crate) const CANARY: &str = "canary/AKIA+of-the-";

/// Settings with one attempt each, since a broken service is broken at every attempt.
const IMPATIENT: &str = "services: {sts: {maxAttempts: 1}, imds: {attempts: 1}, podIdentityAgent: {attempts: 1, patience: 50ms}}";

pub(crate) struct World {
    pub iam: Iam,
    pub sts: Sts,
    pub imds: Imds,
    pub agent: PodIdentityAgent,
    pub kubernetes: Kubernetes,
    scratch: TempDir,
    tokens: RefCell<Vec<String>>,
}

/// The source of the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Irsa,
    PodIdentityOfTheDriver,
    SecretEnvironment,
    Imds,
    Profile,
    SecretDirectory,
    SecretWatch,
    PodToken,
    PodIdentity,
    SecretRequest,
}

impl By {
    pub(crate) const ALL: [Self; 10] = [
        Self::Irsa,
        Self::PodIdentityOfTheDriver,
        Self::SecretEnvironment,
        Self::Imds,
        Self::Profile,
        Self::SecretDirectory,
        Self::SecretWatch,
        Self::PodToken,
        Self::PodIdentity,
        Self::SecretRequest,
    ];

    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::Irsa => "irsa",
            Self::PodIdentityOfTheDriver | Self::PodIdentity => "pod-identity",
            Self::SecretEnvironment => "secret-environment",
            Self::Imds => "imds",
            Self::Profile => "profile",
            Self::SecretDirectory => "secret-directory",
            Self::SecretWatch => "secret-watch",
            Self::PodToken => "pod-token",
            Self::SecretRequest => "secret-request",
        }
    }

    /// Returns the service account: one without an annotation where the agent is to be asked.
    fn service_account(self) -> &'static str {
        if self == Self::PodIdentity { "plain" } else { "web" }
    }

    /// Returns the mount kind: only a Mountpoint on the node can use the driver's files and its
    /// loopback.
    pub(crate) fn kind(self, delivery: Option<Delivery>) -> MountKind {
        if self == Self::Profile || delivery == Some(Delivery::Endpoint) {
            MountKind::Systemd
        } else {
            MountKind::Pod
        }
    }

    fn level(self) -> &'static str {
        match self {
            Self::PodToken | Self::PodIdentity => "pod",
            Self::SecretRequest => "secret",
            _ => "driver",
        }
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        let iam = Iam::default();
        let issuer = Issuer::new("https://oidc.example.test/id/1");
        iam.add_provider(issuer.verifier(), ["sts.amazonaws.com"]);
        iam.add_role(
            Role::new(ROLE)
                .trusting(Trust::web_identity(issuer.url(), "system:serviceaccount:*"))
                .trusting(Trust::service("ec2.amazonaws.com"))
                .trusting(Trust::service("pods.eks.amazonaws.com")),
        );
        let imds = Imds::start(iam.clone()).await.unwrap();
        imds.set_role(Some(ROLE));
        let agent = PodIdentityAgent::start(iam.clone(), issuer.verifier()).await.unwrap();
        agent.associate("apps", "plain", ROLE);
        agent.associate("kube-system", "driver", ROLE);
        let kubernetes = Kubernetes::builder().issuer(issuer).start().await.unwrap();
        let annotation = [("eks.amazonaws.com/role-arn", ROLE)];
        kubernetes.put_service_account("apps", "web", &annotation);
        kubernetes.put_service_account("apps", "plain", &[]);
        kubernetes.put_service_account("kube-system", "driver", &[]);
        let keys = [("key_id", "AKIAIOSFODNN7EXAMPLE"), ("access_key", "canary/AKIA+of-the-api")];
        kubernetes.put_secret("kube-system", "s3-keys", &keys);
        kubernetes.grant(
            "system:serviceaccount:kube-system:driver",
            Rule::new(["get", "list", "watch"], ["serviceaccounts", "secrets"]),
        );
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("write")).unwrap();
        let sts = Sts::start(iam.clone()).await.unwrap();
        let world = Self { iam, sts, imds, agent, kubernetes, scratch, tokens: RefCell::default() };
        let token = world.kubernetes.service_account_token("kube-system", "driver");
        let kubeconfig = world.path("kubeconfig");
        world.kubernetes.write_kubeconfig(kubeconfig, &token).unwrap();
        world.tokens.borrow_mut().push(token);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn token(&self, namespace: &str, name: &str, audience: &str) -> String {
        let issuer = self.kubernetes.issuer();
        let token = issuer.service_account(namespace, name).audience(audience).sign();
        self.tokens.borrow_mut().push(token.clone());
        token
    }

    /// A driver whose credentials come from there, with a secret in each variable that can hold
    /// one.
    pub(crate) async fn builder(&self, by: By) -> ProviderBuilder {
        let environment = Environment::default()
            .with(names::AWS_ENDPOINT_URL_STS, self.sts.url())
            .with(names::AWS_EC2_METADATA_SERVICE_ENDPOINT, self.imds.url())
            .with(names::KUBECONFIG, self.path("kubeconfig").to_str().unwrap());
        let agent = self.agent.credentials_url();
        let driver_token = |audience| self.token("kube-system", "driver", audience);
        let environment = match by {
            By::Irsa => environment.with(names::AWS_ROLE_ARN, ROLE).with(
                names::AWS_WEB_IDENTITY_TOKEN_FILE,
                self.write("token", &driver_token("sts.amazonaws.com")),
            ),
            By::PodIdentityOfTheDriver => {
                environment.with(names::AWS_CONTAINER_CREDENTIALS_FULL_URI, agent).with(
                    names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
                    self.write("agent-token", &driver_token("pods.eks.amazonaws.com")),
                )
            }
            By::PodIdentity => {
                environment.with(names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI, agent)
            }
            By::SecretEnvironment => environment
                .with(names::AWS_ACCESS_KEY_ID, "AKIAIOSFODNN7EXAMPLE")
                .with(names::AWS_SECRET_ACCESS_KEY, "canary/AKIA+of-the-environment"),
            By::Profile => environment
                .with(names::AWS_CONFIG_FILE, self.write("config", "[default]\nregion = eu-north-1\n"))
                .with(
                    names::AWS_SHARED_CREDENTIALS_FILE,
                    self.write(
                        "credentials",
                        "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = canary/AKIA+of-the-profile\n",
                    ),
                ),
            _ => environment,
        };
        let config = Config::parse(&Registry::default(), "chains.yaml", IMPATIENT).unwrap();
        let builder = Provider::builder()
            .environment(environment.clone())
            .config(config)
            .state_path(self.path("state"));
        match by {
            By::Profile => {
                builder.driver_chain(SourceChain::first_try(ProfileSource::new(&environment)))
            }
            By::SecretDirectory => {
                self.write("secret/key_id", "AKIAIOSFODNN7EXAMPLE");
                self.write("secret/access_key", "canary/AKIA+of-the-directory");
                let settings = SecretDirectorySettings::new(self.path("secret"));
                let source = SecretDirectorySource::new(settings).unwrap();
                builder.driver_chain(SourceChain::first_try(source))
            }
            By::SecretWatch => {
                let source = self.secret_watch().await;
                builder.driver_chain(SourceChain::first_try(source))
            }
            _ => builder,
        }
    }

    async fn secret_watch(&self) -> SecretWatchSource {
        let kubeconfig = kube::config::Kubeconfig::read_from(self.path("kubeconfig")).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        let client = kube::Client::try_from(config).unwrap();
        let namespace = SecretNamespace::Fixed("kube-system".to_owned());
        SecretWatchSource::new(client, SecretWatchSettings::new(namespace, "s3-keys")).unwrap()
    }

    /// A volume for these credentials.
    pub(crate) fn request(&self, by: By) -> PublishRequest {
        let account = by.service_account();
        let request = PublishRequest::new("v", unpublish().target_path).with_volume_context([
            ("authenticationSource", by.level()),
            ("bucketName", "photos"),
            ("csi.storage.k8s.io/pod.namespace", "apps"),
            ("csi.storage.k8s.io/pod.name", "web-0"),
            ("csi.storage.k8s.io/serviceAccount.name", account),
            (TOKENS_KEY, &self.pod_tokens(account)),
        ]);
        // Only at secret level does a request's Secret count.
        request.with_secrets([
            ("key_id", "AKIAIOSFODNN7EXAMPLE"),
            ("access_key", "canary/AKIA+of-the-request"),
        ])
    }

    fn pod_tokens(&self, account: &str) -> String {
        let entry = |audience: &str| {
            let token = self.token("apps", account, audience);
            format!(
                r#""{audience}":{{"token":"{token}","expirationTimestamp":"2999-01-01T00:00:00Z"}}"#
            )
        };
        format!("{{{},{}}}", entry("sts.amazonaws.com"), entry("pods.eks.amazonaws.com"))
    }

    pub(crate) fn target(&self) -> MountTarget {
        MountTarget::new(self.path("write"))
    }

    /// Everything that must not be seen: what was planted, and what was handed out.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![CANARY.to_owned()];
        for token in self.tokens.borrow().iter() {
            secrets.push(token.clone());
            // Who has the signature has the token: the rest can be guessed.
            secrets.extend(token.rsplit('.').next().map(str::to_owned));
        }
        for issued in self.iam.all_issued() {
            secrets.push(issued.secret_access_key.expose().to_owned());
            secrets.extend(issued.session_token.map(|token| token.expose().to_owned()));
        }
        let metadata_tokens = self.imds.requests();
        let metadata_tokens = metadata_tokens
            .iter()
            .filter_map(|request| request.header("x-aws-ec2-metadata-token").map(str::to_owned));
        secrets.extend(metadata_tokens);
        secrets
    }
}

/// Returns the kubelet's request at the end of the volume.
pub(crate) fn unpublish() -> UnpublishRequest {
    UnpublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount")
}
