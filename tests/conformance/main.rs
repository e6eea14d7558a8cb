//! Every source and every resolver of this workspace passes the suite that the testkit exports.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use std::io::Write as _;
use std::sync::Arc;

use jiff::SignedDuration;
use s3_credential_core::{
    Clock, Environment, EnvironmentRegion, ErrorKind, FixedRegion, FormKind, MountKind,
    MountOptionsRegion, MountTarget, ProvideContext, PublishRequest, SystemClock, TOKENS_KEY,
    VolumeContextRegion, names,
};
use s3_credential_imds::{Imds, ImdsRegion, ImdsSettings, ImdsSource};
use s3_credential_irsa::{IrsaSettings, IrsaSource};
use s3_credential_pod_identity::{PodIdentitySettings, PodIdentitySource};
use s3_credential_pod_token::{PodTokenSettings, PodTokenSource};
use s3_credential_profile::ProfileSource;
use s3_credential_provider::{NodeLabelRegion, SdkRegion, SdkSource};
use s3_credential_secret::{
    SecretDirectorySettings, SecretDirectorySource, SecretEnvironmentSource, SecretNamespace,
    SecretRequestSource, SecretWatchSettings, SecretWatchSource,
};
use s3_credential_testkit::conformance::{ResolverConformance, SourceConformance};
use s3_credential_testkit::iam::{Iam, Role, Trust};
use s3_credential_testkit::imds::Imds as ImdsEmulator;
use s3_credential_testkit::kubernetes::Kubernetes;

const ROLE: &str = "arn:aws:iam::111122223333:role/reader";
const CANARY: &str = "CANARYwJalrXUtnFEMI";

/// A publish at this level, changed by the test.
fn context(
    level: &str,
    change: impl FnOnce(PublishRequest, MountTarget) -> (PublishRequest, MountTarget),
) -> ProvideContext {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount")
            .with_volume_context([
                ("authenticationSource", level),
                ("csi.storage.k8s.io/pod.uid", "uid"),
                ("csi.storage.k8s.io/pod.name", "pod"),
                ("csi.storage.k8s.io/pod.namespace", "tenant"),
                ("csi.storage.k8s.io/serviceAccount.name", "reader"),
            ]);
    let (request, target) = change(request, MountTarget::new("/write"));
    ProvideContext::from_publish_request(request, target).unwrap()
}

fn plain(level: &str) -> ProvideContext {
    context(level, |request, target| (request, target))
}

fn with_tokens(tokens: &str) -> ProvideContext {
    context("pod", |request, target| (request.with_secrets([(TOKENS_KEY, tokens)]), target))
}

