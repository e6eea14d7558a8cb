//! `secret-watch`: one Secret, watched through the Kubernetes API.

mod api;
mod backoff;
mod followed;
mod settings;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kube::Client;
use s3_credential_core::{
    Changes, CredentialForm, CredentialSource, ErrorKind, Failure, Permission, ProvideContext,
    Signal, SourceError, source_names,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::keys::Reader;
use crate::level::not_for_pods;
use api::SecretApi;
use followed::Followed;

#[cfg(fuzzing)]
pub(crate) use api::{values_in_event, values_in_list};
pub use settings::{SecretNamespace, SecretWatchSettings};

/// The keys of a Secret that the operator names, followed through the Kubernetes API.
///
/// # Guarantees
/// A change reaches [`changes`](CredentialSource::changes) at once. While the API server is away
/// the last known keys are returned. One watch serves all volumes; it begins with the first call
/// and ends with the source. The operator configures which Secret it is. Of a volume only the pod's
/// namespace counts, as the kubelet sends it, and only where the operator wants it.
///
/// # Errors
/// `not-found` where the Secret does not exist, also if it was deleted; `permission-denied` with
/// the rule that is missing; `unavailable` while no answer is known yet and the API server cannot
/// be reached; `invalid-secret` as for every Secret; `missing-pod-info` where the pod's namespace
/// is needed and missing from the request. Not applicable at pod level, unless the Secret is one of
/// the pod's own namespace.
///
/// # Assumptions
/// The driver's service account may `list` and `watch` this one Secret:
/// `{"apiGroups":[""],"resources":["secrets"],"resourceNames":["NAME"],"verbs":["list","watch"]}`
/// in a Role of its namespace. Runs within a tokio runtime.
pub struct SecretWatchSource {
    name: Cow<'static, str>,
    client: Client,
    settings: SecretWatchSettings,
    reader: Reader,
    signal: Signal,
    /// By namespace.
    watches: Mutex<HashMap<String, Watch>>,
}

/// A Secret and the task that follows it.
struct Watch {
    followed: Arc<Followed>,
    task: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SecretWatchSource {
    /// Makes the source for the Secret of these settings.
    pub fn new(client: Client, settings: SecretWatchSettings) -> Result<Self, Failure> {
        settings.check()?;
        Ok(Self {
            name: source_names::SECRET_WATCH.into(),
            client,
            reader: Reader::new(settings.key_names.clone())?,
            settings,
            signal: Signal::default(),
            watches: Mutex::default(),
        })
    }

    /// Sets its name in chains.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), ..self }
    }

    /// The namespace of the Secret for this volume.
    fn namespace<'a>(&'a self, context: &'a ProvideContext) -> Result<&'a str, SourceError> {
        match &self.settings.namespace {
            SecretNamespace::Fixed(namespace) => {
                not_for_pods(context)?;
                Ok(namespace)
            }
            SecretNamespace::OfThePod => {
                let namespace = context.pod().namespace.as_deref().ok_or_else(|| {
                    Failure::new(
                        ErrorKind::MissingPodInfo,
                        "the request does not name the pod's namespace, in which the Secret is",
                    )
                    .with_help("set `podInfoOnMount: true` in the CSIDriver object")
                })?;
                self.settings.call("list", namespace).check()?;
                Ok(namespace)
            }
        }
    }

    /// Returns the Secret of this namespace, which is watched from now on; `None` outside of a
    /// runtime.
    fn follow(&self, namespace: &str) -> Option<Arc<Followed>> {
        let runtime = Handle::try_current().ok()?;
        let mut watches = self.watches();
        // A watch that has ended, or whose runtime has, gets no more events.
        watches.retain(|_, watch| !watch.task.is_finished());
        let watch = watches.entry(namespace.to_owned()).or_insert_with(|| {
            let api = SecretApi::new(self.client.clone(), &self.settings, namespace);
            let followed = Arc::new(Followed::new(api, &self.settings, self.signal.clone()));
            let task = runtime.spawn(Arc::clone(&followed).run());
            Watch { followed, task }
        });
        watch.followed.asked();
        Some(Arc::clone(&watch.followed))
    }

    fn watches(&self) -> MutexGuard<'_, HashMap<String, Watch>> {
        // No update can be half-done here, so a poisoned lock can be used like any other.
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CredentialSource for SecretWatchSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        let namespace = self.namespace(context)?;
        let followed = self.follow(namespace).ok_or_else(|| {
            Failure::new(ErrorKind::Internal, "a Secret is watched within a tokio runtime only")
        })?;
        let values = followed.values().await?;
        let place = self.settings.place(namespace);
        let keys = self.reader.read(&place, &values)?;
        keys.map(CredentialForm::Keys).ok_or_else(|| {
            let wanted = self.reader.wanted();
            SourceError::failed(
                ErrorKind::InvalidSecret,
                format!("{place} has neither of {wanted}{}", Reader::there(&values)),
            )
            .with_help(format!("add {wanted} to {place}; {}", self.reader.known()))
        })
    }

    fn changes(&self) -> Option<Changes> {
        if let SecretNamespace::Fixed(namespace) = &self.settings.namespace {
            self.follow(namespace);
        }
        Some(self.signal.subscribe())
    }

    /// In every namespace where the Secret is the pod's, since it is not known which they are.
    fn permissions(&self) -> Vec<Permission> {
        let permission = |verb| {
            let purpose = "the keys of volumes are in this Secret, which is followed";
            let permission = Permission::new(verb, "secrets", purpose).named(&self.settings.name);
            match &self.settings.namespace {
                SecretNamespace::Fixed(namespace) => permission.in_namespace(namespace),
                SecretNamespace::OfThePod => permission,
            }
        };
        ["list", "watch"].map(permission).into()
    }
}

impl fmt::Debug for SecretWatchSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretWatchSource")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
