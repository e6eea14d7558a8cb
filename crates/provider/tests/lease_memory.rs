//! What a driver keeps in memory for each of its leases, beside the token or the keys.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

use allocation_counter::measure;
use jiff::SignedDuration;
use s3_credential_core::{
    Clock as _, CredentialForm, Environment, MountTarget, ProvideContext, PublishRequest, Secret,
    SourceChain, SystemClock, Token, WebIdentity, source_fn,
};
use s3_credential_provider::Provider;

const LEASES: i64 = 500;

#[test]
fn a_lease_takes_two_and_a_quarter_kibibytes_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let end = SystemClock.now() + SignedDuration::from_hours(24);
    let token = Token::parse("token", Secret::new("opaque".repeat(150)), Some(end)).unwrap();
    let role = "arn:aws:iam::111122223333:role/reader".parse().unwrap();
    let form = CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role)));
    // All share one token, so that it is not counted.
    let source = source_fn("shared", move |_: ProvideContext| {
        let form = form.clone();
        async move { Ok(form) }
    });
    let provider = Provider::builder()
        .environment(Environment::default().with("AWS_REGION", "eu-north-1"))
        .state_path(folder.path().join("state"))
        .driver_chain(SourceChain::first_try(source))
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let provide = |number: i64| {
        let target = format!("/var/lib/kubelet/pods/{number}/volumes/kubernetes.io~csi/pv/mount");
        let request = PublishRequest::new(format!("s3-volume-{number}"), target);
        let target = MountTarget::new(folder.path());
        let context = ProvideContext::from_publish_request(request, target).unwrap();
        runtime.block_on(provider.provide(&context)).unwrap();
    };
    // Whatever the first one sets up for all.
    provide(LEASES);
    let kept = measure(|| (0..LEASES).for_each(provide));
    let each = kept.bytes_current / LEASES;
    // The record has the region, and room for a second role and session policies: what a renewal
    // must keep.
    assert!(each <= 2304, "{each} bytes for each lease");
}
