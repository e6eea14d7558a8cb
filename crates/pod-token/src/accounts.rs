//! The annotations of a pod's ServiceAccount: read when they must be, remembered while that is
//! right.

use std::sync::Arc;

use s3_credential_core::{Changes, Clock, Failure, SingleFlight};

use crate::annotations::Annotations;
use crate::api::{Account, Kubernetes};
use crate::memory::{Memory, Seen};
use crate::settings::PodTokenSettings;
use crate::watch::{Watching, seen};

/// A look-up with a memory; see the crate's page for what is remembered.
#[derive(Debug)]
pub(crate) struct Accounts {
    kubernetes: Kubernetes,
    prefix: String,
    watches: bool,
    memory: Arc<Memory>,
    flights: SingleFlight<Account, Result<Seen, Failure>>,
}

impl Accounts {
    pub(crate) fn new(
        settings: &PodTokenSettings,
        kubernetes: Kubernetes,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            kubernetes,
            prefix: settings.annotation_prefix.clone(),
            watches: settings.watch_annotations,
            memory: Arc::new(Memory::new(settings, clock)),
            flights: SingleFlight::default(),
        }
    }

    /// Returns a subscription to changes of annotations that were looked up.
    pub(crate) fn changes(&self) -> Changes {
        self.memory.changes()
    }

    /// Returns the annotations of the account, for this pod: freshly read for a pod that was not
    /// served before.
    pub(crate) async fn annotations(
        &self,
        account: &Account,
        pod: &str,
    ) -> Result<Arc<Annotations>, Failure> {
        if let Some(annotations) = self.memory.fresh(account, pod) {
            // The pod is here to stay: it was served before.
            self.watch(account);
            return Ok(annotations);
        }
        let asked_at = self.memory.now();
        match self.read(account).await {
            Ok(seen) => {
                let annotations = Arc::clone(&seen.annotations);
                self.memory.remember(account, pod, seen, asked_at);
                Ok(annotations)
            }
            Err(failure) if failure.is_retryable() => {
                self.memory.stale(account, pod).ok_or(failure)
            }
            Err(failure) => {
                self.memory.forget(account);
                Err(failure)
            }
        }
    }

    async fn read(&self, account: &Account) -> Result<Seen, Failure> {
        let read = || {
            let (kubernetes, account, prefix) =
                (self.kubernetes.clone(), account.clone(), self.prefix.clone());
            async move {
                let accounts = kubernetes.service_accounts(&account.namespace);
                let call = account.call("get", "serviceaccounts");
                let found = kubernetes.ask(call, accounts.get(&account.name)).await?;
                Ok(seen(&prefix, found))
            }
        };
        self.flights.run(account.clone(), read).await
    }

    fn watch(&self, account: &Account) {
        if self.watches {
            let (kubernetes, prefix) = (self.kubernetes.clone(), self.prefix.clone());
            let memory = Arc::downgrade(&self.memory);
            self.memory.watch(account, |version| {
                Watching::start(kubernetes, account.clone(), version, prefix, memory)
            });
        }
    }
}
