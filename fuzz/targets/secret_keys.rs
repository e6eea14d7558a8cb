//! Keys out of a Secret's data: arbitrary names, pairs and values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3_credential_core::{
    CredentialForm, CredentialSource as _, MountTarget, ProvideContext, PublishRequest,
};
use s3_credential_fuzz::{assert_clean_attempt, assert_quiet, at_once, holds_canary, planted};
use s3_credential_secret::SecretRequestSource;

fuzz_target!(|json: &[u8]| {
    if holds_canary(json) {
        return;
    }
    let Ok(data) = serde_json::from_slice::<std::collections::BTreeMap<String, String>>(json) else {
        return;
    };
    // As they are, which may be keys; and with a canary in each, which no error may show.
    ask(data.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
    ask(data.iter().map(|(name, value)| (name.clone(), planted(value))));
});

fn ask(data: impl Iterator<Item = (String, s3_credential_core::Secret)>) {
    let request = PublishRequest::new("volume", "/target")
        .with_volume_context([("authenticationSource", "secret")])
        .with_secrets(data);
    let Ok(context) = ProvideContext::from_publish_request(request, MountTarget::new("/run")) else {
        return;
    };
    match at_once(SecretRequestSource::default().provide(&context)) {
        Ok(CredentialForm::Keys(mut keys)) => {
            // Where the keys are for is no secret, though it may stand in a Secret.
            keys.endpoint = None;
            assert_quiet(&keys);
            keys.check(|_| "a value".to_owned()).expect("only what can be carried is handed on");
        }
        Ok(form) => panic!("a Secret is keys, not {}", form.kind()),
        Err(error) => assert_clean_attempt(&error),
    }
}
