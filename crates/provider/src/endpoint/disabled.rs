//! The places of leases at an endpoint that is not compiled in.

use s3_credential_core::{CredentialForm, DeliveryPlan, EndpointGrant, Failure};

use crate::lease::LeaseKey;
use crate::provider::Provider;

#[allow(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "the same signature as with the feature `endpoint`"
)]
impl Provider {
    pub(crate) fn endpoint_grant(&self, _: &LeaseKey) -> Result<Option<EndpointGrant>, Failure> {
        Ok(None)
    }

    pub(crate) fn grant(
        &self,
        _: &str,
        _: &DeliveryPlan,
        _: &CredentialForm,
    ) -> Result<(), Failure> {
        Ok(())
    }

    pub(crate) fn endpoint_answers(&self) -> Vec<(u16, u64)> {
        Vec::new()
    }

    pub(crate) fn restore_grant(&self, _: &str) -> bool {
        false
    }

    /// What an earlier run with the endpoint has kept goes with its lease all the same.
    pub(crate) fn revoke_grant(&self, name: &str) -> Result<(), Failure> {
        self.checkpoint.remove(name)
    }
}
