//! The leases that the loopback endpoint serves: their tokens and keys.

use std::net::SocketAddr;
use std::sync::Arc;

use s3_credential_core::{
    CredentialForm, Delivery, DeliveryPlan, EndpointGrant, ErrorKind, Failure, Keys, PlannedFile,
    Secret, file_names, names,
};
use s3_credential_delivery::{Endpoint, EndpointSettings, Grants, KeySource, new_token};
use tokio::runtime::Handle;

use super::backend::EndpointBackend;
use super::checkpoint::CheckpointEntry;
use crate::cache::CachedKeys;
use crate::lease::Journal;
use crate::lease::{LeaseKey, LeaseRecord};
use crate::provider::Provider;

/// The endpoint that serves the leases.
#[derive(Debug)]
pub(crate) enum EndpointServer {
    /// The endpoint of this process.
    InProcess {
        endpoint: Endpoint,
        grants: Grants,
        /// Why it listens elsewhere than configured, or than live mounts expect.
        moved: Option<String>,
    },
    /// An endpoint that the caller serves elsewhere.
    Backend(Arc<dyn EndpointBackend>),
}

impl EndpointServer {
    fn uri(&self, name: &str) -> String {
        match self {
            Self::InProcess { endpoint, .. } => endpoint.uri(name),
            Self::Backend(backend) => backend.uri(name),
        }
    }
}

impl Provider {
    /// Serves the loopback endpoint from now on, which the delivery `endpoint` needs, until the
    /// last clone of this provider is dropped. Returns the address: the one that live mounts of an
    /// earlier run know, else the configured one, else a free one. To be called within a tokio
    /// runtime, and before `resume`.
    pub fn serve_endpoint(&self) -> Result<SocketAddr, Failure> {
        match self.served.get() {
            Some(EndpointServer::InProcess { endpoint, .. }) => return Ok(endpoint.address()),
            Some(EndpointServer::Backend(_)) => return Err(served_elsewhere()),
            None => {}
        }
        if !self.checkpoint.is_in_memory() {
            tracing::warn!("{ON_DISK}");
        }
        let grants = Grants::default();
        let (endpoint, moved) = self.bind_endpoint(&grants)?;
        if let Some(moved) = &moved {
            tracing::warn!("{moved}");
        }
        let address = endpoint.address();
        let server = EndpointServer::InProcess { endpoint, grants, moved };
        self.served.set(server).map_err(|_| served_elsewhere())?;
        Ok(address)
    }

    /// Binds the address that live mounts know before the configured one, of which they cannot
    /// learn.
    fn bind_endpoint(&self, grants: &Grants) -> Result<(Endpoint, Option<String>), Failure> {
        let bind = |address| {
            let settings = EndpointSettings { address, ..EndpointSettings::default() };
            let clock = Arc::clone(&self.resolver.clock);
            Endpoint::bind(&settings, grants.clone(), clock, &Handle::current())
        };
        let configured = self.settings.endpoint.address;
        let Some(expected) = expected_address(&self.journal) else {
            return Ok((bind(configured)?, None));
        };
        if configured == Some(expected) {
            return Ok((bind(configured)?, None));
        }
        match bind(Some(expected)) {
            Ok(endpoint) => {
                let other = configured.filter(|configured| configured.port() != 0);
                let moved = other.map(|other| format!("live mounts ask the credentials endpoint at {expected}: {other} takes effect with the first start without such a mount"));
                Ok((endpoint, moved))
            }
            Err(failure) => {
                let moved = format!(
                    "live mounts ask the credentials endpoint at {expected}, and get no keys until their pods are restarted: {failure}"
                );
                Ok((bind(configured)?, Some(moved)))
            }
        }
    }

    /// Serves the leases of the delivery `endpoint` through `backend` instead of a listener in this
    /// process. Call it before [`start`](Self::start).
    ///
    /// # Errors
    /// `misconfigured` where an endpoint is served already.
    pub fn use_endpoint_backend(&self, backend: Arc<dyn EndpointBackend>) -> Result<(), Failure> {
        self.served.set(EndpointServer::Backend(backend)).map_err(|_| served_elsewhere())
    }

