//! The chains: which plug-ins are asked, in which order.

use s3_credential_core::AuthenticationLevel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plugins::{REGION_CHAIN, source_chain};

/// The chains, by level. An empty one is refused: leave the key out for the default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Chains {
    /// The sources of the driver's own credentials.
    #[schemars(length(min = 1))]
    pub(crate) driver: Vec<Link>,
    /// The sources of a pod's credentials, for volumes with `authenticationSource: pod`.
    #[schemars(length(min = 1))]
    pub(crate) pod: Vec<Link>,
    /// The sources of a volume's own credentials, for volumes with `authenticationSource: secret`.
    /// A second source is the fallback where the request carries no keys.
    #[schemars(length(min = 1))]
    pub(crate) secret: Vec<Link>,
    /// The region resolvers: which region STS is called in.
    #[schemars(length(min = 1))]
    pub(crate) region: Vec<Link>,
}

/// One plug-in of a chain: its name, or its name and what to do when it is broken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(from = "Written", into = "Written")]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) on_failure: OnFailure,
}

/// The behaviour of a chain when a plug-in is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnFailure {
    /// It stops with the failure.
    #[default]
    Stop,
    /// It goes on to the next one: a volume may then get another identity than the one that was
    /// meant.
    Continue,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    Name(String),
    Full(Full),
}

/// A plug-in of a chain, with what to do when it is broken.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Full {
    /// The name.
    name: String,
    /// The behaviour when it is broken.
    #[serde(default)]
    on_failure: OnFailure,
}

impl From<Written> for Link {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(name) => Self { name, on_failure: OnFailure::Stop },
            Written::Full(Full { name, on_failure }) => Self { name, on_failure },
        }
    }
}

impl From<Link> for Written {
    fn from(Link { name, on_failure }: Link) -> Self {
        match on_failure {
            OnFailure::Stop => Self::Name(name),
            OnFailure::Continue => Self::Full(Full { name, on_failure }),
        }
    }
}

impl Default for Chains {
    fn default() -> Self {
        let chain = |names: &[&str]| {
            names
                .iter()
                .map(|name| Link { name: (*name).to_owned(), on_failure: OnFailure::Stop })
                .collect()
        };
        Self {
            driver: chain(source_chain(AuthenticationLevel::Driver)),
            pod: chain(source_chain(AuthenticationLevel::Pod)),
            secret: chain(source_chain(AuthenticationLevel::Secret)),
            region: chain(REGION_CHAIN),
        }
    }
}

impl Chains {
    /// Returns the sources of a level.
    pub(crate) fn level(&self, level: AuthenticationLevel) -> &[Link] {
        match level {
            AuthenticationLevel::Driver => &self.driver,
            AuthenticationLevel::Pod => &self.pod,
            AuthenticationLevel::Secret => &self.secret,
        }
    }
}
