//! A facade that is built with few of its features: what it lacks is reported, and never left out
//! of a chain unseen. `cargo xtask features` builds it so; with the default features this file is
//! empty.
#![cfg(not(feature = "irsa"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: what should not happen stops the test"
)]

use s3_credential_provider::{
    Config, CredentialForm, Environment, ErrorKind, MountTarget, NoSettings, PluginContext,
    ProvideContext, Provider, PublishRequest, RegionChain, Registry, SourceChain, source_fn,
};

const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")];

const CHAINS: &str = "chains:
  driver: [secret-environment]
  region: [volume-context, mount-options, environment]
";

fn environment() -> Environment {
    KEYS.into_iter().collect()
}

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(&Registry::default(), "c.yaml", text).map_err(|report| report.to_string())
}

fn volume(level: &str) -> ProvideContext {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount")
            .with_volume_context([("authenticationSource", level)])
            .with_secrets([("key_id", "AKIAIOSFODNN7EXAMPLE"), ("access_key", "secret")]);
    ProvideContext::from_publish_request(request, MountTarget::new("/write")).unwrap()
}

#[tokio::test]
async fn default_chains_hold_what_is_compiled_in() {
    let provider = Provider::builder().environment(environment()).build().unwrap();
    for (level, source) in [("driver", "secret-environment"), ("secret", "secret-request")] {
        let explained = provider.explain(&volume(level)).await.unwrap();
        assert_eq!(explained.provided.identity.source.as_deref(), Some(source));
    }
}

#[tokio::test]
async fn build_names_every_configured_source_that_is_not_compiled_in() {
    let environment = environment()
        .with("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token")
        .with("AWS_CONFIG_FILE", "/dev/null")
        .with("AWS_PROFILE", "data");
    let failure = Provider::builder().environment(environment.clone()).build().unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::InvalidConfiguration);
    assert_eq!(
        failure.message(),
        "the environment configures sources of the default chain that are not compiled in: \
         `irsa` (by AWS_WEB_IDENTITY_TOKEN_FILE), `profile` (by AWS_PROFILE)"
    );
    assert!(failure.help().contains("with `irsa`, `profile`"), "{}", failure.help());

    // Leaving them out on purpose is a decision.
    let builder = Provider::builder().environment(environment.clone());
    builder.no_irsa().no_profile().build().unwrap();
    // So is a chain that is written out.
    let builder = Provider::builder().environment(environment);
    builder.config(parse(CHAINS).unwrap()).build().unwrap();
}

#[tokio::test]
async fn chains_of_what_is_compiled_in_serve_volumes() {
    let provider = Provider::builder()
        .environment(environment())
        .config(parse(CHAINS).unwrap())
        .no_pod_token()
        .no_pod_identity()
        .build()
        .unwrap();
    for (level, source) in [("driver", "secret-environment"), ("secret", "secret-request")] {
        let explained = provider.explain(&volume(level)).await.unwrap();
        assert_eq!(explained.provided.identity.source.as_deref(), Some(source));
    }

    let by_code = Provider::builder()
        .driver_chain(SourceChain::default())
        .pod_chain(SourceChain::default())
        .region_chain(RegionChain::new([]))
        .build()
        .unwrap();
    by_code.explain(&volume("secret")).await.unwrap();
}

#[test]
fn a_chain_and_settings_of_what_is_not_compiled_in_are_reported_at_their_place() {
    let report =
        parse("chains:\n  driver: [secret-environment, irsa]\nsources:\n  pod-token: {}\n");
    assert_eq!(
        report.unwrap_err(),
        "\
c.yaml:2:32: error: `irsa` is not compiled in
 2 |   driver: […, irsa]
   |               ^^^^ build s3-credential-provider with its feature `irsa`, or do without it
c.yaml:4:3: error: `pod-token` is not compiled in
 4 |   pod-token: {}
   |   ^^^^^^^^^ build s3-credential-provider with its feature `pod-token`, or do without it
"
    );
    let report = parse("delivery: {systemd: {keys: endpoint}}").unwrap_err();
    assert!(report.contains("c.yaml:1:28: error: the endpoint is not compiled in"), "{report}");
}

#[test]
fn a_third_party_may_take_the_name_of_what_is_not_compiled_in() {
    let mut registry = Registry::default();
    registry
        .register("imds", |_: &NoSettings, _: &PluginContext| {
            Ok(source_fn("imds", |_| async { Ok(CredentialForm::InstanceProfile) }))
        })
        .unwrap();
    let config = Config::parse(&registry, "c.yaml", "chains: {driver: [imds]}").unwrap();
    let names: Vec<_> =
        config.source_names(s3_credential_provider::AuthenticationLevel::Driver).collect();
    assert_eq!(names, ["imds"]);
}
