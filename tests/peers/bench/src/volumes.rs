//! Volumes on a tmpfs, whose credentials come from a source without cost.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{
    CleanupContext, CredentialForm, Keys, PublishRequest, Secret, SourceChain, Token,
    UnpublishRequest, WebIdentity, source_fn,
};
use s3_credential_provider::{Environment, MountTarget, ProvideContext, Provider};
use tempfile::TempDir;

use crate::upstream::ROLE;

/// A write path, a state path, and what is provided there.
#[derive(Debug)]
pub struct Volumes {
    folder: TempDir,
    form: CredentialForm,
}

impl Volumes {
    /// A token file for each volume.
    pub fn of_tokens() -> Self {
        let text = format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", "eyJpc3MiOiJodHRwcyJ9".repeat(45));
        let end = Timestamp::now() + SignedDuration::from_hours(24);
        let token = Token::parse("token", Secret::new(text), Some(end));
        // Not a token of a real issuer: opaque, if it cannot be read.
        let token = token.unwrap_or_else(|_| Token::parse("token", Secret::new("opaque".repeat(150)), Some(end)).unwrap());
        Self::of(CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, ROLE.parse().unwrap()))))
    }

    /// A pair of profile files for each volume.
    pub fn of_profiles() -> Self {
        Self::of(CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")))
    }

    fn of(form: CredentialForm) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        assert!(s3_credential_delivery::is_in_memory(folder.path()), "/dev/shm is no tmpfs");
        std::fs::create_dir(folder.path().join("write")).unwrap();
        Self { folder, form }
    }

    pub fn write_path(&self) -> std::path::PathBuf {
        self.folder.path().join("write")
    }

    pub fn state_path(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A driver right after its start.
    pub fn provider(&self) -> Provider {
        let form = self.form.clone();
        let source = source_fn("bench", move |_: ProvideContext| {
            let form = form.clone();
            async move { Ok(form) }
        });
        Provider::builder()
            .environment(Environment::default().with("AWS_REGION", "eu-north-1"))
            .state_path(self.state_path())
            .driver_chain(SourceChain::first_try(source))
            .build()
            .unwrap()
    }

    pub fn context(&self, number: usize) -> ProvideContext {
        let request = PublishRequest::new(format!("s3-volume-{number}"), target(number));
        ProvideContext::from_publish_request(request, MountTarget::new(self.write_path())).unwrap()
    }

    pub fn cleanup(&self, number: usize) -> CleanupContext {
        let request = UnpublishRequest::new(format!("s3-volume-{number}"), target(number));
        CleanupContext::from_unpublish_request(&request, self.write_path(), None).unwrap()
    }

    /// A volume of a shared Mountpoint pod, whose uid the unpublish request does not name.
    pub fn shared_context(&self, number: usize) -> ProvideContext {
        let request = PublishRequest::new(format!("s3-volume-{number}"), target(number));
        let mount = MountTarget::new(self.write_path()).with_mountpoint_pod_uid("mountpoint-pod");
        ProvideContext::from_publish_request(request, mount).unwrap()
    }
}

fn target(number: usize) -> String {
    format!("/var/lib/kubelet/pods/pod-{number}/volumes/kubernetes.io~csi/pv-{number}/mount")
}
