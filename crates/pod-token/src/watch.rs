//! A watch of one ServiceAccount, while credentials for a pod of this account are kept fresh.

use std::sync::{Arc, Weak};

use futures::{StreamExt as _, pin_mut};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::WatchParams;
use kube::core::WatchEvent;
use s3_credential_core::quietly;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::annotations::Annotations;
use crate::api::{Account, Kubernetes};
use crate::memory::{Memory, SILENCE, Seen};

/// A running watch; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Watching(JoinHandle<()>);

impl Watching {
    /// Sends the changes of the account after this version to the memory.
    pub(crate) fn start(
        kubernetes: Kubernetes,
        account: Account,
        version: String,
        prefix: String,
        memory: Weak<Memory>,
    ) -> Self {
        Self(tokio::spawn(async move {
            let end = quietly(follow(&kubernetes, &account, &version, &prefix, &memory)).await;
            if let Some(memory) = memory.upgrade() {
                match end {
                    End::Deleted => memory.forget(&account),
                    End::Refused => memory.unwatched(&account, true),
                    End::Other => memory.unwatched(&account, false),
                }
            }
        }))
    }
}

impl Watching {
    pub(crate) fn is_running(&self) -> bool {
        !self.0.is_finished()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

enum End {
    Deleted,
    Refused,
    /// Its time was up, the version is too old, the connection broke or is silent: the account is
    /// read again.
    Other,
}

async fn follow(
    kubernetes: &Kubernetes,
    account: &Account,
    version: &str,
    prefix: &str,
    memory: &Weak<Memory>,
) -> End {
    let parameters = WatchParams::default().fields(&format!("metadata.name={}", account.name));
    let accounts = kubernetes.service_accounts(&account.namespace);
    let events = match kubernetes.in_time(accounts.watch(&parameters, version)).await {
        Some(Ok(events)) => events,
        Some(Err(kube::Error::Api(status))) if status.code == 403 => return End::Refused,
        Some(Err(_)) | None => return End::Other,
    };
    pin_mut!(events);
    while let Ok(Some(event)) = timeout(SILENCE, events.next()).await {
        // The memory goes with its source.
        let Some(memory) = memory.upgrade() else { return End::Other };
        match event {
            Ok(WatchEvent::Added(found) | WatchEvent::Modified(found)) => {
                memory.apply_event(account, Some(seen(prefix, found)));
            }
            Ok(WatchEvent::Bookmark(_)) => memory.apply_event(account, None),
            Ok(WatchEvent::Deleted(_)) => return End::Deleted,
            Ok(WatchEvent::Error(_)) | Err(_) => return End::Other,
        }
    }
    End::Other
}

/// Returns the relevant parts of a ServiceAccount.
pub(crate) fn seen(prefix: &str, found: ServiceAccount) -> Seen {
    Seen {
        annotations: Arc::new(Annotations::new(prefix, found.metadata.annotations.as_ref())),
        resource_version: found.metadata.resource_version,
    }
}
