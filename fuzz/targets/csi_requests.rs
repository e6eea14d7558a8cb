//! `NodePublishVolumeRequest` and `NodeUnpublishVolumeRequest` as JSON, to the input of `provide`
//! and `cleanup`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3_credential_core::{
    AuthenticationLevel, CleanupContext, MountTarget, ProvideContext, PublishRequest, TOKENS_KEY,
    UnpublishRequest,
};
use s3_credential_fuzz::{CANARY, assert_clean, assert_quiet, holds_canary, planted};

fuzz_target!(|json: &[u8]| {
    if holds_canary(json) {
        return;
    }
    if let Ok(request) = serde_json::from_slice(json) {
        publish(request);
    }
    if let Ok(request) = serde_json::from_slice::<UnpublishRequest>(json)
        && let Err(failure) = CleanupContext::from_unpublish_request(&request, "/run/mountpoint", None)
    {
        assert_clean(&failure);
    }
});

fn publish(mut request: PublishRequest) {
    // In the JSON of tokens the canary could come to stand in the name of an audience, which is no
    // secret.
    for (_, secret) in request.secrets.iter_mut().filter(|(name, _)| *name != TOKENS_KEY) {
        *secret = planted(secret.expose());
    }
    assert_quiet(&request);
    let unpublish = UnpublishRequest::new(&request.volume_id, &request.target_path);
    match ProvideContext::from_publish_request(request, MountTarget::new("/run/mountpoint")) {
        Ok(context) => {
            assert_sound(&context);
            assert_can_be_cleaned_up(&context, &unpublish);
            assert_journal_holds_no_secret(&context);
        }
        Err(failure) => assert_clean(&failure),
    }
}

fn assert_sound(context: &ProvideContext) {
    assert_quiet(context);
    for id in [context.volume_id(), context.target_path()] {
        assert!(!id.is_empty() && id.len() <= 16 << 10 && !id.contains('\0'));
    }
    let level = context.level();
    assert!(level != AuthenticationLevel::Pod || context.lease_pod().is_some());
    assert!(level == AuthenticationLevel::Pod || context.tokens().is_empty());
    assert!(level == AuthenticationLevel::Secret || context.secrets().is_empty());
    assert!(!context.mount_options().has("profile"));
}

fn assert_can_be_cleaned_up(context: &ProvideContext, unpublish: &UnpublishRequest) {
    let cleanup = CleanupContext::from_unpublish_request(unpublish, "/run/mountpoint", None)
        .expect("what was published can be unpublished");
    if let Some(pod) = cleanup.lease_pod() {
        assert_eq!(Some(pod.as_str()), context.lease_pod());
    }
}

fn assert_journal_holds_no_secret(context: &ProvideContext) {
    let journal = serde_json::to_string(context).expect("a context can be remembered");
    assert!(!journal.contains(CANARY));
    let remembered: ProvideContext =
        serde_json::from_str(&journal).expect("what is remembered can be read");
    assert_eq!(serde_json::to_string(&remembered).unwrap(), journal);
}
