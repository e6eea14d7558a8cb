//! The four modes through the public API: on requests, variables, real files, and the Kubernetes
//! emulator.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail as tests do")]

mod directory;
mod environment;
mod request;
mod request_properties;
mod watch;
mod watch_trouble;

use s3_credential_core::{
    CredentialForm, CredentialSource, ErrorKind, Failure, Keys, MountTarget, ProvideContext,
    PublishRequest, SourceError,
};

fn request(level: &str) -> PublishRequest {
    PublishRequest::new("v", "/pods/4a5d/volumes/x/y/mount")
        .with_volume_context([("authenticationSource", level)])
}

fn context(request: PublishRequest) -> ProvideContext {
    ProvideContext::from_publish_request(request, MountTarget::new("/write")).unwrap()
}

fn at_level(level: &str) -> ProvideContext {
    context(request(level))
}

async fn keys(source: &impl CredentialSource, context: &ProvideContext) -> Keys {
    match source.provide(context).await.unwrap() {
        CredentialForm::Keys(keys) => keys,
        other => panic!("not keys: {other:?}"),
    }
}

async fn failure(source: &impl CredentialSource, context: &ProvideContext) -> Failure {
    match source.provide(context).await.unwrap_err() {
        SourceError::Failed(failure) => failure,
        other => panic!("the chain would go on: {other}"),
    }
}

/// The reason and the help of what does not apply.
async fn skipped(source: &impl CredentialSource, context: &ProvideContext) -> String {
    match source.provide(context).await.unwrap_err() {
        SourceError::NotApplicable(skip) => format!("{}; {}", skip.reason(), skip.help()),
        other => panic!("the chain would stop: {other}"),
    }
}

/// The kind, and words that the user reads in the message or the help.
fn assert_reports(failure: &Failure, kind: ErrorKind, words: &[&str]) {
    let text = format!("{failure}; {}", failure.help());
    assert_eq!(failure.kind(), kind, "{text}");
    for word in words {
        assert!(text.contains(word), "{word} in: {text}");
    }
}

fn assert_pair(keys: &Keys, id: &str, key: &str) {
    assert_eq!(keys.access_key_id.expose(), id);
    assert_eq!(keys.secret_access_key.expose(), key);
}
