//! The leases that the loopback endpoint serves: their tokens and keys, and what the next run needs to go on serving them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use jiff::Timestamp;
use s3_credential_core::{
    CredentialForm, Delivery, DeliveryPlan, EndpointGrant, ErrorKind, Failure, Keys, Secret,
    file_names, names,
};
use s3_credential_delivery::{
    Endpoint, EndpointSettings, Grants, KeySource, StatePath, is_in_memory, new_token,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use crate::journal::Journal;
use crate::lease::{LeaseKey, LeaseRecord};
use crate::provider::Provider;

/// Where the state path keeps tokens and keys. The leading dot keeps it out of the journal's records.
const SECRETS: &str = ".endpoint";

/// The endpoint of this process.
#[derive(Debug)]
pub(crate) struct Served {
    endpoint: Endpoint,
    grants: Grants,
    secrets: Secrets,
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
        let clock = Arc::clone(&self.wiring.clock);
        let endpoint = Endpoint::bind(&settings, grants.clone(), clock, &Handle::current())?;
        let state_path = self.journal.path().to_owned();
        let secrets = Secrets { state_path, opened: OnceLock::new() };
        let served = self.served.get_or_init(|| Served { endpoint, grants, secrets });
        Ok(served.endpoint.address())
    }

    /// Whether the settings deliver anything to the endpoint, so that it should be served.
    pub fn needs_endpoint(&self) -> bool {
        self.settings.delivery == Some(Delivery::Endpoint)
            || self.settings.deliveries.has(Delivery::Endpoint)
    }

    /// The lease's place at the endpoint, if one is served: with the token that it had, if it had one.
    pub(crate) fn endpoint_grant(&self, key: &LeaseKey) -> Result<Option<EndpointGrant>, Failure> {
        let Some(served) = self.served.get() else { return Ok(None) };
        let plan = self.leases.get(&key.name).and_then(|lease| lease.plan);
        let had = plan
            .as_deref()
            .and_then(token_of)
            .or_else(|| Some(served.secrets.read(&key.name)?.token));
        let token = match had {
            Some(token) => token,
            None => new_token()?,
        };
        Ok(Some(EndpointGrant { uri: served.endpoint.uri(&key.name), token }))
    }

    /// Serves what was just delivered to the endpoint.
    pub(crate) fn serve_keys(
        &self,
        name: &str,
        plan: &DeliveryPlan,
        form: &CredentialForm,
    ) -> Result<(), Failure> {
        let (Some(served), Some(token), CredentialForm::Keys(keys)) =
            (self.served.get(), token_of(plan), form)
        else {
            return Ok(());
        };
        served.secrets.write(name, &token, keys);
        served.grants.insert(name, token, self.lease_keys(name, keys.clone()))
    }

    /// Serves a lease of an earlier run with what that has left. Whether it has left anything: otherwise the next refresh brings a
    /// token and keys.
    pub(crate) fn serve_again(&self, name: &str) -> bool {
        let Some(served) = self.served.get() else { return false };
        let Some(kept) = served.secrets.read(name) else { return false };
        let mut keys = Keys::new(kept.access_key_id, kept.secret_access_key);
        keys.session_token = kept.session_token;
        keys.expires_at = kept.expires_at;
        served.grants.insert(name, kept.token, self.lease_keys(name, keys)).is_ok()
    }

    /// Serves the lease no longer, and forgets its secrets.
    pub(crate) fn serve_no_longer(&self, name: &str) {
        if let Some(served) = self.served.get() {
            served.grants.remove(name);
            served.secrets.remove(name);
        }
    }

    /// Keys for a lease, fetched anew.
    async fn keys_of_lease(&self, name: &str) -> Result<Keys, Failure> {
        let gone = || Failure::new(ErrorKind::NoSource, "the lease, or its source, is gone");
        let lease = self.leases.get(name).ok_or_else(gone)?;
        let again = self.prepare_again(&lease.context, &lease.record.identity).await;
        match again.map_err(|error| error.failure)?.ok_or_else(gone)?.form {
            CredentialForm::Keys(keys) => Ok(keys),
            _ => Err(gone()),
        }
    }

    fn lease_keys(&self, name: &str, keys: Keys) -> Arc<dyn KeySource> {
        // Without the endpoint, which would otherwise hold itself.
        let provider = Self { served: Arc::default(), ..self.clone() };
        Arc::new(LeaseKeys { keys: ArcSwap::from_pointee(keys), provider, name: name.into() })
    }
}

/// A lease's keys, as the endpoint asks for them. Rotation replaces the whole of it; here is what to do where it came too late.
struct LeaseKeys {
    keys: ArcSwap<Keys>,
    provider: Provider,
    name: Arc<str>,
}

impl fmt::Debug for LeaseKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseKeys").finish_non_exhaustive()
    }
}

#[async_trait]
impl KeySource for LeaseKeys {
    fn current(&self) -> Option<Arc<Keys>> {
        let keys = self.keys.load_full();
        let now = self.provider.wiring.clock.now();
        keys.expires_at.is_none_or(|at| at > now).then_some(keys)
    }

    async fn load(&self) -> Result<Arc<Keys>, Failure> {
        let keys = self.provider.keys_of_lease(&self.name).await?;
        self.keys.store(Arc::new(keys));
        Ok(self.keys.load_full())
    }
}

fn token_of(plan: &DeliveryPlan) -> Option<Secret> {
    plan.files
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

/// What the next run needs to go on serving a lease.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    token: Secret,
    access_key_id: Secret,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expires_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Keeping<'a> {
    token: &'a str,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: Option<&'a str>,
    expires_at: Option<Timestamp>,
}

/// One file for each lease, 0600, in memory only: on a disk nothing is kept, and a new run hands out new tokens.
#[derive(Debug)]
struct Secrets {
    state_path: PathBuf,
    opened: OnceLock<Option<StatePath>>,
}

impl Secrets {
    fn opened(&self) -> Option<&StatePath> {
        let open = || {
            let path = self.state_path.join(SECRETS);
            let in_memory = is_in_memory(&self.state_path);
            if !in_memory {
                tracing::warn!(
                    "the state path is on a disk: leases of the endpoint do not outlive an outage at a restart"
                );
            }
            in_memory.then(|| StatePath::open(&path).ok()).flatten()
        };
        self.opened.get_or_init(open).as_ref()
    }

    fn read(&self, name: &str) -> Option<Kept> {
        let bytes = Zeroizing::new(self.opened()?.read(name).ok()??);
        serde_json::from_slice(&bytes).ok()
    }

    fn write(&self, name: &str, token: &Secret, keys: &Keys) {
        let Some(state) = self.opened() else { return };
        let keeping = Keeping {
            token: token.expose(),
            access_key_id: keys.access_key_id.expose(),
            secret_access_key: keys.secret_access_key.expose(),
            session_token: keys.session_token.as_ref().map(Secret::expose),
            expires_at: keys.expires_at,
        };
        // Room for all of it at once, so that no partial copy stays behind.
        let room = 1024 + 2 * keys.session_token.as_ref().map_or(0, Secret::len);
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        let written = serde_json::to_writer(&mut *bytes, &keeping)
            .map_err(|_| Failure::new(ErrorKind::Internal, "keys cannot be written as JSON"))
            .and_then(|()| state.write(name, &bytes));
        if let Err(failure) = written {
            tracing::warn!(%failure, "the next run cannot go on serving a lease of the endpoint");
        }
    }

    fn remove(&self, name: &str) {
        if let Some(state) = self.opened()
            && let Err(failure) = state.remove(name)
        {
            tracing::error!(%failure, "the secrets of a lease are left");
        }
    }
}