fn with_secrets(secrets: &[(&str, &str)]) -> ProvideContext {
    context("secret", |request, target| (request.with_secrets(secrets.iter().copied()), target))
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn tokens(audience: &str, expires_in: SignedDuration) -> String {
    let at = SystemClock.now() + expires_in;
    format!(r#"{{"{audience}":{{"token":"{CANARY}","expirationTimestamp":"{at}"}}}}"#)
}

#[tokio::test]
async fn the_source_irsa_conforms() {
    let token = file(CANARY);
    let path = token.path().to_str().unwrap();
    let source = |variables: &[(&str, &str)]| {
        IrsaSource::new(environment(variables), SystemClock, IrsaSettings::default()).unwrap()
    };
    SourceConformance::of(source(&[
        (names::AWS_WEB_IDENTITY_TOKEN_FILE, path),
        (names::AWS_ROLE_ARN, ROLE),
    ]))
    .canary(CANARY)
    .provides(plain("driver"), FormKind::WebIdentity)
    .does_not_apply(plain("pod"))
    .check()
    .await;
    SourceConformance::of(source(&[])).does_not_apply(plain("driver")).check().await;
    SourceConformance::of(source(&[(names::AWS_ROLE_ARN, ROLE)]))
        .fails(plain("driver"), ErrorKind::Misconfigured)
        .check()
        .await;
}

#[tokio::test]
async fn secret_request_conforms() {
    SourceConformance::of(SecretRequestSource::default())
        .canary(CANARY)
        .provides(
            with_secrets(&[("key_id", "AKIAIOSFODNN7EXAMPLE"), ("access_key", CANARY)]),
            FormKind::Keys,
        )
        .does_not_apply(with_secrets(&[]))
        .does_not_apply(plain("driver"))
        .fails(with_secrets(&[("access_key", CANARY)]), ErrorKind::InvalidSecret)
        .fails(
            with_secrets(&[
                ("key_id", "AKIAIOSFODNN7EXAMPLE"),
                ("access_key", "CANARYwJalrXUtnFEMI\n"),
            ]),
            ErrorKind::InvalidSecret,
        )
        .check()
        .await;
}

#[tokio::test]
async fn secret_environment_conforms() {
    let source = |variables: &[(&str, &str)]| SecretEnvironmentSource::new(&environment(variables));
    let pair = [
        (names::AWS_ACCESS_KEY_ID, "AKIAIOSFODNN7EXAMPLE"),
        (names::AWS_SECRET_ACCESS_KEY, CANARY),
    ];
    SourceConformance::of(source(&pair))
        .canary(CANARY)
        .provides(plain("driver"), FormKind::Keys)
        .does_not_apply(plain("pod"))
        .check()
        .await;
    SourceConformance::of(source(&pair[1..]))
        .canary(CANARY)
        .fails(plain("driver"), ErrorKind::Misconfigured)
        .check()
        .await;
}

#[tokio::test]
async fn secret_directory_conforms() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key_id"), "AKIAIOSFODNN7EXAMPLE").unwrap();
    let broken = tempfile::tempdir().unwrap();
    std::fs::write(broken.path().join("access_key"), CANARY).unwrap();
    std::fs::write(folder.path().join("access_key"), CANARY).unwrap();
    SourceConformance::of(
        SecretDirectorySource::new(SecretDirectorySettings::new(folder.path())).unwrap(),
    )
    .canary(CANARY)
    .provides(plain("driver"), FormKind::Keys)
    .check()
    .await;
    SourceConformance::of(
        SecretDirectorySource::new(SecretDirectorySettings::new(broken.path())).unwrap(),
    )
    .canary(CANARY)
    .fails(plain("driver"), ErrorKind::InvalidSecret)
    .check()
    .await;
}

#[tokio::test]
async fn secret_watch_conforms() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("driver");
    kubernetes.put_secret(
        "driver",
        "keys",
        &[("key_id", "AKIAIOSFODNN7EXAMPLE"), ("access_key", CANARY)],
    );
    let source = |name: &str| {
        let kubernetes = &kubernetes;
        let name = name.to_owned();
        async move {
            SecretWatchSource::new(
                client(kubernetes, kubernetes.admin_token()).await,
                SecretWatchSettings::new(SecretNamespace::Fixed("driver".to_owned()), name),
            )
            .unwrap()
        }
    };
    SourceConformance::of(source("keys").await)
        .canary(CANARY)
        .provides(plain("driver"), FormKind::Keys)
        .check()
        .await;
    SourceConformance::of(source("absent").await)
        .fails(plain("driver"), ErrorKind::NotFound)
        .check()
        .await;
}

#[tokio::test]
async fn the_source_profile_conforms() {
    let (config, credentials) = (
        file("[default]\n"),
        file(&format!(
            "[default]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key={CANARY}\n"
        )),
    );
    let driver = |config: &str| {
        environment(&[
            (names::AWS_CONFIG_FILE, config),
            (names::AWS_SHARED_CREDENTIALS_FILE, credentials.path().to_str().unwrap()),
        ])
    };
    let systemd =
        || context("driver", |request, target| (request, target.with_kind(MountKind::Systemd)));
    SourceConformance::of(ProfileSource::new(&driver(config.path().to_str().unwrap())))
        .canary(CANARY)
        .provides(systemd(), FormKind::Profile)
        .provides(plain("driver"), FormKind::Profile)
        .does_not_apply(plain("pod"))
        .check()
        .await;
    SourceConformance::of(ProfileSource::new(&driver("/nowhere/at/all")))
        .fails(systemd(), ErrorKind::Misconfigured)
        .check()
        .await;
}

