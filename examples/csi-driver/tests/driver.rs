//! The driver, with the sources, the resolver and the exchange that it would have in a cluster
//! played by strict mocks.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

use std::fs;

use csi_driver::{Node, Status};
use s3_credential_provider::{
    Code, CredentialForm, ErrorKind, Event, Failure, FormKind, Keys, MountTarget, Provided,
    Provider, PublishRequest, Region, RegionChain, ResumeOptions, Secret, Signal, SourceChain,
    SourceError, Token, UnpublishRequest, WebIdentity,
};
use s3_credential_testkit::mocks::{MockExchange, MockResolver, MockSource};
use tempfile::TempDir;

const TARGET: &str = "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount";

struct World {
    write: TempDir,
    state: TempDir,
}

impl World {
    fn new() -> Self {
        Self { write: tempfile::tempdir().unwrap(), state: tempfile::tempdir().unwrap() }
    }

    async fn node(&self, source: MockSource) -> Node {
        self.node_with(source, no_exchange()).await
    }

    async fn node_with(&self, source: MockSource, exchange: MockExchange) -> Node {
        let provider = Provider::builder()
            .state_path(self.state.path().join("state"))
            .driver_chain(SourceChain::first_try(source))
            .region_chain(RegionChain::first_try(in_stockholm()))
            .exchange(FormKind::WebIdentity, exchange)
            .build()
            .unwrap();
        Node::start(provider, self.write.path().to_owned()).await.unwrap()
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(self.write.path()).unwrap().next().is_none()
    }
}

fn source() -> MockSource {
    let mut source = MockSource::new();
    source.expect_name().return_const("vault".to_owned());
    source.expect_changes().returning(|| None);
    source
}

/// Answers these, in this order, and is asked no further time.
fn answering(answers: Vec<Result<CredentialForm, SourceError>>) -> MockSource {
    let mut source = source();
    let mut answers = answers.into_iter();
    let count = answers.len();
    source.expect_provide().times(count).returning(move |_| answers.next().unwrap());
    source
}

fn in_stockholm() -> MockResolver {
    let mut resolver = MockResolver::new();
    resolver.expect_name().return_const("rack".to_owned());
    resolver.expect_resolve().returning(|_| Ok("eu-north-1".parse::<Region>()?));
    resolver
}

fn no_exchange() -> MockExchange {
    let mut exchange = MockExchange::new();
    exchange.expect_exchange().never();
    exchange
}

fn keys() -> CredentialForm {
    CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI"))
}

fn web_identity() -> CredentialForm {
    let token = Token::parse("token", Secret::new("opaque"), None).unwrap();
    let role = "arn:aws:iam::111122223333:role/reader".parse().unwrap();
    CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role)))
}

fn publish() -> PublishRequest {
    PublishRequest::new("volume", TARGET)
}

fn variable<'a>(provided: &'a Provided, name: &str) -> &'a str {
    provided.environment[name].expose()
}

fn profile(provided: &Provided) -> String {
    fs::read_to_string(variable(provided, "AWS_SHARED_CREDENTIALS_FILE")).unwrap()
}

#[tokio::test]
async fn mountpoint_is_started_with_what_the_source_has_until_the_volume_is_unpublished() {
    let world = World::new();
    let node = world.node(answering(vec![Ok(keys())])).await;
    let environment = node.publish(publish()).await.unwrap();
    assert_eq!(variable(&environment, "AWS_DEFAULT_REGION"), "eu-north-1");
    assert_eq!(variable(&environment, "AWS_EC2_METADATA_DISABLED"), "true");
    assert!(profile(&environment).contains("wJalrXUtnFEMI"));

    node.unpublish(&UnpublishRequest::new("volume", TARGET)).await.unwrap();
    assert!(world.is_empty());
    node.unpublish(&UnpublishRequest::new("volume", TARGET)).await.unwrap();
}

#[tokio::test]
async fn a_volume_without_a_source_is_answered_with_every_reason() {
    let world = World::new();
    let no_keys = SourceError::not_applicable("the vault has no keys for the bucket");
    let node = world.node(answering(vec![Err(no_keys)])).await;
    let Status { code, message } = node.publish(publish()).await.unwrap_err();
    assert_eq!(code, Code::FailedPrecondition);
    assert!(message.contains("vault: the vault has no keys for the bucket"), "{message}");
    assert!(world.is_empty());
}

#[tokio::test]
async fn a_republish_that_fails_is_never_final_and_removes_no_file() {
    let world = World::new();
    let refused = SourceError::failed(ErrorKind::PermissionDenied, "the vault is sealed");
    // Asked twice at the republish: by the chain, and for the identity that the volume has.
    let answers = vec![Ok(keys()), Err(refused.clone()), Err(refused)];
    let node = world.node(answering(answers)).await;
    let environment = node.publish(publish()).await.unwrap();
    let status = node.publish(publish()).await.unwrap_err();
    assert_eq!(status.code, Code::Unavailable);
    assert!(profile(&environment).contains("wJalrXUtnFEMI"));
}

