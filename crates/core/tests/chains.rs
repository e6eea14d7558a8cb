//! How chains go on and stop, shown on strict mocks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use s3_credential_core::{
    Change, CredentialForm, CredentialSource, ErrorKind, Failure, Keys, MountTarget, NotApplicable,
    Outcome, ProvideContext, PublishRequest, Region, RegionChain, RegionError, Signal, SourceChain,
    SourceError, SystemClock,
};
use s3_credential_testkit::mocks::{MockResolver, MockSource};

fn context() -> ProvideContext {
    let request = PublishRequest::new(
        "volume",
        "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount",
    );
    ProvideContext::from_publish_request(request, MountTarget::new("/nowhere")).unwrap()
}

fn source(name: &'static str, answer: Result<CredentialForm, SourceError>) -> MockSource {
    let mut source = MockSource::new();
    source.expect_name().return_const(name.to_owned());
    source.expect_provide().times(1).return_once(|_| answer);
    source
}

fn untouched(name: &'static str) -> MockSource {
    let mut source = MockSource::new();
    source.expect_name().return_const(name.to_owned());
    source.expect_provide().never();
    source
}

fn keys() -> CredentialForm {
    CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI"))
}

fn outcomes(attempts: &[s3_credential_core::Attempt]) -> Vec<(&str, Outcome)> {
    attempts.iter().map(|attempt| (attempt.plugin.as_str(), attempt.outcome)).collect()
}

#[tokio::test]
async fn a_chain_goes_on_past_not_applicable_and_stops_at_the_first_answer() {
    let chain =
        SourceChain::first_try(source("one", Err(SourceError::not_applicable("not set here"))))
            .or_else(source("two", Ok(keys())))
            .or_else(untouched("three"));
    let answer = chain.provide(&SystemClock, &context()).await;
    assert_eq!(answer.result.unwrap().source, "two");
    assert_eq!(
        outcomes(&answer.attempts),
        [("one", Outcome::NotApplicable), ("two", Outcome::Provided), ("three", Outcome::NotTried)]
    );
    assert_eq!(answer.attempts[0].reason.as_deref(), Some("not set here"));
}

#[tokio::test]
async fn a_hard_failure_stops_the_chain() {
    let chain = SourceChain::first_try(source(
        "one",
        Err(SourceError::failed(ErrorKind::Misconfigured, "half")),
    ))
    .or_else(untouched("two"));
    let answer = chain.provide(&SystemClock, &context()).await;
    assert_eq!(answer.result.unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(outcomes(&answer.attempts), [("one", Outcome::Failed), ("two", Outcome::NotTried)]);
}

#[tokio::test]
async fn a_chain_goes_on_past_a_failure_only_where_configured() {
    let chain = SourceChain::first_try(source(
        "one",
        Err(SourceError::failed(ErrorKind::Unavailable, "down")),
    ))
    .even_if_it_fails()
    .or_else(source("two", Ok(keys())));
    let answer = chain.provide(&SystemClock, &context()).await;
    assert_eq!(answer.result.unwrap().source, "two");
    assert_eq!(outcomes(&answer.attempts), [("one", Outcome::Failed), ("two", Outcome::Provided)]);
}

#[tokio::test]
async fn a_failure_that_was_passed_is_the_error_when_no_other_source_applies() {
    let chain = SourceChain::first_try(source(
        "one",
        Err(SourceError::failed(ErrorKind::Throttled, "slow down")),
    ))
    .even_if_it_fails()
    .or_else(source("two", Err(SourceError::not_applicable("not set"))));
    let failure = chain.provide(&SystemClock, &context()).await.result.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Throttled);
}

#[tokio::test]
async fn of_failures_that_were_passed_one_that_may_pass_counts() {
    let chain = SourceChain::first_try(source(
        "one",
        Err(SourceError::failed(ErrorKind::Misconfigured, "half")),
    ))
    .even_if_it_fails()
    .or_else(source("two", Err(SourceError::failed(ErrorKind::Unavailable, "down"))))
    .even_if_it_fails();
    let failure = chain.provide(&SystemClock, &context()).await.result.unwrap_err();
    assert_eq!((failure.kind(), failure.message()), (ErrorKind::Unavailable, "down"));
}

#[tokio::test]
async fn after_a_failure_that_was_passed_a_time_out_can_be_retried_still() {
    let silent = SourceError::NotApplicable(NotApplicable::new("no answer within 1 s").timed_out());
    let chain = SourceChain::first_try(source(
        "one",
        Err(SourceError::failed(ErrorKind::Misconfigured, "half")),
    ))
    .even_if_it_fails()
    .or_else(source("imds", Err(silent)));
    let failure = chain.provide(&SystemClock, &context()).await.result.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert!(failure.message().contains("one: half; imds: no answer"), "{failure}");
}

#[tokio::test]
async fn an_exhausted_chain_reports_every_reason_and_every_help() {
    let chain = SourceChain::first_try(source(
        "one",
        Err(SourceError::not_applicable("A is not set").with_help("set A")),
    ))
    .or_else(source("two", Err(SourceError::not_applicable("B is not set").with_help("set B"))));
    let failure = chain.provide(&SystemClock, &context()).await.result.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::NoSource);
    assert!(!failure.is_retryable());
    assert_eq!(
        failure.message(),
        "no credential source applies: one: A is not set; two: B is not set"
    );
    assert_eq!(failure.help(), "set A; or set B");
}