#[tokio::test]
async fn imds_conforms_as_source_and_as_resolver() {
    let iam = Iam::default();
    iam.add_role(Role::new(ROLE).trusting(Trust::service("ec2.amazonaws.com")));
    let emulator = ImdsEmulator::start(iam).await.unwrap();
    emulator.set_region("eu-north-1");
    emulator.set_role(Some(ROLE));
    let driver = environment(&[(names::AWS_EC2_METADATA_SERVICE_ENDPOINT, &emulator.url())]);
    let imds = || Imds::new(&driver, ImdsSettings::default(), clock());
    SourceConformance::of(ImdsSource::new(imds()))
        .provides(plain("driver"), FormKind::InstanceProfile)
        .does_not_apply(plain("pod"))
        .check()
        .await;
    ResolverConformance::of(ImdsRegion::new(imds()))
        .resolves(plain("driver"), "eu-north-1")
        .check()
        .await;
    let off = environment(&[(names::AWS_EC2_METADATA_DISABLED, "true")]);
    let off = Imds::new(&off, ImdsSettings::default(), clock());
    SourceConformance::of(ImdsSource::new(off.clone()))
        .does_not_apply(plain("driver"))
        .check()
        .await;
    ResolverConformance::of(ImdsRegion::new(off)).does_not_apply(plain("driver")).check().await;
}

#[tokio::test]
async fn pod_token_conforms() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("tenant");
    kubernetes.put_service_account("tenant", "reader", &[("eks.amazonaws.com/role-arn", ROLE)]);
    let source = |client| PodTokenSource::new(PodTokenSettings::default(), clock(), client);
    let hour = SignedDuration::from_hours(1);
    SourceConformance::of(source(Some(client(&kubernetes, kubernetes.admin_token()).await)))
        .canary(CANARY)
        .provides(with_tokens(&tokens("sts.amazonaws.com", hour)), FormKind::WebIdentity)
        .does_not_apply(plain("driver"))
        .fails(plain("pod"), ErrorKind::MissingToken)
        .fails(with_tokens(&tokens("sts.amazonaws.com", -hour)), ErrorKind::ExpiredToken)
        .check()
        .await;
    let outsider = kubernetes.add_user("outsider");
    SourceConformance::of(source(Some(client(&kubernetes, &outsider).await)))
        .canary(CANARY)
        .fails(with_tokens(&tokens("sts.amazonaws.com", hour)), ErrorKind::PermissionDenied)
        .check()
        .await;
    SourceConformance::of(source(None))
        .does_not_apply(with_tokens(&tokens("sts.amazonaws.com", hour)))
        .check()
        .await;
}

#[tokio::test]
async fn pod_identity_conforms_at_driver_and_pod_level() {
    let token = file(CANARY);
    let agent = "http://169.254.170.23/v1/credentials";
    let driver = environment(&[
        (names::AWS_CONTAINER_CREDENTIALS_FULL_URI, agent),
        (names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, token.path().to_str().unwrap()),
        (names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI, agent),
    ]);
    let source =
        |environment| PodIdentitySource::new(environment, PodIdentitySettings::default(), clock());
    let hour = SignedDuration::from_hours(1);
    SourceConformance::of(source(driver))
        .canary(CANARY)
        .provides(plain("driver"), FormKind::Container)
        .provides(with_tokens(&tokens("pods.eks.amazonaws.com", hour)), FormKind::Container)
        .fails(with_tokens(&tokens("pods.eks.amazonaws.com", -hour)), ErrorKind::ExpiredToken)
        .does_not_apply(plain("secret"))
        .check()
        .await;
    SourceConformance::of(source(Environment::default()))
        .does_not_apply(plain("driver"))
        .does_not_apply(with_tokens(&tokens("pods.eks.amazonaws.com", hour)))
        .check()
        .await;
}

#[tokio::test]
async fn the_sdks_providers_conform() {
    let credentials =
        aws_credential_types::Credentials::new("AKIAIOSFODNN7EXAMPLE", CANARY, None, None, "test");
    SourceConformance::of(SdkSource::new("sso", credentials))
        .canary(CANARY)
        .provides(plain("driver"), FormKind::Keys)
        .check()
        .await;
    let region = SdkRegion::new("sdk", aws_config::Region::from_static("eu-west-3"));
    ResolverConformance::of(region).resolves(plain("driver"), "eu-west-3").check().await;
}

