//! Keys that another task or process pushes to the endpoint.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use s3_credential_core::{Clock, Failure, Keys};
use tokio::sync::Notify;

use super::grants::KeySource;

/// Keys of one volume that are replaced from outside, by [`PushedKeys::push`]. Expired keys are
/// never served: a request then waits for the next push, up to
/// [`EndpointSettings::load_timeout`](super::EndpointSettings::load_timeout).
///
/// It is for an endpoint in another process than the provider: that process pushes what it
/// receives.
pub struct PushedKeys {
    clock: Arc<dyn Clock>,
    keys: Mutex<Arc<Keys>>,
    pushed: Notify,
}

impl PushedKeys {
    /// Returns a source that serves `keys` until they expire or others are pushed.
    pub fn new(keys: Keys, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, keys: Mutex::new(Arc::new(keys)), pushed: Notify::new() })
    }

    /// Replaces the keys, and answers the requests that wait for them.
    pub fn push(&self, keys: Keys) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        self.pushed.notify_waiters();
    }
}

#[async_trait]
impl KeySource for PushedKeys {
    fn current(&self) -> Option<Arc<Keys>> {
        let keys = Arc::clone(&self.keys.lock().unwrap_or_else(PoisonError::into_inner));
        let now = self.clock.coarse().now;
        keys.expires_at.is_none_or(|expires_at| expires_at > now).then_some(keys)
    }

    async fn load(&self) -> Result<Arc<Keys>, Failure> {
        loop {
            let pushed = self.pushed.notified();
            if let Some(keys) = self.current() {
                return Ok(keys);
            }
            pushed.await;
        }
    }
}

impl fmt::Debug for PushedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushedKeys").finish_non_exhaustive()
    }
}
