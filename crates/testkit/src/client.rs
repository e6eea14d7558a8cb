//! An AWS client as the reader of delivered credentials is one: it has an environment, the files
//! that this names, and no others.
//!
//! Keys are found by the AWS SDK's own default chain, and signatures are made by the SDK's own
//! signer: what works here works in a program that is started with this environment. Plain HTTP
//! only, as the emulators speak it.
//!
//! ```
//! use s3_credential_testkit::client::Client;
//! use s3_credential_testkit::iam::Iam;
//! use s3_credential_testkit::sts::Sts;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sts = Sts::start(Iam::default()).await?;
//! let user = sts.iam().add_user("arn:aws:iam::111122223333:user/backup");
//! let client = Client::new([
//!     ("AWS_ACCESS_KEY_ID", user.access_key_id.as_str()),
//!     ("AWS_SECRET_ACCESS_KEY", user.secret_access_key.expose()),
//!     ("AWS_ENDPOINT_URL_STS", &sts.url()),
//! ]);
//! let keys = client.keys().await?;
//! assert_eq!(client.who(&keys).await?, user.arn);
//! # Ok(())
//! # }
//! ```

mod caller_identity;
mod s3;
mod signed;

use std::collections::BTreeMap;
use std::fmt;

use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_http_client::Builder;
use aws_types::os_shim_internal::{Env, Fs};
use jiff::Timestamp;
use s3_credential_core::{Keys, Secret, names};
use thiserror::Error;

pub use s3::{S3Client, S3ClientError};

/// The client. `Debug` shows the names of its variables.
#[derive(Clone)]
pub struct Client {
    environment: BTreeMap<String, Secret>,
}

/// The reason why a client failed. Of an answer it holds only a service's error code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The SDK's chain came to no keys.
    #[error("the SDK finds no keys in this environment: {0}")]
    NoKeys(String),
    /// There is no URL of STS to ask.
    #[error("AWS_ENDPOINT_URL_STS is not set")]
    NoEndpoint,
    /// STS could not be asked, or its answer could not be read.
    #[error("STS did not answer: {0}")]
    NoAnswer(String),
    /// STS knows better.
    #[error("STS refuses the keys: {0}")]
    Refused(String),
}

impl Client {
    /// Makes a client that is started with these variables.
    pub fn new<'a>(environment: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), Secret::new(value));
        Self { environment: environment.into_iter().map(owned).collect() }
    }

    /// Returns the keys that the SDK's default chain finds now. There is no cache: files are read
    /// and services asked at each call.
    pub async fn keys(&self) -> Result<Keys, ClientError> {
        // The cause may quote what a service answered, so only the kind is shown.
        let no_keys = |error: &dyn fmt::Display| ClientError::NoKeys(error.to_string());
        let config = self.config().await;
        let chain = config.credentials_provider().ok_or_else(|| no_keys(&"there is no chain"))?;
        let found = chain.provide_credentials().await.map_err(|error| no_keys(&error))?;
        let mut keys = Keys::new(found.access_key_id(), found.secret_access_key());
        if let Some(token) = found.session_token() {
            keys = keys.with_session_token(token);
        }
        match found.expiry().map(Timestamp::try_from) {
            Some(Ok(at)) => Ok(keys.with_expires_at(at)),
            Some(Err(error)) => Err(no_keys(&error)),
            None => Ok(keys),
        }
    }

    /// Returns the owner of these keys, by STS's `GetCallerIdentity`: an ARN.
    pub async fn who(&self, keys: &Keys) -> Result<String, ClientError> {
        let variable = |name: &str| self.environment.get(name).map(Secret::expose);
        let url = variable(names::AWS_ENDPOINT_URL_STS).ok_or(ClientError::NoEndpoint)?;
        let region = variable(names::AWS_REGION).or_else(|| variable(names::AWS_DEFAULT_REGION));
        caller_identity::ask(url, region.unwrap_or("us-east-1"), keys).await
    }

    async fn config(&self) -> SdkConfig {
        let variables = self.environment.iter();
        let variables: Vec<_> =
            variables.map(|(name, value)| (name.as_str(), value.expose())).collect();
        ConfigLoader::default()
            .behavior_version(BehaviorVersion::latest())
            .env(Env::from_slice(&variables))
            .fs(Fs::real())
            .http_client(Builder::new().build_http())
            .load()
            .await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.environment.keys()).finish()
    }
}
