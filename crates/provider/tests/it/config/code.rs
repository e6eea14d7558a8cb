//! What a file says, said in code: slots of the default chains, chains of one's own, a provider
//! from a configuration.

use s3_credential_provider::{
    AuthenticationLevel, CredentialForm, CredentialSource, Environment, ErrorKind, Keys,
    MountTarget, Provided, Provider, ProviderBuilder, PublishRequest, SourceChain, SourceError,
    source_fn,
};

use crate::config::schema::parse;

/// Returns a builder for a driver with only keys in its environment.
fn builder() -> ProviderBuilder {
    let environment = Environment::default()
        .with("AWS_ACCESS_KEY_ID", "AKIADRIVER")
        .with("AWS_SECRET_ACCESS_KEY", "secret")
        .with("AWS_REGION", "eu-north-1")
        .with("AWS_EC2_METADATA_DISABLED", "true");
    Provider::builder().environment(environment)
}

/// A source whose keys have this id.
fn ours(id: &'static str) -> impl CredentialSource {
    source_fn("ours", move |_| async move { Ok(CredentialForm::Keys(Keys::new(id, "secret"))) })
}

fn absent(name: &'static str) -> impl CredentialSource {
    source_fn(name, |_| async { Err(SourceError::not_applicable("not set here")) })
}

async fn provided(provider: &Provider) -> Provided {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount");
    let context = provider.context(request, MountTarget::new("/write")).unwrap();
    provider.explain(&context).await.unwrap().provided
}

fn asked(provided: &Provided) -> Vec<&str> {
    provided.attempts.iter().map(|attempt| attempt.plugin.as_str()).collect()
}

#[tokio::test]
async fn a_source_in_a_slot_has_the_place_and_the_name_that_the_chain_has_for_it() {
    let provided = provided(&builder().irsa(ours("AKIAOURS")).build().unwrap()).await;
    assert_eq!(provided.identity.source.as_deref(), Some("irsa"));
    assert_eq!(asked(&provided)[0], "irsa");
}

#[tokio::test]
async fn an_empty_slot_is_not_in_the_chain() {
    let without = builder().no_irsa().no_pod_identity().no_profile().build().unwrap();
    let provided = provided(&without).await;
    assert_eq!(asked(&provided), ["secret-environment", "imds"]);
}

#[tokio::test]
async fn a_slot_that_no_chain_has_fails_to_build() {
    for builder in [
        builder().source("vault", ours("AKIAOURS")),
        // The chain that would have it is another one.
        builder().irsa(ours("AKIAOURS")).driver_chain(SourceChain::default()),
    ] {
        let failure = builder.build().unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidConfiguration);
        assert!(failure.message().ends_with("which is in no chain"), "{failure}");
    }
}

#[tokio::test]
async fn a_chain_in_code_asks_its_sources_in_their_order() {
    let chain =
        SourceChain::first_try(absent("first")).or_else(ours("AKIAOURS")).or_else(absent("last"));
    let provided = provided(&builder().driver_chain(chain).build().unwrap()).await;
    assert_eq!(asked(&provided), ["first", "ours", "last"]);
    assert_eq!(provided.identity.source.as_deref(), Some("ours"));
}

#[tokio::test]
async fn a_provider_is_what_its_configuration_says_with_the_slots_of_the_builder_on_top() {
    let text = "chains: {driver: [team-a, imds]}\nsources: {team-a: {type: irsa}}\n";
    let config = parse("c.yaml", text).unwrap();
    let names: Vec<_> = config.source_names(AuthenticationLevel::Driver).collect();
    assert_eq!(names, ["team-a", "imds"]);

    let provider = builder().config(config.clone()).source("team-a", ours("AKIAOURS")).build();
    assert_eq!(provided(&provider.unwrap()).await.identity.source.as_deref(), Some("team-a"));

    let environment = Environment::default().with("AWS_EC2_METADATA_DISABLED", "true");
    let plain = Provider::from_config(config, environment).unwrap();
    let request = PublishRequest::new("v", "/target");
    let context = plain.context(request, MountTarget::new("/write")).unwrap();
    let error = plain.explain(&context).await.map(|_| ()).unwrap_err();
    let asked: Vec<_> = error.attempts.iter().map(|attempt| attempt.plugin.as_str()).collect();
    assert_eq!(asked, ["team-a", "imds"]);
}
