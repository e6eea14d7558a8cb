//! The program whose system calls `cargo xtask budgets` counts: each operation once, between two
//! marks that a tracer sees.
//!
//! Everything runs on one thread, and once before it is counted, so that what is set up once for
//! all is not.
#![allow(clippy::unwrap_used, reason = "a program for tests")]

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use s3_credential_core::{
    CleanupContext, Clock as _, CredentialForm, Environment, Keys, MountTarget, ProvideContext,
    PublishRequest, Secret, SourceChain, SystemClock, Token, UnpublishRequest, WebIdentity,
    source_fn,
};
use s3_credential_provider::{CachedKeys, Provider};
use tempfile::TempDir;
use tokio::runtime::Handle;

const TARGET: &str = "/var/lib/kubelet/pods/4a5d/volumes/kubernetes.io~csi/pv/mount";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let token = Volume::new("token", web_identity());
    let profile =
        Volume::new("profile", CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalr")));
    let cached =
        CachedKeys::builder(|| async { Ok(Keys::new("KEY", "secret")) }).build(Handle::current());
    cached.get().await.unwrap();

    for counted in [false, true] {
        let mark = |name: &str| {
            if counted {
                mark(name);
            }
        };
        for volume in [&token, &profile] {
            let name = volume.name;
            mark(&format!("{name}-provide"));
            volume.provide().await;
            mark(&format!("{name}-republish"));
            volume.provide().await;
            mark("");
            outlast_what_was_written();
            volume.provide().await;
            mark(&format!("{name}-unchanged"));
            volume.provide().await;
            mark(&format!("{name}-cleanup"));
            volume.cleanup().await;
            mark("");
        }
        mark("current");
        assert!(cached.current().is_some());
        mark("");
    }
}

/// Waits until the files are old enough: recent ones are compared by content once more.
fn outlast_what_was_written() {
    let end = SystemClock.elapsed() + Duration::from_millis(100);
    while SystemClock.elapsed() < end {
        std::thread::yield_now();
    }
}

/// Begins a part of this name; an empty one ends the last.
fn mark(name: &str) {
    // A path that is nowhere: one system call, with the name in it.
    assert!(rustix::fs::stat(format!("/.budgets/{name}")).is_err());
}

struct Volume {
    name: &'static str,
    folder: TempDir,
    provider: Provider,
}

impl Volume {
    /// Below `$BUDGETS_FOLDER`, for the tracer to distinguish the write path from the state path.
    fn new(name: &'static str, form: CredentialForm) -> Self {
        let folder = tempfile::Builder::new()
            .prefix(name)
            .tempdir_in(std::env::args_os().nth(1).unwrap())
            .unwrap();
        std::fs::create_dir(folder.path().join("write")).unwrap();
        let source = source_fn("budget", move |_: ProvideContext| {
            let form = form.clone();
            async move { Ok(form) }
        });
        let provider = Provider::builder()
            .environment(Environment::default().with("AWS_REGION", "eu-north-1"))
            .state_path(folder.path().join("state"))
            .driver_chain(SourceChain::first_try(source))
            .build()
            .unwrap();
        Self { name, folder, provider }
    }

    fn write_path(&self) -> std::path::PathBuf {
        Path::new(self.folder.path()).join("write")
    }

    async fn provide(&self) {
        let request = PublishRequest::new("s3-volume", TARGET);
        let context =
            ProvideContext::from_publish_request(request, MountTarget::new(self.write_path()))
                .unwrap();
        self.provider.provide(&context).await.unwrap();
    }

    async fn cleanup(&self) {
        let request = UnpublishRequest::new("s3-volume", TARGET);
        let context =
            CleanupContext::from_unpublish_request(&request, self.write_path(), None).unwrap();
        self.provider.cleanup(&context).await.unwrap();
    }
}

fn web_identity() -> CredentialForm {
    let end = SystemClock.now() + SignedDuration::from_hours(1);
    let token = Token::parse("token", Secret::new("opaque"), Some(end)).unwrap();
    let role = "arn:aws:iam::111122223333:role/budget".parse().unwrap();
    CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role)))
}
