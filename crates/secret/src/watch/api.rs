//! The two calls of the Kubernetes API.
//!
//! Through `kube::Client` but not through `kube::Api`, which logs an answer that it cannot read,
//! and this one holds keys. For the same reason no error of kube or serde is kept as a cause: some
//! repeat what they could not read.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use k8s_openapi::ByteString;
use kube::core::params::{ListParams, WatchParams};
use kube::core::{Request, WatchEvent};
use kube::{Client, Error};
use s3_credential_core::{ErrorKind, Failure, KubernetesCall, Secret, quietly};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;
use zeroize::{Zeroize as _, Zeroizing};

use crate::keys::Values;
use crate::watch::settings::SecretWatchSettings;

/// The time for which the API server is asked to keep one watch open; kube's default.
const WATCH_TTL: Duration = Duration::from_secs(290);

/// The longest silence of a watch before it counts as dead: the API server sends a bookmark about
/// every minute.
pub(super) const SILENCE: Duration = Duration::from_mins(3);

/// One Secret of the API.
pub(super) struct SecretApi {
    client: Client,
    settings: SecretWatchSettings,
    namespace: String,
}

/// The new state of the Secret.
#[derive(Debug)]
pub(super) enum Change {
    /// It has these values.
    Is(Values),
    /// It does not exist.
    Gone,
    /// No change of this Secret.
    None,
}

impl SecretApi {
    pub(super) fn new(client: Client, settings: &SecretWatchSettings, namespace: &str) -> Self {
        Self { client, settings: settings.clone(), namespace: namespace.to_owned() }
    }

    /// Returns the current state of the Secret, and the version to watch it from.
    pub(super) async fn list(&self) -> Result<(Change, String), Failure> {
        let params = ListParams::default().fields(&self.selector());
        let request = self.request().list(&params);
        let call = self.call("list");
        let answer = self.client.request_text(request.map_err(|_| call.unreachable())?);
        let text = match timeout(self.settings.operation_timeout, quietly(answer)).await {
            Ok(answer) => Zeroizing::new(answer.map_err(|error| self.failure("list", &error))?),
            Err(_) => return Err(call.timed_out()),
        };
        let list: List = serde_json::from_str(&text).map_err(|_| call.unreachable())?;
        let mut items = list.items.into_iter();
        let change = items
            .find(|object| self.is_it(object))
            .map_or(Change::Gone, |object| Change::Is(object.values()));
        Ok((change, list.metadata.resource_version))
    }

    /// Returns its changes after that version, until the API server ends the watch.
    pub(super) async fn watch(
        &self,
        version: &str,
    ) -> Result<impl Stream<Item = Result<Change, Failure>> + '_, Failure> {
        let params = WatchParams::default()
            .fields(&self.selector())
            .timeout(u32::try_from(WATCH_TTL.as_secs()).unwrap_or(u32::MAX));
        let request = self.request().watch(&params, version);
        let call = self.call("watch");
        let answer = self.client.request_events::<Object>(request.map_err(|_| call.unreachable())?);
        let events = match timeout(self.settings.operation_timeout, quietly(answer)).await {
            Ok(events) => events.map_err(|error| self.failure("watch", &error))?,
            Err(_) => return Err(call.timed_out()),
        };
        Ok(events.map(|event| self.change(event)))
    }

    /// Returns the failure for want of the Secret.
    pub(super) fn absent(&self) -> Failure {
        let place = self.settings.place(&self.namespace);
        Failure::new(ErrorKind::NotFound, format!("{place} does not exist")).with_help(format!(
            "create it, or correct its name in the configuration of the source: `kubectl -n {} create secret generic {} \
             --from-literal=key_id=... --from-literal=access_key=...`",
            self.namespace, self.settings.name
        ))
    }

    fn change(&self, event: Result<WatchEvent<Object>, Error>) -> Result<Change, Failure> {
        match event.map_err(|error| self.failure("watch", &error))? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) if self.is_it(&object) => {
                Ok(Change::Is(object.values()))
            }
            WatchEvent::Deleted(object) if self.is_it(&object) => Ok(Change::Gone),
            WatchEvent::Error(status) => Err(self.refused("watch", status.code)),
            _ => Ok(Change::None),
        }
    }

    /// RBAC by `resourceNames` allows a list or a watch only if it selects that name.
    fn selector(&self) -> String {
        format!("metadata.name={}", self.settings.name)
    }

    fn request(&self) -> Request {
        Request::new(format!("/api/v1/namespaces/{}/secrets", self.namespace))
    }

    fn is_it(&self, object: &Object) -> bool {
        object.metadata.name == self.settings.name
    }

    fn call<'a>(&'a self, verb: &'a str) -> KubernetesCall<'a> {
        self.settings.call(verb, &self.namespace)
    }

    fn failure(&self, verb: &str, error: &Error) -> Failure {
        match error {
            Error::Api(status) => self.refused(verb, status.code),
            _ => self.call(verb).unreachable(),
        }
    }

    fn refused(&self, verb: &str, status: u16) -> Failure {
        let failure = self.call(verb).refused(status);
        if failure.kind() != ErrorKind::PermissionDenied {
            return failure;
        }
        let Self { settings: SecretWatchSettings { name, .. }, namespace, .. } = self;
        failure.with_help(format!(
            "bind the driver's service account to a Role in the namespace {namespace} with the rule \
             {{\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"resourceNames\":[\"{name}\"],\"verbs\":[\"list\",\"watch\"]}}"
        ))
    }
}

/// `SecretList`, as far as it matters here.
#[derive(Deserialize)]
struct List {
    metadata: ListMetadata,
    #[serde(default)]
    items: Vec<Object>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMetadata {
    resource_version: String,
}

/// `Secret`, as far as it matters here.
#[derive(Clone, Deserialize)]
struct Object {
    metadata: Metadata,
    #[serde(default)]
    data: Option<BTreeMap<String, Value>>,
}

#[derive(Clone, Deserialize)]
struct Metadata {
    name: String,
}

impl Object {
    fn values(self) -> Values {
        let data = self.data.unwrap_or_default();
        data.into_iter().map(|(name, Value(value))| (name, value)).collect()
    }
}

/// One value, from base64 straight into memory that is zeroised.
#[derive(Clone)]
struct Value(Secret);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ByteString(bytes) = ByteString::deserialize(deserializer)?;
        let text = String::from_utf8(bytes).unwrap_or_else(|error| {
            let mut bytes = error.into_bytes();
            // U+FFFD stands for what is no text, and every validation refuses it.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            bytes.zeroize();
            text
        });
        Ok(Self(Secret::new(text)))
    }
}

/// For the fuzz targets: what is asked of the API server is left out, what is read of its answers
/// is not.
#[cfg(fuzzing)]
pub(crate) fn values_in_list(text: &str, name: &str) -> Option<Values> {
    let list: List = serde_json::from_str(text).ok()?;
    let found = list.items.into_iter().find(|object| object.metadata.name == name);
    Some(found.map(Object::values).unwrap_or_default())
}

/// The same for one event.
#[cfg(fuzzing)]
pub(crate) fn values_in_event(line: &str) -> Option<Values> {
    match serde_json::from_str(line).ok()? {
        WatchEvent::<Object>::Added(object) | WatchEvent::Modified(object) => Some(object.values()),
        _ => None,
    }
}
