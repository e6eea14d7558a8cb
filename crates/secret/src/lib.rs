//! Credential sources: keys from Kubernetes Secrets, in four modes.
//!
//! - [`SecretRequestSource`], `secret-request`, at secret level: the publish request's secrets
//!   (`nodePublishSecretRef`).
//! - [`SecretEnvironmentSource`], `secret-environment`, at driver level: `AWS_ACCESS_KEY_ID` and
//!   the others of the driver's environment.
//! - `SecretDirectorySource`, `secret-directory` (feature `directory`), at driver level: a Secret
//!   that is mounted into the driver's pod.
//! - `SecretWatchSource`, `secret-watch` (feature `watch`), at driver level: one Secret, watched
//!   through the Kubernetes API. The Secret of the pod's own namespace also at pod level.
//!
//! **In:** a Secret's values by name: `key_id`, `access_key`, `session_token` as one CSI driver has
//! them, `access_key_id`, `secret_access_key`, `session_token` as the other, the names of the AWS
//! variables, or [`KeyNames`] of one's own; and optionally `region` and `endpoint`. **Out:**
//! [`CredentialForm::Keys`](s3_credential_core::CredentialForm) that a profile file can carry back
//! unchanged, and from the two last sources a subscription to changes. **Fails** with
//! `invalid-secret` where keys are half there or cannot be carried, naming the entry and never its
//! value. A source that the operator has pointed at a Secret fails where that is not there; the
//! first two are then not applicable.
//!
//! Without its features the crate needs neither tokio nor kube.
//!
//! ```
//! use s3_credential_core::{
//!     CredentialForm, CredentialSource as _, MountTarget, ProvideContext, PublishRequest,
//! };
//! use s3_credential_secret::SecretRequestSource;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let target_path = "/var/lib/kubelet/pods/4a5d/volumes/kubernetes.io~csi/pv/mount";
//! let request = PublishRequest::new("s3-volume", target_path)
//!     .with_volume_context([("authenticationSource", "secret")])
//!     .with_secrets([("key_id", "AKIAIOSFODNN7EXAMPLE"), ("access_key", "wJalrXUtnFEMI")]);
//! let mount = MountTarget::new("/run/mountpoint");
//! let context = ProvideContext::from_publish_request(request, mount)?;
//! let form = SecretRequestSource::default().provide(&context).await?;
//! let CredentialForm::Keys(keys) = form else { panic!("not keys") };
//! assert_eq!(keys.access_key_id.expose(), "AKIAIOSFODNN7EXAMPLE");
//! # Ok(())
//! # }
//! ```

// In the order in which data flows: the names, the keys under them, and the places where they are.
mod endpoint;
mod key_names;
mod keys;

mod environment;
mod level;
mod request;

#[cfg(feature = "directory")]
mod directory;
#[cfg(feature = "watch")]
mod watch;

#[cfg(all(fuzzing, feature = "watch"))]
pub mod fuzzing;

#[cfg(feature = "directory")]
pub use directory::{SecretDirectorySettings, SecretDirectorySource};
pub use environment::SecretEnvironmentSource;
pub use key_names::KeyNames;
pub use request::SecretRequestSource;
#[cfg(feature = "watch")]
pub use watch::{SecretNamespace, SecretWatchSettings, SecretWatchSource};
