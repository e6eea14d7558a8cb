//! The leases that the loopback endpoint serves: their tokens and keys.

use std::net::SocketAddr;
use std::sync::Arc;

use s3_credential_core::{
    CredentialForm, Delivery, DeliveryPlan, EndpointGrant, ErrorKind, Failure, Keys, PlannedFile,
    Secret, file_names, names,
};
use s3_credential_delivery::{Endpoint, EndpointSettings, Grants, KeySource, new_token};
use tokio::runtime::Handle;

use super::checkpoint::CheckpointEntry;
use crate::cache::CachedKeys;
use crate::lease::Journal;
use crate::lease::{LeaseKey, LeaseRecord};
use crate::provider::Provider;

/// The endpoint of this process.
#[derive(Debug)]
pub(crate) struct EndpointServer {
    endpoint: Endpoint,
    grants: Grants,
}

impl Provider {
    /// Serves the loopback endpoint from now on, which the delivery `endpoint` needs, until the last clone of this provider is
    /// dropped: where the settings say, else where the Mountpoints of an earlier run expect it, else where there is room. Returns
    /// the address. To be called within a tokio runtime, and before `resume`.
    pub fn serve_endpoint(&self) -> Result<SocketAddr, Failure> {
        if let Some(served) = self.served.get() {
            return Ok(served.endpoint.address());
        }
        let grants = Grants::default();
        let address = self.settings.endpoint.address.or_else(|| expected_address(&self.journal));
        let settings = EndpointSettings { address, ..EndpointSettings::default() };
        let clock = Arc::clone(&self.resolver.clock);
        let endpoint = Endpoint::bind(&settings, grants.clone(), clock, &Handle::current())?;
        let served = self.served.get_or_init(|| EndpointServer { endpoint, grants });
        Ok(served.endpoint.address())
    }

    /// Closes the endpoint, if it is served, and returns when its port is free.
    pub(crate) async fn close_endpoint(&self) {
        if let Some(served) = self.served.get() {
            served.endpoint.close().await;
        }
    }

    /// Whether it should be served: the settings deliver something to it, or a Mountpoint of an earlier run may be asking it.
    pub fn needs_endpoint(&self) -> bool {
        self.settings.delivery == Some(Delivery::Endpoint)
            || self.settings.deliveries.has(Delivery::Endpoint)
            || expected_address(&self.journal).is_some()
    }

    /// The lease's place at the endpoint, if one is served: with the token that it had, if it had one.
    pub(crate) fn endpoint_grant(&self, key: &LeaseKey) -> Result<Option<EndpointGrant>, Failure> {
        let Some(served) = self.served.get() else { return Ok(None) };
        let files = self.leases.get(&key.name).and_then(|lease| lease.files);
        let had = files
            .as_deref()
            .and_then(token_of)
            .or_else(|| Some(self.checkpoint.read(&key.name)?.token));
        let token = match had {
            Some(token) => token,
            None => new_token()?,
        };
        Ok(Some(EndpointGrant { uri: served.endpoint.uri(&key.name), token }))
    }

    /// Serves what was just delivered to the endpoint.
    pub(crate) fn grant(
        &self,
        name: &str,
        plan: &DeliveryPlan,
        form: &CredentialForm,
    ) -> Result<(), Failure> {
        let (Some(served), Some(token), CredentialForm::Keys(keys)) =
            (self.served.get(), token_of(&plan.files), form)
        else {
            return Ok(());
        };
        self.checkpoint.write(name, &token, keys);
        served.grants.insert(name, token, self.lease_keys(name, keys.clone()))
    }

    /// Serves a lease of an earlier run with what that has left. Whether it has left anything: otherwise the next refresh brings a
    /// token and keys.
    pub(crate) fn restore_grant(&self, name: &str) -> bool {
        let Some(served) = self.served.get() else { return false };
        let Some(CheckpointEntry { token, keys }) = self.checkpoint.read(name) else {
            return false;
        };
        served.grants.insert(name, token, self.lease_keys(name, keys)).is_ok()
    }

    /// Serves the lease no longer, and forgets its secrets, whichever process has kept them.
    pub(crate) fn revoke_grant(&self, name: &str) -> Result<(), Failure> {
        if let Some(served) = self.served.get() {
            served.grants.remove(name);
        }
        self.checkpoint.remove(name)
    }

    /// Keys for a lease, fetched anew.
    async fn keys_of_lease(&self, name: &str) -> Result<Keys, Failure> {
        let gone = || Failure::new(ErrorKind::NoSource, "the lease, or its source, is gone");
        let lease = self.leases.get(name).ok_or_else(gone)?;
        let key = LeaseKey::of_record(&lease.record);
        let again = self.renew(&lease.context, &key, &lease.record).await;
        match again.map_err(|error| error.failure)?.ok_or_else(gone)?.form {
            CredentialForm::Keys(keys) => Ok(keys),
            _ => Err(gone()),
        }
    }

    /// A lease's keys, as the endpoint asks for them. Rotation replaces the whole of it; the cache is for where that came too late.
    fn lease_keys(&self, name: &str, keys: Keys) -> Arc<dyn KeySource> {
        // Without the endpoint, which would otherwise hold itself.
        let provider = Self { served: Arc::default(), ..self.clone() };
        let name: Arc<str> = name.into();
        let fetch = move || {
            let (provider, name) = (provider.clone(), Arc::clone(&name));
            async move { provider.keys_of_lease(&name).await }
        };
        let cached = CachedKeys::builder(fetch)
            .keys(keys)
            .settings(self.settings.rotation.cache.clone())
            .clock(Arc::clone(&self.resolver.clock));
        Arc::new(cached.build(Handle::current()))
    }
}

fn token_of(files: &[PlannedFile]) -> Option<Secret> {
    files
        .iter()
        .find(|file| file.name == file_names::ENDPOINT_TOKEN)
        .map(|file| file.content.clone())
}

/// Mountpoints that run know the port.
fn expected_address(journal: &Journal) -> Option<SocketAddr> {
    let address = |record: LeaseRecord| {
        let uri = record.environment.get(names::AWS_CONTAINER_CREDENTIALS_FULL_URI)?;
        uri.strip_prefix("http://")?.split('/').next()?.parse::<SocketAddr>().ok()
    };
    let names = journal.names().ok()?;
    names
        .iter()
        .filter_map(|name| journal.read_named(name).ok()?)
        .filter(|record| record.files.iter().any(|file| file.name == file_names::ENDPOINT_TOKEN))
        .find_map(address)
}
