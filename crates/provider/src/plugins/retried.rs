//! Sources that cannot be made yet.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use s3_credential_core::{
    Changes, CredentialForm, CredentialSource, Failure, Permission, ProvideContext, Signal,
    SourceError, source_names,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

type Source = Arc<dyn CredentialSource>;

/// Makes a source. One that cannot be made fails only the volumes that need it, and each of them
/// tries again.
pub(crate) fn or_retried(
    name: &str,
    make: impl Fn() -> Result<Source, Failure> + Send + Sync + 'static,
) -> Source {
    make().unwrap_or_else(|_| {
        Arc::new(Retried {
            name: name.to_owned(),
            make: Box::new(make),
            state: Mutex::default(),
            changed: Signal::default(),
        })
    })
}

/// A source that is made by the first call for which that is possible.
struct Retried {
    name: String,
    make: Box<dyn Fn() -> Result<Source, Failure> + Send + Sync>,
    state: Mutex<State>,
    /// For subscribers that come before the source is made.
    changed: Signal,
}

#[derive(Default)]
struct State {
    made: Option<Source>,
    forwards: Option<JoinHandle<()>>,
}

impl Retried {
    fn get(&self) -> Result<Source, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = &state.made {
            return Ok(Arc::clone(source));
        }
        let source = (self.make)()?;
        state.made = Some(Arc::clone(&source));
        state.forwards = self.forward(&source);
        Ok(source)
    }

    fn made(&self) -> Option<Source> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).made.clone()
    }

    /// Reports the changes of the source to those that subscribed before it was made.
    fn forward(&self, source: &Source) -> Option<JoinHandle<()>> {
        let runtime = Handle::try_current().ok()?;
        let (mut changes, changed) = (source.changes()?, self.changed.clone());
        Some(runtime.spawn(async move {
            loop {
                changed.forward(changes.changed().await);
            }
        }))
    }
}

impl Drop for Retried {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = state.forwards.take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Retried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retried").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods, reason = "a method that is not forwarded is lost")]
impl CredentialSource for Retried {
    fn name(&self) -> &str {
        &self.name
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        self.get()?.provide(context).await
    }

    fn is_from_request(&self, context: &ProvideContext) -> bool {
        match self.made() {
            Some(source) => source.is_from_request(context),
            None => self.name == source_names::POD_TOKEN,
        }
    }

    fn looks_role_up(&self) -> bool {
        self.made().is_some_and(|source| source.looks_role_up())
    }

    fn changes(&self) -> Option<Changes> {
        self.made().map_or_else(|| Some(self.changed.subscribe()), |source| source.changes())
    }

    fn permissions(&self) -> Vec<Permission> {
        self.made().map_or_else(Vec::new, |source| source.permissions())
    }
}