#[tokio::test]
async fn an_anonymous_volume_asks_no_source() {
    let world = World::new();
    let node = world.node(answering(Vec::new())).await;
    let request = publish().with_mount_flags(["--no-sign-request"]);
    assert!(!node.publish(request).await.unwrap().environment.contains_key("AWS_PROFILE"));
}

#[tokio::test]
async fn a_token_is_handed_over_and_exchanged_only_by_mountpoint() {
    let world = World::new();
    let node = world.node(answering(vec![Ok(web_identity())])).await;
    let environment = node.publish(publish()).await.unwrap();
    assert_eq!(variable(&environment, "AWS_ROLE_ARN"), "arn:aws:iam::111122223333:role/reader");
    assert_eq!(
        fs::read_to_string(variable(&environment, "AWS_WEB_IDENTITY_TOKEN_FILE")).unwrap(),
        "opaque"
    );
}

#[tokio::test]
async fn keys_for_the_drivers_own_calls_are_exchanged_once() {
    let world = World::new();
    let mut exchange = MockExchange::new();
    exchange.expect_exchange().times(1).returning(|form, request| {
        assert_eq!(form.kind(), FormKind::WebIdentity);
        assert_eq!(request.region.as_ref().map(Region::as_str), Some("eu-north-1"));
        Ok(Keys::new("ASIAIOSFODNN7EXAMPLE", "exchanged"))
    });
    let provider = Provider::builder()
        .state_path(world.state.path())
        .driver_chain(SourceChain::first_try(answering(vec![Ok(web_identity())])))
        .region_chain(RegionChain::first_try(in_stockholm()))
        .exchange(FormKind::WebIdentity, exchange)
        .build()
        .unwrap();
    let context = provider.context(publish(), MountTarget::default()).unwrap();
    let cached = provider.cached_keys(&context);
    for _ in 0..3 {
        assert_eq!(cached.get().await.unwrap().secret_access_key.expose(), "exchanged");
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_worth_another_try() {
    let world = World::new();
    let down = Failure::new(ErrorKind::Unavailable, "the vault does not answer");
    let node = world.node(answering(vec![Err(SourceError::Failed(down))])).await;
    assert_eq!(node.publish(publish()).await.unwrap_err().code, Code::Unavailable);
}

#[tokio::test]
async fn keys_that_the_source_changes_reach_a_mounted_volume() {
    let world = World::new();
    let notifier = Signal::default();
    let mut source = MockSource::new();
    source.expect_name().return_const("vault".to_owned());
    let changes = notifier.clone();
    source.expect_changes().returning(move || Some(changes.subscribe()));
    let mut answers = ["first", "second"].into_iter();
    source.expect_provide().times(2).returning(move |_| {
        Ok(CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", answers.next().unwrap())))
    });
    let provider = Provider::builder()
        .state_path(world.state.path().join("state"))
        .driver_chain(SourceChain::first_try(source))
        .region_chain(RegionChain::first_try(in_stockholm()))
        .build()
        .unwrap();
    let mut events = provider.events();
    let node = Node::start(provider, world.write.path()).await.unwrap();
    let credentials = node.publish(publish()).await.unwrap();
    assert!(profile(&credentials).contains("first"));

    notifier.notify();
    while !matches!(events.recv().await.unwrap(), Event::Refreshed { .. }) {}
    assert!(profile(&credentials).contains("second"));
}

#[tokio::test]
async fn a_stopped_driver_leaves_the_files_to_the_next_start() {
    let world = World::new();
    let node = world.node(answering(vec![Ok(keys())])).await;
    let credentials = node.publish(publish()).await.unwrap();
    node.stop().await;
    assert!(profile(&credentials).contains("wJalrXUtnFEMI"));

    let node = world.node(answering(vec![Ok(keys())])).await;
    node.publish(publish()).await.unwrap();
    node.unpublish(&UnpublishRequest::new("volume", TARGET)).await.unwrap();
    assert!(world.is_empty());
}

#[tokio::test]
async fn a_second_start_is_refused_while_the_first_runs() {
    let world = World::new();
    let provider = Provider::builder()
        .state_path(world.state.path())
        .driver_chain(SourceChain::first_try(answering(Vec::new())))
        .region_chain(RegionChain::first_try(in_stockholm()))
        .build()
        .unwrap();
    let running = provider.clone().start(ResumeOptions::default()).await.unwrap();
    let error = provider.clone().start(ResumeOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert!(error.status_message().contains("keep the handle"), "{}", error.status_message());
    running.stop().await;
    provider.start(ResumeOptions::default()).await.unwrap().stop().await;
}
