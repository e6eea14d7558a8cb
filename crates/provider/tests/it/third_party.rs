//! The credentials of a third-party source or exchange are checked like those of the built-in ones.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
#[cfg(feature = "sdk")]
use aws_credential_types::provider::ProvideCredentials as _;
use s3_credential_core::{ExchangeRequest, FormKind, KeyExchange, Token, WebIdentity};
use s3_credential_provider::{
    Code, CredentialForm, Delivery, Environment, ErrorKind, Failure, Keys, MountKind, MountTarget,
    Owner, ProvideContext, Provider, ProviderBuilder, PublishRequest, SourceChain, source_fn,
};
use tempfile::TempDir;

const CANARY: &str = "canary/wJalrXUtnFEMI";

/// Each would be another thing once it is read back from a profile file, or is no key at all.
fn smuggling() -> Vec<Keys> {
    let id = "AKIAIOSFODNN7EXAMPLE";
    vec![
        Keys::new(format!("{id}\naws_session_token=of-another"), CANARY),
        Keys::new(id, format!("{CANARY} #and-more")),
        Keys::new(id, format!("{CANARY}\u{200b}")),
        Keys::new(id, format!("\"{CANARY}\"")),
        Keys::new(id, ""),
        Keys::new(id, CANARY).with_session_token(format!("{CANARY}\n[default]")),
        Keys::new(id, CANARY.repeat(1_000)),
    ]
}

fn good() -> Keys {
    Keys::new("AKIAIOSFODNN7EXAMPLE", CANARY)
}

/// A source whose keys a test changes.
#[derive(Clone)]
struct Theirs(Arc<Mutex<CredentialForm>>);

impl Theirs {
    fn new(form: CredentialForm) -> Self {
        Self(Arc::new(Mutex::new(form)))
    }

    fn give(&self, form: CredentialForm) {
        *self.0.lock().unwrap() = form;
    }

    fn builder(&self, folder: &TempDir) -> ProviderBuilder {
        let theirs = self.clone();
        let source = source_fn("theirs", move |_| {
            let form = theirs.0.lock().unwrap().clone();
            async { Ok(form) }
        });
        Provider::builder()
            .environment(Environment::default().with("AWS_REGION", "eu-north-1"))
            .state_path(folder.path().join("state"))
            .driver_chain(SourceChain::first_try(source))
    }
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("write")).unwrap();
    folder
}

fn context(provider: &Provider, target: MountTarget) -> ProvideContext {
    let path = "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount";
    provider.context(PublishRequest::new("v", path), target).unwrap()
}

fn target(folder: &TempDir) -> MountTarget {
    MountTarget::new(folder.path().join("write")).with_kind(MountKind::Systemd)
}

fn is_empty(path: &Path) -> bool {
    fs::read_dir(path).unwrap().next().is_none()
}

#[tokio::test]
async fn a_third_partys_keys_are_checked_like_all_others() {
    let (folder, theirs) = (folder(), Theirs::new(CredentialForm::Anonymous));
    for keys in smuggling() {
        theirs.give(CredentialForm::Keys(keys));
        for delivery in [Delivery::Profile, Delivery::Environment, Delivery::Endpoint] {
            let provider = theirs.builder(&folder).delivery(delivery).build().unwrap();
            provider.serve_endpoint().unwrap();
            let context = context(&provider, target(&folder));
            for error in [
                provider.provide(&context).await.unwrap_err(),
                provider.explain(&context).await.unwrap_err(),
                provider.credentials(&context).await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::InvalidSecret, "{delivery:?} {error}");
                assert!(!format!("{error} {error:?}").contains(CANARY));
            }
            #[cfg(feature = "sdk")]
            {
                let sdk = provider.sdk_credentials(&context).provide_credentials().await;
                let error = sdk.unwrap_err();
                assert!(!format!("{error} {error:?}").contains(CANARY));
            }
        }
        assert!(is_empty(&folder.path().join("write")));
    }
}

#[tokio::test]
async fn a_live_mount_keeps_its_keys_where_a_third_partys_go_bad() {
    let (folder, theirs) = (folder(), Theirs::new(CredentialForm::Keys(good())));
    let provider = theirs.builder(&folder).build().unwrap();
    let context = context(&provider, target(&folder));
    let provided = provider.provide(&context).await.unwrap();
    let read =
        || provided.files.iter().map(|file| fs::read(&file.path).unwrap()).collect::<Vec<_>>();
    let before = read();
    for keys in smuggling() {
        theirs.give(CredentialForm::Keys(keys));
        let error = provider.provide(&context).await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
        assert_eq!(read(), before);
    }
}

#[derive(Debug)]
struct TheirExchange(Keys);

#[async_trait]
impl KeyExchange for TheirExchange {
    async fn exchange(&self, _: &CredentialForm, _: &ExchangeRequest) -> Result<Keys, Failure> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn what_a_third_party_exchanges_is_checked_as_well() {
    let folder = folder();
    let token = Token::parse("the token", "an-opaque-token".into(), None).unwrap();
    let role = "arn:aws:iam::111122223333:role/a".parse().unwrap();
    let form = CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role)));
    for keys in smuggling() {
        let provider = Theirs::new(form.clone())
            .builder(&folder)
            .exchange(FormKind::WebIdentity, TheirExchange(keys))
            .build()
            .unwrap();
        let error = provider.credentials(&context(&provider, target(&folder))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSecret, "{error}");
    }
}

/// The driver names an owner for one mount. The workload's group (`volumeMountGroup`) is not who
/// reads credentials.
#[tokio::test]
async fn the_files_of_a_volume_have_the_owner_that_the_driver_names_and_never_the_group_of_the_workload()
 {
    let folder = folder();
    let provider = Theirs::new(CredentialForm::Keys(good())).builder(&folder).build().unwrap();
    let own = fs::metadata(folder.path()).unwrap();
    // Only root may give another user or group; every user may give its own.
    let (uid, gid) = if own.uid() == 0 { (4_343, 4_242) } else { (own.uid(), own.gid()) };
    let path = |volume: &str| {
        format!("/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/{volume}/mount")
    };
    let grouped = PublishRequest::new("grouped", path("grouped")).with_mount_group(gid.to_string());
    let owned = PublishRequest::new("owned", path("owned")).with_mount_group("1");
    for (request, target, expected) in [
        (grouped, target(&folder), (own.uid(), own.gid())),
        (owned, target(&folder).with_owner(Owner { uid, gid }), (uid, gid)),
    ] {
        let context = provider.context(request, target).unwrap();
        let provided = provider.provide(&context).await.unwrap();
        for file in &provided.files {
            let found = fs::metadata(&file.path).unwrap();
            assert_eq!((found.uid(), found.gid()), expected, "{file:?}");
        }
    }
}
