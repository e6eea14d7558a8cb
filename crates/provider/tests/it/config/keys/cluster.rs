//! Keys about the Kubernetes API, played by an emulator.

use std::time::Duration;

use s3_credential_provider::TOKENS_KEY;
use s3_credential_provider::{
    Clock as _, Config, Environment, ErrorKind, MountTarget, ProvideContext, Provider,
    PublishRequest, Registry,
};
use s3_credential_testkit::clock::ManualClock;
use s3_credential_testkit::kubernetes::Kubernetes;
use s3_credential_testkit::server::Fault;
use tempfile::TempDir;
use tokio::time::timeout;

use super::scene::TARGET;
use super::{Case, case, check};
use Watched::{Annotation, Bare, Closed, Retries, Secret, Slow, Stale, Unannotated, Watch};

const GET: &str = "get serviceaccounts";
const WATCH: &str = "watch serviceaccounts";

/// What is there, and what is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    /// An annotated service account, asked for twice, 30 seconds apart.
    Annotation,
    /// One without an annotation, in the same way.
    Unannotated,
    /// One that cannot be read any more after 5 minutes.
    Stale,
    /// An API server that answers after 200 ms.
    Slow,
    /// A pod without tokens in the request.
    Bare,
    /// A volume that is kept fresh: whether its account is watched.
    Watch,
    /// A Secret.
    Secret,
    /// A Secret that cannot be read: how soon it is asked for again.
    Closed,
    /// The same, for longer.
    Retries,
}

const FOLLOWED: &str = "chains: {driver: [secret-watch]}
sources: {secret-watch: {name: keys, namespace: team-a}}";
const UNWATCHED: &str = "sources: {pod-token: {watchAnnotations: false}}";

#[rustfmt::skip] // A table.
pub(super) const CASES: &[Case<Watched>] = &[
    case("sources.pod-token.annotationPrefix", Annotation, ["", "role/annotated"], ["sources: {pod-token: {annotationPrefix: ours.example.com}}", "role/prefixed"]),
    case("sources.pod-token.annotationTtl", Annotation, [UNWATCHED, "read 1 times"], ["sources: {pod-token: {watchAnnotations: false, annotationTtl: 10s}}", "read 2 times"]),
    case("sources.pod-token.missingAnnotationTtl", Unannotated, [UNWATCHED, "read 2 times"],
        ["sources: {pod-token: {watchAnnotations: false, missingAnnotationTtl: 1m}}", "read 1 times"]),
    case("sources.pod-token.staleAnnotationTtl", Stale, [UNWATCHED, "role/annotated"],
        ["sources: {pod-token: {watchAnnotations: false, staleAnnotationTtl: 2m}}", "unavailable"]),
    case("sources.pod-token.operationTimeout", Slow, ["sources: {pod-token: {operationTimeout: 1m}}", "role/annotated"], ["sources: {pod-token: {operationTimeout: 20ms}}", "unavailable"]),
    case("sources.pod-token.requestTokens", Bare, ["", "missing-token"], ["sources: {pod-token: {requestTokens: 1h}}", "role/annotated"]),
    case("sources.pod-token.watchAnnotations", Watch, ["", "watched true"], [UNWATCHED, "watched false"]),

    case("sources.secret-watch.name", Secret, [FOLLOWED, "AKIATEAMA"], ["chains: {driver: [secret-watch]}\nsources: {secret-watch: {name: other, namespace: team-a}}", "AKIAOTHER"]),
    case("sources.secret-watch.namespace", Secret, [FOLLOWED, "AKIATEAMA"], ["chains: {driver: [secret-watch]}\nsources: {secret-watch: {name: keys, namespace: team-b}}", "AKIATEAMB"]),
    case("sources.secret-watch.podNamespace", Secret, [FOLLOWED, "AKIATEAMA"],
        ["chains: {driver: [secret-watch]}\nsources: {secret-watch: {name: keys, podNamespace: true}}", "AKIATEAMB"]),
    case("sources.secret-watch.keyNames.accessKeyId", Secret, [FOLLOWED, "AKIATEAMA"],
        ["chains: {driver: [secret-watch]}\nsources: {secret-watch: {name: keys, namespace: team-a, keyNames: {accessKeyId: user}}}", "AKIANAMED"]),
    case("sources.secret-watch.operationTimeout", Slow, ["chains: {pod: [secret-watch]}\nsources: {secret-watch: {name: keys, podNamespace: true, operationTimeout: 1m}}", "AKIATEAMA"],
        ["chains: {pod: [secret-watch]}\nsources: {secret-watch: {name: keys, podNamespace: true, operationTimeout: 20ms}}", "unavailable"]),
    case("sources.secret-watch.initialBackoff", Closed, [FOLLOWED, "again at once: false"],
        ["chains: {driver: [secret-watch]}\nsources: {secret-watch: {name: keys, namespace: team-a, initialBackoff: 1ms}}", "again at once: true"]),
    case("sources.secret-watch.maxBackoff", Retries, ["chains: {driver: [secret-watch]}\nsources: {secret-watch: {name: keys, namespace: team-a, initialBackoff: 20ms}}", "again at once: false"],
        ["chains: {driver: [secret-watch]}\nsources: {secret-watch: {name: keys, namespace: team-a, initialBackoff: 20ms, maxBackoff: 20ms}}", "again at once: true"]),
];

#[tokio::test]
async fn a_key_about_the_kubernetes_api_changes_what_it_is_asked() {
    check(CASES, see).await;
}

struct Cluster {
    kubernetes: Kubernetes,
    clock: ManualClock,
    scratch: TempDir,
}

