//! A driver with everything that a configuration may choose from, none of it over the network; and
//! what is seen of a volume.

use std::fmt::Write as _;
use std::fs;
use std::future::pending;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use s3_credential_provider::TOKENS_KEY;
use s3_credential_provider::{
    Clock as _, Config, CredentialForm, Environment, ExchangeRequest, Failure, FormKind,
    KeyExchange, Keys, MountKind, MountTarget, NoSettings, PluginContext, Provided, Provider,
    PublishRequest, Registry, resolver_fn, source_fn,
};
use s3_credential_testkit::clock::TokioClock;
use s3_credential_testkit::jwt::Issuer;
use tempfile::TempDir;

pub(crate) const TARGET: &str = "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount";

/// Which volume, of which driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// A driver with keys in its environment.
    Driver,
    /// The same, for a Mountpoint that is a systemd unit.
    Systemd,
    /// The same, of an inline volume.
    Inline,
    /// A driver with a token of its own.
    Token,
    /// The same, with an STS that is reached by http.
    PlainHttp,
    /// A driver whose role has no token, and which has keys as well.
    HalfToken,
    /// A driver with an EKS Pod Identity of its own.
    Container,
    /// A volume of a pod.
    Pod,
    /// A volume with a Secret whose entries have uncommon names.
    Secret,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) scratch: TempDir,
    pub(crate) clock: TokioClock,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self {
            scratch: tempfile::tempdir().unwrap(),
            clock: TokioClock::new("2026-11-23T20:00:00Z".parse().unwrap()),
        };
        for name in ["write", "keys", "other-keys"] {
            fs::create_dir(world.path(name)).unwrap();
        }
        world.write("token", &world.token("irsa"));
        world.write("agent-token", "agent-token-1");
        for (folder, id) in [("keys", "AKIAMOUNTED"), ("other-keys", "AKIAOTHER")] {
            world.write(&format!("{folder}/key_id"), id);
            world.write(&format!("{folder}/access_key"), "mounted");
            world.write(&format!("{folder}/user"), "AKIANAMED");
        }
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// By rename, as the kubelet does.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    /// A token that is good for an hour, from now.
    pub(crate) fn token(&self, name: &str) -> String {
        Issuer::new("https://oidc.example.test")
            .service_account("kube-system", name)
            .audience("sts.amazonaws.com")
            .issued_at(self.clock.now())
            .sign()
    }

    fn environment(&self, scene: Scene) -> Environment {
        let path = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let keys = [("AWS_ACCESS_KEY_ID", "AKIADRIVER"), ("AWS_SECRET_ACCESS_KEY", "driver")];
        let all = Environment::default()
            .with("AWS_REGION", "eu-north-1")
            .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
            .with(
                "EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI",
                "http://169.254.170.23/v1/credentials",
            );
        let with_keys =
            |all: Environment| keys.iter().fold(all, |all, (name, value)| all.with(*name, *value));
        let role =
            |all: Environment| all.with("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/driver");
        match scene {
            Scene::Token => role(all).with("AWS_WEB_IDENTITY_TOKEN_FILE", path("token")),
            Scene::PlainHttp => role(all)
                .with("AWS_WEB_IDENTITY_TOKEN_FILE", path("token"))
                .with("AWS_ENDPOINT_URL_STS", "http://192.0.2.1:9"),
            Scene::HalfToken => with_keys(role(all)),
            Scene::Container => all
                .with("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/v1/credentials")
                .with("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path("agent-token")),
            _ => with_keys(all),
        }
    }

    pub(crate) fn request(&self, scene: Scene, volume: &str) -> PublishRequest {
        let request =
            PublishRequest::new(volume, TARGET).with_volume_context([("bucketName", "photos")]);
        let until = self.clock.now() + SignedDuration::from_hours(1);
        let tokens = |audiences: &[&str]| {
            let entry = |audience: &&str| {
                let name = audience.replace('.', "-");
                format!(r#""{audience}":{{"token":"for-{name}","expirationTimestamp":"{until}"}}"#)
            };
            format!("{{{}}}", audiences.iter().map(entry).collect::<Vec<_>>().join(","))
        };
        match scene {
            Scene::Inline => {
                request.with_volume_context([("csi.storage.k8s.io/ephemeral", "true")])
            }
            Scene::Pod => request
                .with_volume_context([
                    ("authenticationSource", "pod"),
                    ("csi.storage.k8s.io/pod.namespace", "team-a"),
                    ("csi.storage.k8s.io/pod.name", "pod"),
                    ("csi.storage.k8s.io/serviceAccount.name", "photos"),
                ])
                .with_secrets([(
                    TOKENS_KEY,
                    tokens(&["sts.amazonaws.com", "ours.example.com", "pods.eks.amazonaws.com"]),
                )]),
            Scene::Secret => {
                request.with_volume_context([("authenticationSource", "secret")]).with_secrets([
                    ("user", "AKIANAMED"),
                    ("password", "named"),
                    ("ticket", "named-session"),
                    ("where", "ap-southeast-2"),
                    ("url", "https://s3.example.com"),
                ])
            }
            _ => request,
        }
    }

    pub(crate) fn target(&self, scene: Scene) -> MountTarget {
        let target = MountTarget::new(self.path("write"));
        match scene {
            Scene::Systemd => target.with_kind(MountKind::Systemd),
            Scene::Pod => {
                target.with_role_arn("arn:aws:iam::111122223333:role/context".parse().unwrap())
            }
            _ => target,
        }
    }

    /// The file's text with the paths of this world.
    pub(crate) fn text(&self, yaml: &str) -> String {
        yaml.replace("SCRATCH", self.scratch.path().to_str().unwrap())
    }

    /// Returns the driver and what it exchanged, or the report on the file.
    pub(crate) fn driver(&self, scene: Scene, yaml: &str) -> Result<(Provider, Exchanged), String> {
        let config = Config::parse(&self.registry(), "c.yaml", &self.text(yaml))
            .map_err(|report| report.to_string())?;
        let exchanged = Exchanged { clock: self.clock, seen: Arc::default() };
        let mut builder = Provider::builder()
            .config(config)
            .environment(self.environment(scene))
            .clock(self.clock);
        if !yaml.contains("statePath") {
            builder = builder.state_path(self.path("state"));
        }
        for form in [FormKind::WebIdentity, FormKind::Container, FormKind::InstanceProfile] {
            builder = builder.exchange(form, exchanged.clone());
        }
        Ok((builder.build().unwrap(), exchanged))
    }

    /// With plug-ins that are slow, or have keys that end.
    fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        let clock = self.clock;
        registry
            .register("slow", |_: &NoSettings, _: &PluginContext| {
                Ok(source_fn("slow", |_| pending()))
            })
            .unwrap();
        registry
            .register("hourly", move |_: &NoSettings, _: &PluginContext| {
                Ok(source_fn(
                    "hourly",
                    move |_| async move { Ok(CredentialForm::Keys(hourly(clock))) },
                ))
            })
            .unwrap();
        registry
            .register_region("slow", |_: &NoSettings, _: &PluginContext| {
                Ok(resolver_fn("slow", |_| pending()))
            })
            .unwrap();
        registry
    }

    /// Everything that is seen of a volume that is published with this configuration.
    pub(crate) async fn see(&self, scene: Scene, yaml: &str) -> String {
        let (provider, exchanged) = match self.driver(scene, yaml) {
            Ok(driver) => driver,
            Err(report) => return report,
        };
        let mut seen = String::new();
        if provider.needs_endpoint() {
            let _ = writeln!(seen, "endpoint at {}", provider.serve_endpoint().unwrap().ip());
        }
        let context = provider.context(self.request(scene, "v"), self.target(scene)).unwrap();
        match provider.provide(&context).await {
            Ok(provided) => self.show(&provided, &mut seen),
            Err(error) => {
                let _ = writeln!(seen, "{}: {}", error.kind(), error);
                let all = error.attempts.iter().chain(&error.region_attempts);
                all.for_each(|it| show_attempt(it, &mut seen));
            }
        }
        let _ = writeln!(seen, "state in elsewhere: {}", self.path("elsewhere").exists());
        seen + &exchanged.seen.lock().unwrap()
    }

    fn show(&self, provided: &Provided, seen: &mut String) {
        let _ = writeln!(seen, "source {}", provided.identity.source.as_deref().unwrap_or("none"));
        let _ = writeln!(seen, "delivery {}", provided.delivery);
        if let Some(region) = &provided.region {
            let _ = writeln!(seen, "region {} of {}", region.region.as_str(), region.resolver);
        }
        if let Some(at) = provided.refresh_at {
            let _ =
                writeln!(seen, "refresh in {} s", at.duration_since(self.clock.now()).as_secs());
        }
        for (name, value) in &provided.environment {
            let _ = writeln!(seen, "{name}={}", value.expose());
        }
        for file in &provided.files {
            let metadata = fs::metadata(&file.path).unwrap();
            let _ = writeln!(
                seen,
                "file mode {:o} owner {} group {}",
                metadata.mode() & 0o777,
                metadata.uid(),
                metadata.gid()
            );
            let _ = writeln!(seen, "{}", fs::read_to_string(&file.path).unwrap());
        }
        let all = provided.attempts.iter().chain(&provided.region_attempts);
        all.for_each(|it| show_attempt(it, seen));
    }

    /// The text of all files that were delivered.
    pub(crate) fn delivered(&self) -> String {
        let volume = fs::read_dir(self.path("write")).unwrap().next().unwrap().unwrap().path();
        let mut files: Vec<_> =
            fs::read_dir(volume).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
    }
}

