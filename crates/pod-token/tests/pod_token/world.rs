//! A cluster with a service account, and the source under test.

use std::sync::Arc;

use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use s3_credential_core::{
    CredentialForm, CredentialSource as _, Failure, MountTarget, NotApplicable, ProvideContext,
    PublishRequest, STS_AUDIENCE, SourceError, TOKENS_KEY, WebIdentity,
};
use s3_credential_pod_token::{PodTokenSettings, PodTokenSource};
use s3_credential_testkit::clock::ManualClock;
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
use serde_json::json;

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/web";
pub(crate) const OTHER_ROLE: &str = "arn:aws:iam::111122223333:role/other";
pub(crate) const ANNOTATION: &str = "eks.amazonaws.com/role-arn";
pub(crate) const GET: &str = "get serviceaccounts";
pub(crate) const WATCH: &str = "watch serviceaccounts";
pub(crate) const CREATE_TOKEN: &str = "create serviceaccounts/token";

const DRIVER: &str = "s3-csi-driver";

pub(crate) struct World {
    pub(crate) kubernetes: Kubernetes,
    pub(crate) clock: ManualClock,
    client: Client,
}

impl World {
    /// A cluster in which `apps/web` has no annotation, and the driver may get service accounts, as
    /// that of the Go driver may.
    pub(crate) async fn start() -> Self {
        let clock = ManualClock::new(now());
        let kubernetes = Kubernetes::builder().clock(clock.clone()).start().await.unwrap();
        kubernetes.put_service_account("apps", "web", &[]);
        let token = kubernetes.add_user(DRIVER);
        kubernetes.grant(DRIVER, Rule::new(["get"], ["serviceaccounts"]));
        let kubeconfig = Kubeconfig::from_yaml(&kubernetes.kubeconfig_yaml_for(&token)).unwrap();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .unwrap();
        // Without retries, the test sees each answer of the server, and each call once.
        config.default_retry = false;
        Self { kubernetes, clock, client: Client::try_from(config).unwrap() }
    }

    /// The same, and `apps/web` has this role.
    pub(crate) async fn with_role(role: &str) -> Self {
        let world = Self::start().await;
        world.annotate(&[(ANNOTATION, role)]);
        world
    }

    pub(crate) fn annotate(&self, annotations: &[(&str, &str)]) {
        self.kubernetes.put_service_account("apps", "web", annotations);
    }

    pub(crate) fn allow(&self, rule: Rule) {
        self.kubernetes.grant(DRIVER, rule);
    }

    pub(crate) fn forbid_all(&self) {
        self.kubernetes.revoke(DRIVER);
    }

    pub(crate) fn source(&self, settings: PodTokenSettings) -> PodTokenSource {
        PodTokenSource::new(settings, Arc::new(self.clock.clone()), Some(self.client.clone()))
    }

    /// A source with no API to ask.
    pub(crate) fn source_alone(&self, settings: PodTokenSettings) -> PodTokenSource {
        PodTokenSource::new(settings, Arc::new(self.clock.clone()), None)
    }

    /// A token of `apps/web` for this audience, valid for an hour.
    pub(crate) fn token(&self, audience: &str) -> String {
        self.kubernetes
            .issuer()
            .service_account("apps", "web")
            .audience(audience)
            .issued_at(now())
            .sign()
    }

    /// The tokens of a request: one for STS.
    pub(crate) fn tokens(&self) -> String {
        tokens(&[(STS_AUDIENCE, &self.token(STS_AUDIENCE))])
    }

    /// A publish for the pod `pod-1` of `apps/web`, with its token.
    pub(crate) fn context(&self) -> ProvideContext {
        self.pod("pod-1")
    }

    pub(crate) fn pod(&self, uid: &str) -> ProvideContext {
        context(&[(UID, uid)], &self.tokens())
    }

    pub(crate) fn gets(&self) -> usize {
        self.kubernetes.calls().of(GET)
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-23T20:00:00Z".parse().unwrap()
}

pub(crate) const UID: &str = "csi.storage.k8s.io/pod.uid";
pub(crate) const NAMESPACE: &str = "csi.storage.k8s.io/pod.namespace";
pub(crate) const SERVICE_ACCOUNT: &str = "csi.storage.k8s.io/serviceAccount.name";

/// A publish at pod level. An empty attribute is an unset one.
pub(crate) fn context(attributes: &[(&str, &str)], tokens: &str) -> ProvideContext {
    context_for(attributes, tokens, MountTarget::new("/nowhere"))
}

pub(crate) fn context_for(
    attributes: &[(&str, &str)],
    tokens: &str,
    target: MountTarget,
) -> ProvideContext {
    let request = PublishRequest::new("volume", "/target")
        .with_volume_context([
            ("authenticationSource", "pod"),
            ("csi.storage.k8s.io/pod.name", "web-0"),
            (UID, "pod-1"),
            (NAMESPACE, "apps"),
            (SERVICE_ACCOUNT, "web"),
            (TOKENS_KEY, tokens),
        ])
        .with_volume_context(attributes.iter().copied());
    ProvideContext::from_publish_request(request, target).unwrap()
}

pub(crate) fn tokens(by_audience: &[(&str, &str)]) -> String {
    let entries = by_audience.iter().map(|(audience, token)| {
        (
            (*audience).to_owned(),
            json!({"token": token, "expirationTimestamp": "2026-11-23T21:00:00Z"}),
        )
    });
    serde_json::Value::Object(entries.collect()).to_string()
}

pub(crate) async fn identity(source: &PodTokenSource, context: &ProvideContext) -> WebIdentity {
    match source.provide(context).await.unwrap() {
        CredentialForm::WebIdentity(identity) => *identity,
        other => panic!("no web identity: {other:?}"),
    }
}

pub(crate) async fn role(source: &PodTokenSource, context: &ProvideContext) -> String {
    identity(source, context).await.role_arn.as_str().to_owned()
}

pub(crate) async fn failure(source: &PodTokenSource, context: &ProvideContext) -> Failure {
    match source.provide(context).await {
        Err(SourceError::Failed(failure)) => failure,
        other => panic!("no failure: {other:?}"),
    }
}

pub(crate) async fn skip(source: &PodTokenSource, context: &ProvideContext) -> NotApplicable {
    match source.provide(context).await {
        Err(SourceError::NotApplicable(skip)) => skip,
        other => panic!("it applies: {other:?}"),
    }
}