impl Cluster {
    async fn start() -> Self {
        let clock = ManualClock::new("2026-11-23T20:00:00Z".parse().unwrap());
        let kubernetes = Kubernetes::builder().clock(clock.clone()).start().await.unwrap();
        kubernetes.put_service_account(
            "team-a",
            "annotated",
            &[
                ("eks.amazonaws.com/role-arn", "arn:aws:iam::111122223333:role/annotated"),
                ("ours.example.com/role-arn", "arn:aws:iam::111122223333:role/prefixed"),
            ],
        );
        kubernetes.put_service_account("team-a", "bare", &[]);
        let pod = "pod";
        kubernetes.put_pod("team-a", pod, "uid", "annotated");
        for (namespace, name, id) in [
            ("team-a", "keys", "AKIATEAMA"),
            ("team-a", "other", "AKIAOTHER"),
            ("team-b", "keys", "AKIATEAMB"),
        ] {
            kubernetes.put_secret(
                namespace,
                name,
                &[("key_id", id), ("user", "AKIANAMED"), ("access_key", "secret")],
            );
        }
        let scratch = tempfile::tempdir().unwrap();
        kubernetes
            .write_kubeconfig(scratch.path().join("kubeconfig"), kubernetes.admin_token())
            .unwrap();
        Self { kubernetes, clock, scratch }
    }

    fn provider(&self, yaml: &str) -> Provider {
        let kubeconfig = self.scratch.path().join("kubeconfig");
        let environment = Environment::default()
            .with("KUBECONFIG", kubeconfig.to_str().unwrap())
            .with("AWS_REGION", "eu-north-1");
        let config = Config::parse(&Registry::default(), "c.yaml", yaml).unwrap();
        let builder =
            Provider::builder().config(config).environment(environment).clock(self.clock.clone());
        builder.state_path(self.scratch.path().join("state")).build().unwrap()
    }

    fn context(
        &self,
        provider: &Provider,
        level: &str,
        namespace: &str,
        account: &str,
        has_tokens: bool,
    ) -> ProvideContext {
        let token = self
            .kubernetes
            .issuer()
            .service_account(namespace, account)
            .audience("sts.amazonaws.com")
            .issued_at(self.clock.now())
            .sign();
        let tokens = format!(
            r#"{{"sts.amazonaws.com":{{"token":"{token}","expirationTimestamp":"2026-11-23T21:00:00Z"}}}}"#
        );
        let mut request = PublishRequest::new("v", TARGET).with_volume_context([
            ("authenticationSource", level),
            ("csi.storage.k8s.io/pod.namespace", namespace),
            ("csi.storage.k8s.io/pod.name", "pod"),
            ("csi.storage.k8s.io/pod.uid", "uid"),
            ("csi.storage.k8s.io/serviceAccount.name", account),
        ]);
        if has_tokens {
            request = request.with_volume_context([(TOKENS_KEY, tokens.as_str())]);
        }
        let write = self.scratch.path().join("write");
        std::fs::create_dir_all(&write).unwrap();
        provider.context(request, MountTarget::new(write)).unwrap()
    }

    /// What a volume would get.
    async fn explain(&self, provider: &Provider, context: &ProvideContext) -> String {
        match provider.explain(context).await {
            Ok(explained) => {
                let identity = explained.provided.identity;
                let keys = match identity.form.as_str() {
                    "keys" => provider.credentials(context).await.unwrap().access_key_id,
                    _ => "".into(),
                };
                format!(
                    "{} {}",
                    identity.role_arn.map(|role| role.to_string()).unwrap_or_default(),
                    keys.expose()
                )
            }
            Err(error) => format!("{}: {error}", error.kind()),
        }
    }
}

async fn see(watched: Watched, yaml: &str) -> String {
    let cluster = Cluster::start().await;
    let provider = cluster.provider(yaml);
    let account = if watched == Unannotated { "bare" } else { "annotated" };
    let pod = cluster.context(&provider, "pod", "team-a", account, watched != Bare);
    let reads = || cluster.kubernetes.calls().of(GET);
    match watched {
        Annotation | Unannotated => {
            cluster.explain(&provider, &pod).await;
            cluster.clock.advance(Duration::from_secs(30));
            let shown = cluster.explain(&provider, &pod).await;
            format!("{shown}\nread {} times", reads())
        }
        Stale => {
            cluster.explain(&provider, &pod).await;
            cluster.clock.advance(Duration::from_mins(5));
            cluster.kubernetes.faults().always(GET, Fault::status(500, ""));
            cluster.explain(&provider, &pod).await
        }
        Slow => {
            cluster.kubernetes.faults().always("*", Fault::latency(Duration::from_millis(200)));
            cluster.explain(&provider, &pod).await
        }
        Bare => cluster.explain(&provider, &pod).await,
        Watch => {
            let _fresh = provider.keep_fresh();
            provider.provide(&pod).await.unwrap();
            provider.provide(&pod).await.unwrap();
            let watch = cluster.kubernetes.called(WATCH, 1);
            format!("watched {}", timeout(Duration::from_millis(500), watch).await.is_ok())
        }
        Secret => {
            let driver = cluster.context(&provider, "driver", "team-b", "annotated", false);
            cluster.explain(&provider, &driver).await
        }
        Closed | Retries => {
            cluster.kubernetes.faults().always("*", Fault::status(500, ""));
            let driver = cluster.context(&provider, "driver", "team-b", "annotated", false);
            let error = provider.explain(&driver).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            let (count, within) = if watched == Closed { (3, 700) } else { (12, 1500) };
            let again = cluster.kubernetes.called("list secrets", count);
            format!(
                "again at once: {}",
                timeout(Duration::from_millis(within), again).await.is_ok()
            )
        }
    }
}
