//! Under which names the parts of a key are found.

use std::collections::BTreeSet;

use s3_credential_core::{ErrorKind, Failure, names};

/// The names of the entries of a Secret, where they are none of the known ones.
///
/// Configured names go before the known ones. Where the Secret has neither of the first two, the
/// known ones count.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct KeyNames {
    /// The name of the access key id.
    #[cfg_attr(feature = "config", schemars(length(min = 1, max = 253)))]
    pub access_key_id: String,
    /// The name of the secret access key.
    #[cfg_attr(feature = "config", schemars(length(min = 1, max = 253)))]
    pub secret_access_key: String,
    /// The name of the session token.
    #[cfg_attr(feature = "config", schemars(length(min = 1, max = 253)))]
    pub session_token: String,
    /// The name of the region.
    #[cfg_attr(feature = "config", schemars(length(min = 1, max = 253)))]
    pub region: String,
    /// The name of the S3 endpoint's URL.
    #[cfg_attr(feature = "config", schemars(length(min = 1, max = 253)))]
    pub endpoint: String,
}

impl Default for KeyNames {
    fn default() -> Self {
        let [names, ..] = CONVENTIONS;
        Self {
            access_key_id: names.access_key_id.to_owned(),
            secret_access_key: names.secret_access_key.to_owned(),
            session_token: names.session_token.to_owned(),
            region: names.region.to_owned(),
            endpoint: names.endpoint.to_owned(),
        }
    }
}

impl KeyNames {
    /// Refuses what cannot be the keys of a Secret, or is one name for two things. A name may also
    /// be that of a file.
    pub fn check(&self) -> Result<(), Failure> {
        let all = self.as_names().all();
        let refuse = |problem: &str| {
            Err(Failure::new(ErrorKind::Misconfigured, problem.to_owned())
                .with_help("correct the key names in the configuration of the source"))
        };
        if !all.iter().all(|name| is_secret_key(name)) {
            return refuse("a configured key name cannot be the key of a Kubernetes Secret");
        }
        if all.iter().collect::<BTreeSet<_>>().len() < all.len() {
            return refuse("two configured key names are the same");
        }
        Ok(())
    }

    pub(crate) fn as_names(&self) -> Names<'_> {
        Names {
            access_key_id: &self.access_key_id,
            secret_access_key: &self.secret_access_key,
            session_token: &self.session_token,
            region: &self.region,
            endpoint: &self.endpoint,
        }
    }
}

/// Kubernetes, `validation.IsConfigMapKey`.
fn is_secret_key(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    !name.is_empty()
        && name.len() <= 253
        && name != "."
        && !name.starts_with("..")
        && name.bytes().all(allowed)
}

/// One set of names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) secret_access_key: &'a str,
    pub(crate) session_token: &'a str,
    pub(crate) region: &'a str,
    pub(crate) endpoint: &'a str,
}

impl<'a> Names<'a> {
    pub(crate) fn all(&self) -> [&'a str; 5] {
        [self.access_key_id, self.secret_access_key, self.session_token, self.region, self.endpoint]
    }
}

/// Those of the AWS CSI driver, those of Scality's, and those of the SDKs' variables.
pub(crate) const CONVENTIONS: [Names<'static>; 3] = [
    Names {
        access_key_id: "key_id",
        secret_access_key: "access_key",
        session_token: "session_token",
        region: "region",
        endpoint: "endpoint",
    },
    Names {
        access_key_id: "access_key_id",
        secret_access_key: "secret_access_key",
        session_token: "session_token",
        region: "region",
        endpoint: "endpoint",
    },
    VARIABLES,
];

/// The names of the SDKs' variables.
pub(crate) const VARIABLES: Names<'static> = Names {
    access_key_id: names::AWS_ACCESS_KEY_ID,
    secret_access_key: names::AWS_SECRET_ACCESS_KEY,
    session_token: names::AWS_SESSION_TOKEN,
    region: "region",
    endpoint: "endpoint",
};
