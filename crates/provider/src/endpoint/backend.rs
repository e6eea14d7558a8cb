//! The seam for an endpoint that another process serves.

use std::fmt;

use s3_credential_core::{Failure, Keys, Secret};

/// Serves the keys of leases to their mounts, over the container-credentials protocol.
///
/// The default is a listener in the provider's process.
/// [`Provider::use_endpoint_backend`](crate::Provider::use_endpoint_backend) takes another one,
/// such as a process in the network namespace of the mounts.
///
/// # Guarantees
/// A lease is granted before its `provide` returns, and again with the same token after each
/// refresh and after a resume. It is revoked when its last holder is gone. Calls for one lease
/// never overlap.
///
/// # Assumptions
/// Each call returns quickly: it may queue what it sends, in the order of the calls. An
/// implementation serves keys only to clients with the token, and serves no expired keys;
/// [`PushedKeys`](s3_credential_delivery::PushedKeys) in
/// [`Grants`](s3_credential_delivery::Grants) does both.
pub trait EndpointBackend: fmt::Debug + Send + Sync + 'static {
    /// Returns the URI at which a mount asks for the keys of this lease. It stays the same across
    /// restarts.
    fn uri(&self, lease: &str) -> String;

    /// Serves `keys` to clients that show `token`, in the place of what this lease had before.
    ///
    /// # Errors
    /// A first publish fails with it, and is undone; a refresh is retried.
    fn grant(&self, lease: &str, token: &Secret, keys: &Keys) -> Result<(), Failure>;

    /// Stops serving this lease, and drops its keys and token.
    fn revoke(&self, lease: &str);
}
