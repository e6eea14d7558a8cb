//! The life of a lease: published, refreshed, held by several, taken away; with real files and
//! sources that a test controls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use s3_credential_core::{
    CredentialForm, ErrorKind, Keys, RoleArn, Secret, SourceChain, SourceError, Token, WebIdentity,
    source_fn,
};
use s3_credential_provider::{
    CleanupContext, Environment, MountTarget, ProvideContext, ProvideError, Provided, Provider,
    PublishRequest, UnpublishRequest,
};
use tempfile::TempDir;

const READER: &str = "arn:aws:iam::111122223333:role/reader";
const WRITER: &str = "arn:aws:iam::111122223333:role/writer";

type Answer = Arc<Mutex<Result<CredentialForm, SourceError>>>;

/// A provider whose driver chain is two sources that the test scripts.
struct World {
    write: TempDir,
    state: TempDir,
    first: Answer,
    second: Answer,
}

impl World {
    fn new() -> Self {
        let absent = || Arc::new(Mutex::new(Err(SourceError::not_applicable("not set here"))));
        Self {
            write: tempfile::tempdir().unwrap(),
            state: tempfile::tempdir().unwrap(),
            first: absent(),
            second: absent(),
        }
    }

    fn provider(&self) -> Provider {
        let scripted = |name: &str, answer: &Answer| {
            let answer = Arc::clone(answer);
            source_fn(name.to_owned(), move |context: ProvideContext| {
                let answer = answer.lock().unwrap().clone().map(|form| pinned(form, &context));
                async move { answer }
            })
        };
        Provider::builder()
            .environment(Environment::default().with("AWS_REGION", "eu-north-1"))
            .state_path(self.state.path().join("state"))
            .driver_chain(
                SourceChain::first_try(scripted("first", &self.first))
                    .or_else(scripted("second", &self.second)),
            )
            .build()
            .unwrap()
    }

    fn give(&self, form: CredentialForm) {
        *self.first.lock().unwrap() = Ok(form);
    }

    fn context(&self, target: &str) -> ProvideContext {
        self.context_with(target, |mount| mount)
    }

    fn context_with(
        &self,
        target: &str,
        change: impl FnOnce(MountTarget) -> MountTarget,
    ) -> ProvideContext {
        let mount = change(MountTarget::new(self.write.path()));
        ProvideContext::from_publish_request(PublishRequest::new("volume", target), mount).unwrap()
    }

    fn cleanup(&self, target: &str) -> CleanupContext {
        let request = UnpublishRequest::new("volume", target);
        CleanupContext::from_unpublish_request(&request, self.write.path(), None).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        fn walk(path: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(path).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        walk(self.write.path(), &mut found);
        found.sort();
        found
    }

    fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
        self.files().into_iter().map(read).collect()
    }

    fn is_as_before(&self) -> bool {
        let empty =
            |path: &Path| !path.exists() || std::fs::read_dir(path).unwrap().next().is_none();
        empty(self.write.path()) && empty(&self.state.path().join("state"))
    }
}

/// As a source that assumes roles does: a role that the caller names goes before its own.
fn pinned(form: CredentialForm, context: &ProvideContext) -> CredentialForm {
    match (form, &context.target().role_arn) {
        (CredentialForm::WebIdentity(identity), Some(role)) => {
            CredentialForm::WebIdentity(Box::new(WebIdentity::new(identity.token, role.clone())))
        }
        (form, _) => form,
    }
}

fn target(pod: &str) -> String {
    format!("/var/lib/kubelet/pods/{pod}/volumes/kubernetes.io~csi/pv/mount")
}

fn web_identity(token: &str, expires_in: i64, role: &str) -> CredentialForm {
    let expires_at = s3_credential_core::Clock::now(&s3_credential_core::SystemClock)
        + jiff::SignedDuration::from_secs(expires_in);
    let token = Token::parse("token", Secret::new(token), Some(expires_at)).unwrap();
    let role: RoleArn = role.parse().unwrap();
    CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role)))
}

fn token_of(provided: &Provided) -> String {
    std::fs::read_to_string(provided.environment["AWS_WEB_IDENTITY_TOKEN_FILE"].expose()).unwrap()
}

