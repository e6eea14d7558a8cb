//! A volume's credentials for [`object_store`], and `object_store`'s credential providers as
//! sources.
//!
//! **In:** the [`CachedKeys`] of a volume, or any [`CredentialProvider`] of `object_store`.
//! **Out:** [`VolumeCredentialProvider`] for
//! [`AmazonS3Builder::with_credentials`](object_store::aws::AmazonS3Builder::with_credentials), or
//! [`ObjectStoreSource`] for a chain. **Fails** with [`object_store::Error`], whose source is the
//! error of this project, or with [`SourceError`](s3_credential_core::SourceError).
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use std::sync::Arc;
//!
//! use object_store::CredentialProvider as _;
//! use s3_credential_object_store::VolumeCredentialProvider;
//! use s3_credential_provider::{CachedKeys, Keys};
//! use tokio::runtime::Handle;
//!
//! // A driver takes them from `Provider::cached_keys(&context)`.
//! let fetch = || async { Ok(Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI")) };
//! let keys = CachedKeys::builder(fetch).build(Handle::current());
//! let credentials = Arc::new(VolumeCredentialProvider::new(keys));
//! // AmazonS3Builder::new().with_bucket_name("data").with_credentials(credentials)
//! assert_eq!(credentials.get_credential().await?.key_id, "AKIAIOSFODNN7EXAMPLE");
//! # Ok::<(), object_store::Error>(())
//! # }).unwrap();
//! ```

mod credentials;
mod source;

pub use credentials::VolumeCredentialProvider;
pub use source::ObjectStoreSource;

pub use object_store::CredentialProvider;
pub use s3_credential_provider::CachedKeys;
