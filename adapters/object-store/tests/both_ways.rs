//! `object_store`'s providers as sources, and a volume's keys as its provider.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use object_store::aws::AwsCredential;
use object_store::{CredentialProvider, StaticCredentialProvider};
use s3_credential_core::{ErrorKind, FormKind, Keys, MountTarget, ProvideContext, PublishRequest};
use s3_credential_object_store::{CachedKeys, ObjectStoreSource, VolumeCredentialProvider};
use s3_credential_testkit::conformance::SourceConformance;
use tokio::runtime::Handle;

const CANARY: &str = "canary/wJalrXUtnFEMI";

fn context() -> ProvideContext {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount");
    ProvideContext::from_publish_request(request, MountTarget::default()).unwrap()
}

#[derive(Debug)]
struct Failing;

#[async_trait]
impl CredentialProvider for Failing {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        Err(object_store::Error::Generic { store: "S3", source: CANARY.into() })
    }
}

#[tokio::test]
async fn a_provider_of_object_store_is_a_conforming_source() {
    let provider = StaticCredentialProvider::new(AwsCredential {
        key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_key: CANARY.to_owned(),
        token: Some(format!("{CANARY}/token")),
    });
    SourceConformance::of(ObjectStoreSource::new("vault", Arc::new(provider)))
        .canary(CANARY)
        .provides(context(), FormKind::Keys)
        .check()
        .await;
    SourceConformance::of(ObjectStoreSource::new("vault", Arc::new(Failing)))
        .canary(CANARY)
        .fails(context(), ErrorKind::Unavailable)
        .check()
        .await;
}

#[tokio::test]
async fn keys_are_converted_once_and_current_does_not_fetch() {
    let fetches = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&fetches);
    let keys = CachedKeys::builder(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok(Keys::new("AKIAIOSFODNN7EXAMPLE", CANARY)) }
    })
    .build(Handle::current());
    let volume = VolumeCredentialProvider::new(keys);
    assert!(volume.current().is_none());
    assert_eq!(fetches.load(Ordering::Relaxed), 0);

    let first = volume.get_credential().await.unwrap();
    assert_eq!(first.secret_key, CANARY);
    assert!(Arc::ptr_eq(&first, &volume.current().unwrap()));
    assert!(!format!("{volume:?}").contains(CANARY));

    // After an invalidation the next caller waits for other keys.
    volume.keys().invalidate();
    assert!(volume.current().is_none());
    let second = volume.get_credential().await.unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(fetches.load(Ordering::Relaxed), 2);
}