fn kind(result: Result<Provided, ProvideError>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[tokio::test]
async fn what_was_provided_is_gone_after_cleanup_and_cleanup_is_idempotent() {
    let world = World::new();
    let provider = world.provider();
    world.give(web_identity("one", 3600, READER));
    let provided = provider.provide(&world.context(&target("pod"))).await.unwrap();
    assert_eq!(token_of(&provided), "one");
    assert_eq!(provided.identity.source.as_deref(), Some("first"));
    assert_eq!(world.files().len(), 1);

    let cleaned = provider.cleanup(&world.cleanup(&target("pod"))).await.unwrap();
    assert_eq!(cleaned.removed.len(), 2, "the token and its directory: {:?}", cleaned.removed);
    assert!(world.is_as_before());
    let again = provider.cleanup(&world.cleanup(&target("pod"))).await.unwrap();
    assert!(again.removed.is_empty());
    assert!(world.is_as_before());
}

#[tokio::test]
async fn a_volume_that_was_never_provided_can_be_cleaned_up() {
    let world = World::new();
    let cleaned = world.provider().cleanup(&world.cleanup(&target("pod"))).await.unwrap();
    assert_eq!((cleaned.removed.len(), cleaned.remaining_holders), (0, 0));
}

#[tokio::test]
async fn a_write_path_that_is_gone_does_not_keep_a_volume_from_being_cleaned_up() {
    let world = World::new();
    let provider = world.provider();
    world.give(web_identity("one", 3600, READER));
    provider.provide(&world.context(&target("pod"))).await.unwrap();
    std::fs::remove_dir_all(world.write.path()).unwrap();
    let cleaned = provider.cleanup(&world.cleanup(&target("pod"))).await.unwrap();
    assert_eq!(cleaned.remaining_holders, 0);
    assert_eq!(std::fs::read_dir(world.state.path().join("state")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_newer_token_replaces_an_older_one_and_never_the_other_way() {
    let world = World::new();
    let provider = world.provider();
    let context = world.context(&target("pod"));
    world.give(web_identity("one", 3600, READER));
    provider.provide(&context).await.unwrap();
    world.give(web_identity("two", 7200, READER));
    let provided = provider.provide(&context).await.unwrap();
    assert_eq!(token_of(&provided), "two");
    assert!(!provided.identity_changed);

    world.give(web_identity("one", 3600, READER));
    let kept = provider.provide(&context).await.unwrap();
    assert_eq!(token_of(&kept), "two");
    assert_eq!(kept.expires_at, provided.expires_at);
    // Another process, which knows the lease from the journal alone, keeps to it as well.
    let kept = world.provider().provide(&context).await.unwrap();
    assert_eq!(token_of(&kept), "two");
}

#[tokio::test]
async fn unchanged_input_writes_no_file() {
    let world = World::new();
    let provider = world.provider();
    let context = world.context(&target("pod"));
    world.give(web_identity("one", 3600, READER));
    let first = provider.provide(&context).await.unwrap();
    let inode =
        |path: &Path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let before = inode(&first.files[0].path);
    let second = provider.provide(&context).await.unwrap();
    assert_eq!(inode(&first.files[0].path), before);
    // Another process, too, which has only the journal and the files to go by.
    let third = world.provider().provide(&context).await.unwrap();
    assert_eq!(inode(&first.files[0].path), before);
    assert_eq!((second.refresh_at, third.refresh_at), (first.refresh_at, first.refresh_at));
}

#[tokio::test]
async fn the_files_of_a_shared_lease_go_with_its_last_holder() {
    let world = World::new();
    let provider = world.provider();
    world.give(web_identity("one", 3600, READER));
    let shared = |mount: MountTarget| mount.with_mountpoint_pod_uid("mountpoint");
    for pod in ["a", "b"] {
        provider.provide(&world.context_with(&target(pod), shared)).await.unwrap();
    }
    // Without the Mountpoint pod's uid, as NodeUnpublishVolume is: the lease is found by its
    // holder.
    let first = provider.cleanup(&world.cleanup(&target("a"))).await.unwrap();
    assert_eq!((first.removed.len(), first.remaining_holders), (0, 1));
    assert_eq!(world.files().len(), 1);
    let stranger = provider.cleanup(&world.cleanup(&target("stranger"))).await.unwrap();
    assert!(stranger.removed.is_empty());
    assert_eq!(world.files().len(), 1);
    let last = provider.cleanup(&world.cleanup(&target("b"))).await.unwrap();
    assert_eq!(last.remaining_holders, 0);
    assert!(world.is_as_before());
}

#[tokio::test]
async fn a_failing_first_publish_leaves_no_file_and_has_its_own_code() {
    let world = World::new();
    let provider = world.provider();
    *world.first.lock().unwrap() =
        Err(SourceError::failed(ErrorKind::ExpiredToken, "the token has expired"));
    let error = provider.provide(&world.context(&target("pod"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ExpiredToken);
    assert_eq!(error.attempts.len(), 2);
    assert!(world.is_as_before());
}

#[tokio::test]
async fn a_failing_republish_leaves_everything_and_can_always_be_retried() {
    let keys = CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", "secret"));
    for form in [web_identity("one", 3600, READER), keys] {
        let world = World::new();
        let provider = world.provider();
        world.give(form);
        provider.provide(&world.context(&target("pod"))).await.unwrap();
        let before = world.contents();
        for kind in [ErrorKind::ExpiredToken, ErrorKind::PermissionDenied, ErrorKind::Misconfigured]
        {
            *world.first.lock().unwrap() = Err(SourceError::failed(kind, "broken"));
            let error = provider.provide(&world.context(&target("pod"))).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.is_retryable());
            assert_eq!(world.contents(), before);
        }
    }
}

#[tokio::test]
async fn a_republish_that_cannot_even_begin_is_no_different() {
    let world = World::new();
    let provider = world.provider();
    let context = world.context(&target("pod"));
    world.give(web_identity("one", 3600, READER));
    let provided = provider.provide(&context).await.unwrap();
    // A write path that is gone; and it is back in a moment.
    let away = world.write.path().with_extension("away");
    std::fs::rename(world.write.path(), &away).unwrap();
    let error = provider.provide(&context).await.unwrap_err();
    std::fs::rename(&away, world.write.path()).unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(token_of(&provided), "one");
    // A request that cannot even be parsed.
    let broken = PublishRequest::new("volume", target("pod"))
        .with_volume_context([("authenticationSource", "x")]);
    let error = provider.context(broken.clone(), MountTarget::new(world.write.path())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let unmounted = MountTarget::new(world.write.path()).with_mounted(false);
    assert_eq!(provider.context(broken, unmounted).unwrap_err().kind(), ErrorKind::UnknownLevel);
}

#[tokio::test]
async fn another_role_is_reported_and_not_taken_while_mounted() {
    let world = World::new();
    let provider = world.provider();
    let mut events = provider.events();
    world.give(web_identity("one", 3600, READER));
    provider.provide(&world.context(&target("pod"))).await.unwrap();

    world.give(web_identity("two", 7200, WRITER));
    let provided = provider.provide(&world.context(&target("pod"))).await.unwrap();
    assert!(provided.identity_changed);
    assert_eq!(
        provided.environment["AWS_ROLE_ARN"].expose(),
        READER,
        "Mountpoint runs with the old role"
    );
    assert_eq!(token_of(&provided), "two", "and its token is kept fresh");
    assert!(matches!(events.try_recv(), Ok(s3_credential_provider::Event::IdentityChanged { .. })));

    let unmounted = world.context_with(&target("pod"), |mount| mount.with_mounted(false));
    let provided = provider.provide(&unmounted).await.unwrap();
    assert!(!provided.identity_changed);
    assert_eq!(provided.environment["AWS_ROLE_ARN"].expose(), WRITER);
}

#[tokio::test]
async fn another_source_is_reported_and_not_taken_while_mounted() {
    let world = World::new();
    let provider = world.provider();
    let context = world.context(&target("pod"));
    world.give(web_identity("one", 3600, READER));
    provider.provide(&context).await.unwrap();

    *world.first.lock().unwrap() = Err(SourceError::not_applicable("gone"));
    *world.second.lock().unwrap() =
        Ok(CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", "secret")));
    let provided = provider.provide(&context).await.unwrap();
    assert!(provided.identity_changed);
    assert_eq!(token_of(&provided), "one");
    assert_eq!(world.files().len(), 1);

    let unmounted = world.context_with(&target("pod"), |mount| mount.with_mounted(false));
    let provided = provider.provide(&unmounted).await.unwrap();
    assert_eq!(provided.identity.source.as_deref(), Some("second"));
    let names: Vec<_> =
        world.files().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["config", "credentials"], "no file of the old source stays behind");
}

#[tokio::test]
async fn a_broken_source_before_the_leases_own_does_not_stop_its_refresh() {
    let world = World::new();
    let provider = world.provider();
    let context = world.context(&target("pod"));
    *world.second.lock().unwrap() = Ok(web_identity("one", 3600, READER));
    provider.provide(&context).await.unwrap();
    *world.first.lock().unwrap() =
        Err(SourceError::failed(ErrorKind::Misconfigured, "half a configuration"));
    *world.second.lock().unwrap() = Ok(web_identity("two", 7200, READER));
    let provided = provider.provide(&context).await.unwrap();
    assert_eq!(token_of(&provided), "two");
}

#[tokio::test]
async fn an_anonymous_volume_asks_no_source() {
    let world = World::new();
    *world.first.lock().unwrap() =
        Err(SourceError::failed(ErrorKind::Internal, "must not be asked"));
    let request =
        PublishRequest::new("volume", target("pod")).with_mount_flags(["--no-sign-request"]);
    let context =
        ProvideContext::from_publish_request(request, MountTarget::new(world.write.path()))
            .unwrap();
    let provider = world.provider();
    let provided = provider.provide(&context).await.unwrap();
    assert_eq!((provided.identity.source, provided.attempts.len()), (None, 0));
    assert_eq!(provided.environment["AWS_EC2_METADATA_DISABLED"].expose(), "true");
    assert_eq!(
        std::fs::read_dir(world.write.path()).unwrap().count(),
        0,
        "no credentials are handed over"
    );
    provider.cleanup(&world.cleanup(&target("pod"))).await.unwrap();
    assert!(world.is_as_before());
}

#[tokio::test]
async fn an_inline_volume_may_not_help_itself_to_the_drivers_credentials() {
    let world = World::new();
    world.give(web_identity("one", 3600, READER));
    let request = PublishRequest::new("volume", target("pod"))
        .with_volume_context([("csi.storage.k8s.io/ephemeral", "true")]);
    let context =
        ProvideContext::from_publish_request(request, MountTarget::new(world.write.path()))
            .unwrap();
    assert_eq!(kind(world.provider().provide(&context).await), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn keys_that_end_before_mountpoint_reads_them_again_are_refused_as_a_profile() {
    let world = World::new();
    let ends = |minutes: i64| {
        let at = s3_credential_core::Clock::now(&s3_credential_core::SystemClock)
            + jiff::SignedDuration::from_mins(minutes);
        CredentialForm::Keys(
            Keys::new("ASIAIOSFODNN7EXAMPLE", "secret")
                .with_session_token("session")
                .with_expires_at(at),
        )
    };
    world.give(ends(15));
    assert_eq!(
        kind(world.provider().provide(&world.context(&target("pod"))).await),
        ErrorKind::UnsupportedDelivery
    );
    assert!(world.is_as_before());
    world.give(ends(60));
    let provided = world.provider().provide(&world.context(&target("pod"))).await.unwrap();
    let left = provided.expires_at.unwrap().duration_since(provided.refresh_at.unwrap());
    assert!(
        left >= jiff::SignedDuration::from_mins(15),
        "a re-read must find the new keys in time"
    );
}

#[tokio::test]
async fn explain_shows_what_provide_would_do_and_does_not_write() {
    let world = World::new();
    world.give(web_identity("one", 3600, READER));
    let explained = world.provider().explain(&world.context(&target("pod"))).await.unwrap();
    assert!(world.is_as_before());
    let provided = world.provider().provide(&world.context(&target("pod"))).await.unwrap();
    assert_eq!(explained.provided.environment, provided.environment);
    assert_eq!(explained.provided.files, provided.files);
}

#[tokio::test]
async fn no_canary_of_a_secret_is_in_the_journal_or_in_any_debug_output() {
    let world = World::new();
    let provider = world.provider();
    world.give(CredentialForm::Keys(
        Keys::new("CANARYID", "CANARYKEY").with_session_token("CANARYTOKEN"),
    ));
    let context = world.context(&target("pod"));
    let provided = provider.provide(&context).await.unwrap();
    let mut seen =
        format!("{provider:?}{context:?}{provided:?}{:?}{:?}", provider.leases(), world.first);
    for entry in std::fs::read_dir(world.state.path().join("state")).unwrap() {
        seen += &String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap());
    }
    assert!(!seen.contains("CANARY"), "{seen}");
}
