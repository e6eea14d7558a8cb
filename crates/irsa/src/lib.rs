//! Credential source `irsa`: the driver's own web-identity token and role (IAM roles for service
//! accounts).
//!
//! **In:** `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN` and `AWS_ROLE_SESSION_NAME` of the
//! driver's environment, as the EKS webhook or an operator sets them, and [`IrsaSettings`] for what
//! else STS is asked. **Out:** the token and the role as
//! [`CredentialForm::WebIdentity`](s3_credential_core::CredentialForm), read each time, and a
//! subscription to the kubelet's replacing the token. **Fails** where only one of token file and
//! role is there (`misconfigured`), and where the token is malformed or expired; where neither is
//! there it is not applicable.
//!
//! ```
//! use s3_credential_core::{
//!     CredentialSource as _, Environment, MountTarget, ProvideContext, PublishRequest,
//!     SystemClock,
//! };
//! use s3_credential_irsa::{IrsaSettings, IrsaSource};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), s3_credential_core::Failure> {
//! let source = IrsaSource::new(Environment::default(), SystemClock, IrsaSettings::default())?;
//! let target_path = "/var/lib/kubelet/pods/4a5d/volumes/kubernetes.io~csi/pv/mount";
//! let request = PublishRequest::new("s3-volume", target_path);
//! let mount = MountTarget::new("/run/mountpoint");
//! let context = ProvideContext::from_publish_request(request, mount)?;
//! let error = source.provide(&context).await.unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "neither AWS_WEB_IDENTITY_TOKEN_FILE nor AWS_ROLE_ARN is set for the driver"
//! );
//! # Ok(())
//! # }
//! ```

mod settings;
mod source;
mod token_file;

pub use settings::IrsaSettings;
pub use source::IrsaSource;
