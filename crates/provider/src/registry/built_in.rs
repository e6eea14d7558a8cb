//! The plug-ins of this workspace, registered as anybody's are: their settings as a file has them, and how each is made.

#[cfg(any(feature = "pod-token", all(feature = "kube", feature = "secret")))]
mod broken;
#[cfg(feature = "imds")]
mod imds;
#[cfg(feature = "irsa")]
mod irsa;
#[cfg(feature = "kube")]
mod node_label;
#[cfg(feature = "pod-identity")]
mod pod_identity;
#[cfg(feature = "pod-token")]
mod pod_token;
#[cfg(feature = "profile")]
mod profile;
mod region;
#[cfg(feature = "secret")]
mod secret;
#[cfg(any(feature = "irsa", feature = "pod-token"))]
mod session;

use s3_credential_core::{Failure, resolver_names, source_names};

use crate::registry::Registry;

/// The sources, each with the feature that brings it: most are of one name.
const SOURCES: [(&str, &str, bool); 9] = [
    (source_names::IRSA, source_names::IRSA, cfg!(feature = "irsa")),
    (source_names::POD_IDENTITY, source_names::POD_IDENTITY, cfg!(feature = "pod-identity")),
    (source_names::POD_TOKEN, source_names::POD_TOKEN, cfg!(feature = "pod-token")),
    (source_names::SECRET_REQUEST, "secret", cfg!(feature = "secret")),
    (source_names::SECRET_DIRECTORY, "secret", cfg!(feature = "secret")),
    (source_names::SECRET_ENVIRONMENT, "secret", cfg!(feature = "secret")),
    (source_names::SECRET_WATCH, "kube", cfg!(all(feature = "secret", feature = "kube"))),
    (source_names::PROFILE, source_names::PROFILE, cfg!(feature = "profile")),
    (source_names::IMDS, source_names::IMDS, cfg!(feature = "imds")),
];

/// The region resolvers that a feature brings.
const RESOLVERS: [(&str, &str, bool); 2] = [
    (resolver_names::IMDS, resolver_names::IMDS, cfg!(feature = "imds")),
    (resolver_names::NODE_LABEL, "kube", cfg!(feature = "kube")),
];

pub(super) fn register_all(registry: &mut Registry) -> Result<(), Failure> {
    #[cfg(feature = "irsa")]
    irsa::register(registry)?;
    #[cfg(feature = "pod-identity")]
    pod_identity::register(registry)?;
    #[cfg(feature = "pod-token")]
    pod_token::register(registry)?;
    #[cfg(feature = "secret")]
    secret::register(registry)?;
    #[cfg(feature = "profile")]
    profile::register(registry)?;
    #[cfg(feature = "imds")]
    imds::register(registry)?;
    region::register(registry)?;
    #[cfg(feature = "kube")]
    node_label::register(registry)?;
    for (name, feature, _) in SOURCES.into_iter().filter(|(_, _, compiled_in)| !compiled_in) {
        registry.sources.leave_out(name, feature);
    }
    for (name, feature, _) in RESOLVERS.into_iter().filter(|(_, _, compiled_in)| !compiled_in) {
        registry.resolvers.leave_out(name, feature);
    }
    Ok(())
}