#[tokio::test]
async fn the_resolvers_conform() {
    let with_region = |name: &str| {
        context("driver", |request, target| {
            let flag = format!("region {name}");
            (request.with_volume_context([("stsRegion", name)]).with_mount_flags([flag]), target)
        })
    };
    ResolverConformance::of(VolumeContextRegion)
        .resolves(with_region("eu-west-1"), "eu-west-1")
        .does_not_apply(plain("driver"))
        .fails(with_region("eu-west-1a"), ErrorKind::InvalidRegion)
        .check()
        .await;
    ResolverConformance::of(MountOptionsRegion)
        .resolves(with_region("eu-west-1"), "eu-west-1")
        .does_not_apply(plain("driver"))
        .fails(with_region("eu-west-1a"), ErrorKind::InvalidRegion)
        .check()
        .await;
    let from = |variables: &[(&str, &str)]| EnvironmentRegion::new(environment(variables));
    ResolverConformance::of(from(&[
        (names::AWS_REGION, "eu-west-1"),
        (names::AWS_DEFAULT_REGION, "us-east-1"),
    ]))
    .resolves(plain("driver"), "eu-west-1")
    .check()
    .await;
    ResolverConformance::of(from(&[])).does_not_apply(plain("driver")).check().await;
    ResolverConformance::of(from(&[(names::AWS_REGION, "eu west")]))
        .fails(plain("driver"), ErrorKind::InvalidRegion)
        .check()
        .await;
    let fixed = FixedRegion::new("eu-west-1".parse().unwrap());
    ResolverConformance::of(fixed).resolves(plain("driver"), "eu-west-1").check().await;
}

#[tokio::test]
async fn node_label_conforms() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_node("here", &[("topology.kubernetes.io/region", "eu-west-1")]);
    kubernetes.put_node("bare", &[]);
    let admin = client(&kubernetes, kubernetes.admin_token()).await;
    let resolver = |node: &str| NodeLabelRegion::new(admin.clone(), node, clock());
    ResolverConformance::of(resolver("here")).resolves(plain("driver"), "eu-west-1").check().await;
    ResolverConformance::of(resolver("bare")).does_not_apply(plain("driver")).check().await;
    ResolverConformance::of(resolver("absent"))
        .fails(plain("driver"), ErrorKind::NotFound)
        .check()
        .await;
}

async fn client(kubernetes: &Kubernetes, token: &str) -> kube::Client {
    let kubeconfig =
        kube::config::Kubeconfig::from_yaml(&kubernetes.kubeconfig_yaml_for(token)).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    kube::Client::try_from(
        kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap(),
    )
    .unwrap()
}

#[tokio::test]
async fn a_source_that_breaks_the_rules_is_found_out() {
    use s3_credential_core::{CredentialForm, Keys, SourceError, source_fn};
    let problems = |source| SourceConformance::of(source);
    let leaky = source_fn("Leaky Name", |_| async {
        Err(SourceError::not_applicable(format!("no: {CANARY}")))
    });
    let found = problems(leaky).canary(CANARY).does_not_apply(plain("driver")).problems().await;
    assert_eq!(found.len(), 2, "{found:?}");
    let wrong = source_fn("wrong", |_| async {
        Ok(CredentialForm::Keys(Keys::new("id", "ends with space ")))
    });
    let found = SourceConformance::of(wrong)
        .provides(plain("driver"), FormKind::Container)
        .problems()
        .await;
    assert_eq!(found.len(), 2, "{found:?}");
}

#[tokio::test]
async fn a_source_without_cases_does_not_conform() {
    let found = SourceConformance::of(SecretEnvironmentSource::new(&environment(&[])));
    let found = found.problems().await;
    assert!(found[0].contains("it has no cases"), "{found:?}");
    let fixed = FixedRegion::new("eu-west-1".parse().unwrap());
    let found = ResolverConformance::of(fixed).problems().await;
    assert!(found[0].contains("it has no cases"), "{found:?}");
}

#[tokio::test]
async fn a_source_that_blocks_its_thread_does_not_conform() {
    use s3_credential_core::{SourceError, source_fn};
    let blocking = source_fn("blocking", |_| async {
        let end = SystemClock.elapsed() + std::time::Duration::from_millis(1_100);
        while SystemClock.elapsed() < end {
            std::hint::spin_loop();
        }
        Err(SourceError::not_applicable("it took a while"))
    });
    let found = SourceConformance::of(blocking).does_not_apply(plain("driver")).problems().await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("blocks its thread"), "{found:?}");
}

#[tokio::test]
async fn a_source_that_logs_its_keys_does_not_conform() {
    use s3_credential_core::{CredentialForm, Keys, source_fn};
    let logging = source_fn("logging", |_| async {
        let keys = Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI");
        tracing::trace!(secret = keys.secret_access_key.expose(), "made");
        Ok(CredentialForm::Keys(keys))
    });
    let conformance = SourceConformance::of(logging).provides(plain("driver"), FormKind::Keys);
    let found = conformance.problems().await;
    assert!(found.iter().any(|problem| problem.contains("shows a secret")), "{found:?}");
}
