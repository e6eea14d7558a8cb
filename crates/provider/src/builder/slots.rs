//! Chains with one source replaced or left out, and the others unchanged.

use std::sync::Arc;

use s3_credential_core::{CredentialSource, source_names};

use crate::builder::ProviderBuilder;

macro_rules! slots {
    ($($slot:ident, $empty:ident = $name:path;)+) => {
        /// Slots: a source of one's own in the place of a chain's, or none. It keeps the name and
        /// the place that the chain has for it.
        impl ProviderBuilder {
            $(
                #[doc = concat!("Another source in the place of [`", stringify!($name), "`].")]
                #[must_use]
                pub fn $slot(self, source: impl CredentialSource) -> Self {
                    self.source($name, source)
                }

                #[doc = concat!("The chains without [`", stringify!($name), "`].")]
                #[must_use]
                pub fn $empty(self) -> Self {
                    self.no_source($name)
                }
            )+
        }
    };
}

slots! {
    irsa, no_irsa = source_names::IRSA;
    pod_identity, no_pod_identity = source_names::POD_IDENTITY;
    secret_request, no_secret_request = source_names::SECRET_REQUEST;
    secret_environment, no_secret_environment = source_names::SECRET_ENVIRONMENT;
    imds, no_imds = source_names::IMDS;
    pod_token, no_pod_token = source_names::POD_TOKEN;
    profile, no_profile = source_names::PROFILE;
}

impl ProviderBuilder {
    /// Another source in the place of the one of this name, in every chain that has it. Building
    /// fails where none has.
    #[must_use]
    pub fn source(mut self, name: &str, source: impl CredentialSource) -> Self {
        self.slots.insert(name.to_owned(), Some(Arc::new(source)));
        self
    }

    /// The chains without the source of this name.
    #[must_use]
    pub fn no_source(mut self, name: &str) -> Self {
        self.slots.insert(name.to_owned(), None);
        self
    }
}