    /// Returns what the endpoint cannot carry over a restart of this process, for an operator to
    /// read at the start.
    pub fn endpoint_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let Some(served) = self.served.get() else { return warnings };
        if !self.checkpoint.is_in_memory() {
            warnings.push(ON_DISK.to_owned());
        }
        let EndpointServer::InProcess { endpoint, moved, .. } = served else { return warnings };
        warnings.extend(moved.clone());
        if !endpoint.has_reserved_port() {
            let address = endpoint.address();
            warnings.push(format!("the credentials endpoint listens on {address}, which any process can take while the driver is down: use a port below net.ipv4.ip_unprivileged_port_start"));
        }
        warnings
    }

    /// Closes the endpoint, if it is served, and returns when its port is free.
    pub(crate) async fn close_endpoint(&self) {
        if let Some(EndpointServer::InProcess { endpoint, .. }) = self.served.get() {
            endpoint.close().await;
        }
    }

    /// Returns how many answers of each HTTP status the endpoint gave.
    pub(crate) fn endpoint_answers(&self) -> Vec<(u16, u64)> {
        match self.served.get() {
            Some(EndpointServer::InProcess { endpoint, .. }) => endpoint.answers(),
            _ => Vec::new(),
        }
    }

    /// Whether it should be served: the settings deliver something to it, or a Mountpoint of an
    /// earlier run may be asking it.
    pub fn needs_endpoint(&self) -> bool {
        self.settings.delivery == Some(Delivery::Endpoint)
            || self.settings.deliveries.has(Delivery::Endpoint)
            || expected_address(&self.journal).is_some()
    }

    /// The lease's place at the endpoint, if one is served: with the token that it had, if it had
    /// one.
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
        Ok(Some(EndpointGrant { uri: served.uri(&key.name), token }))
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
        if self.checkpoint.is_in_memory() {
            self.checkpoint.write(name, &token, keys);
        }
        self.serve(served, name, token, keys.clone())
    }

    /// Serves a lease of an earlier run with what that has left. Whether it has left anything:
    /// otherwise the next refresh brings a token and keys.
    pub(crate) fn restore_grant(&self, name: &str) -> bool {
        let Some(served) = self.served.get() else { return false };
        let Some(CheckpointEntry { token, keys }) = self.checkpoint.read(name) else {
            return false;
        };
        self.serve(served, name, token, keys).is_ok()
    }

    fn serve(
        &self,
        served: &EndpointServer,
        name: &str,
        token: Secret,
        keys: Keys,
    ) -> Result<(), Failure> {
        match served {
            EndpointServer::InProcess { grants, .. } => {
                grants.insert(name, token, self.lease_keys(name, keys))
            }
            EndpointServer::Backend(backend) => backend.grant(name, &token, &keys),
        }
    }

    /// Serves the lease no longer, and forgets its secrets, whichever process has kept them.
    pub(crate) fn revoke_grant(&self, name: &str) -> Result<(), Failure> {
        match self.served.get() {
            Some(EndpointServer::InProcess { grants, .. }) => drop(grants.remove(name)),
            Some(EndpointServer::Backend(backend)) => backend.revoke(name),
            None => {}
        }
        self.checkpoint.remove(name)
    }

    /// Fetches new keys for a lease.
    async fn keys_of_lease(&self, name: &str) -> Result<Keys, Failure> {
        let gone = || Failure::new(ErrorKind::NoSource, "the lease, or its source, is gone");
        let lease = self.leases.get(name).ok_or_else(gone)?;
        let key = LeaseKey::of_record(&lease.record);
        let again = self.renew(&lease.context, &key, &lease.record, self.deadline()).await;
        match again.map_err(|error| error.failure)?.ok_or_else(gone)?.form {
            CredentialForm::Keys(keys) => Ok(keys),
            _ => Err(gone()),
        }
    }

    /// A lease's keys, as the endpoint asks for them. Rotation replaces the whole of it; the cache
    /// is for where that came too late.
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

/// Why keys are not kept for the next run.
const ON_DISK: &str = "the state path is on a disk: after a restart live mounts of the delivery `endpoint` get no keys until their next \
                       refresh; put the state path on a tmpfs, such as /run";

fn served_elsewhere() -> Failure {
    Failure::new(ErrorKind::Misconfigured, "the provider has another endpoint already")
        .with_help("choose the endpoint's backend once, before the start")
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
