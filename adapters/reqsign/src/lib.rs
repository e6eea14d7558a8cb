//! A volume's credentials for [reqsign](reqsign_core) and OpenDAL, and reqsign's providers as
//! sources.
//!
//! **In:** the [`CachedKeys`] of a volume, or any [`ProvideCredential`] of reqsign's AWS service.
//! **Out:** [`VolumeCredentialProvider`] for a reqsign signer or OpenDAL's
//! `S3::credential_provider_chain`, or [`ReqsignSource`] for a chain. **Fails** with
//! [`reqsign_core::Error`], whose source is the error of this project, or with
//! [`SourceError`](s3_credential_core::SourceError).
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use reqsign_core::{Context, ProvideCredential as _, ProvideCredentialChain};
//! use s3_credential_provider::{CachedKeys, Keys};
//! use s3_credential_reqsign::VolumeCredentialProvider;
//! use tokio::runtime::Handle;
//!
//! // A driver takes them from `Provider::cached_keys(&context)`.
//! let fetch = || async { Ok(Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI")) };
//! let keys = CachedKeys::builder(fetch).build(Handle::current());
//! // OpenDAL: `S3::default().credential_provider_chain(chain)`.
//! let chain = ProvideCredentialChain::new().push(VolumeCredentialProvider::new(keys));
//! let credential = chain.provide_credential(&Context::new()).await?;
//! assert_eq!(credential.map(|keys| keys.access_key_id).as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
//! # Ok::<(), reqsign_core::Error>(())
//! # }).unwrap();
//! ```

mod credentials;
mod source;

pub use credentials::VolumeCredentialProvider;
pub use source::ReqsignSource;

pub use reqsign_core::ProvideCredential;
pub use s3_credential_provider::CachedKeys;