fn show_attempt(attempt: &s3_credential_provider::Attempt, seen: &mut String) {
    let reason = attempt.reason.as_deref().unwrap_or_default();
    let _ = writeln!(seen, "asked {}: {} {reason}", attempt.plugin, attempt.outcome);
}

/// Keys that are good for an hour.
pub(crate) fn hourly(clock: TokioClock) -> Keys {
    let until: Timestamp = clock.now() + SignedDuration::from_hours(1);
    Keys::new("ASIAHOURLY", "hourly").with_expires_at(until)
}

/// Stands in for STS, IMDS and the agent, and takes down what it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Exchanged {
    clock: TokioClock,
    seen: Arc<Mutex<String>>,
}

#[async_trait]
impl KeyExchange for Exchanged {
    async fn exchange(
        &self,
        form: &CredentialForm,
        request: &ExchangeRequest,
    ) -> Result<Keys, Failure> {
        let mut seen = self.seen.lock().unwrap();
        if let CredentialForm::WebIdentity(identity) = form {
            let _ = writeln!(seen, "exchanged {:?} {:?}", identity.session, identity.second_hop);
        }
        let _ = writeln!(seen, "exchanged {} narrowed to {:?}", form.kind(), request.policy);
        Ok(hourly(self.clock))
    }
}