#[tokio::test]
async fn exhaustion_after_a_time_out_can_be_retried() {
    let silent = SourceError::NotApplicable(NotApplicable::new("no answer within 1 s").timed_out());
    let chain = SourceChain::first_try(source("imds", Err(silent)));
    let failure = chain.provide(&SystemClock, &context()).await.result.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert!(failure.is_retryable());
}

#[tokio::test]
async fn a_source_behind_pointers_keeps_its_name_its_answer_and_its_changes() {
    let mut mock = source("boxed", Ok(keys()));
    let signal = Signal::default();
    let subscription = signal.subscribe();
    mock.expect_changes().times(1).return_once(move || Some(subscription));
    let source: Box<dyn CredentialSource> = Box::new(std::sync::Arc::new(mock));
    assert_eq!(source.name(), "boxed");
    assert_eq!(source.provide(&context()).await.unwrap(), keys());
    let mut changes = source.changes().expect("a subscription");
    signal.notify();
    changes.changed().await;
}

#[derive(Debug)]
struct Panicking {
    early: bool,
}

#[async_trait::async_trait]
impl CredentialSource for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    async fn provide(&self, _: &ProvideContext) -> Result<CredentialForm, SourceError> {
        if !self.early {
            tokio::task::yield_now().await;
        }
        panic!("CANARY");
    }
}

#[tokio::test]
async fn a_source_that_panics_fails_like_any_other_and_stops_the_chain() {
    for early in [true, false] {
        let chain = SourceChain::first_try(Panicking { early }).or_else(untouched("next"));
        let answer = chain.provide(&SystemClock, &context()).await;
        let failure = answer.result.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Internal);
        assert!(!format!("{failure:?}").contains("CANARY"));
        assert_eq!(
            outcomes(&answer.attempts),
            [("panicking", Outcome::Failed), ("next", Outcome::NotTried)]
        );
    }
}

#[tokio::test]
async fn a_change_of_one_service_account_affects_no_other() {
    let signal = Signal::default();
    let mut changes = signal.subscribe();
    signal.notify_service_account("team-a", "reader");
    signal.notify_service_account("team-b", "reader");
    signal.notify_service_account("team-a", "reader");
    let change = changes.changed().await;
    for (account, is_affected) in [
        (Some("team-a/reader"), true),
        (Some("team-b/reader"), true),
        (Some("team-c/reader"), false),
        (None, true),
    ] {
        assert_eq!(change.affects(account), is_affected, "{account:?}");
    }

    signal.notify_service_account("team-c", "reader");
    let change = changes.changed().await;
    assert!(!change.affects(Some("team-a/reader")), "reported already");

    signal.notify_service_account("team-a", "reader");
    signal.notify();
    assert_eq!(changes.changed().await, Change::Any);
    // Whatever one account does, what it reports stays one change.
    for _ in 0..100_000 {
        signal.notify_service_account("team-a", "reader");
    }
    assert!(!changes.changed().await.affects(Some("team-b/reader")));
}

fn resolver(name: &'static str, answer: Result<&'static str, RegionError>) -> MockResolver {
    let mut resolver = MockResolver::new();
    resolver.expect_name().return_const(name.to_owned());
    resolver
        .expect_resolve()
        .times(1)
        .return_once(move |_| answer.and_then(|name| Ok(name.parse::<Region>()?)));
    resolver
}

#[tokio::test]
async fn a_region_names_the_resolver_that_gave_it() {
    let chain =
        RegionChain::first_try(resolver("first", Err(RegionError::not_applicable("unset"))))
            .or_else(resolver("second", Ok("eu-north-1")));
    let resolved = chain.resolve(&SystemClock, &context()).await.result.unwrap();
    assert_eq!((resolved.region.as_str(), resolved.resolver.as_str()), ("eu-north-1", "second"));
}

#[tokio::test]
async fn a_wrong_region_stops_the_chain_of_resolvers() {
    let mut untouched = MockResolver::new();
    untouched.expect_name().return_const("second".to_owned());
    untouched.expect_resolve().never();
    let chain = RegionChain::first_try(resolver("first", Ok("us-east-1a"))).or_else(untouched);
    let failure = chain.resolve(&SystemClock, &context()).await.result.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::InvalidRegion);
}

#[tokio::test]
async fn no_region_at_all_says_where_one_can_be_set() {
    let failure =
        RegionChain::first_try(resolver("only", Err(RegionError::not_applicable("unset"))))
            .resolve(&SystemClock, &context())
            .await
            .result
            .unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::NoRegion);
    assert!(failure.help().contains("stsRegion"));
}

#[test]
fn every_kind_of_error_has_a_code_and_says_what_it_means() {
    for kind in ErrorKind::ALL {
        assert!(!kind.description().is_empty(), "{kind}");
        assert_eq!(Failure::new(*kind, "x").help(), kind.advice(), "{kind}");
        assert!(!kind.code().as_str().is_empty());
        assert_eq!(Failure::new(*kind, "x").is_retryable(), kind.is_retryable());
    }
}

#[test]
fn exactly_the_kinds_with_a_code_to_try_again_are_retryable() {
    for kind in ErrorKind::ALL {
        let code = kind.code().as_str();
        let again =
            ["UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"].contains(&code);
        assert_eq!(kind.is_retryable(), again, "{kind}");
        assert_eq!(Failure::new(*kind, "x").is_retryable(), again, "{kind}");
    }
}
