//! The plug-ins of this workspace, registered as anybody's are: their settings as a file has them,
//! and how each is made.

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

use s3_credential_core::Failure;

use crate::plugins::{LEFT_OUT_RESOLVERS, LEFT_OUT_SOURCES};
use crate::registry::Registry;

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
    for (name, feature) in LEFT_OUT_SOURCES {
        registry.sources.leave_out(name, feature);
    }
    for (name, feature) in LEFT_OUT_RESOLVERS {
        registry.resolvers.leave_out(name, feature);
    }
    Ok(())
}
