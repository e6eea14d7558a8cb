//! The served volumes, with their tokens and their sources of keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use s3_credential_core::{ErrorKind, Failure, Keys, Secret};

use super::limit::Admitted;
use super::token;

/// The source of a volume's keys.
///
/// # Guarantees
/// `current` is called for every request, `load` only where it gave none.
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// Returns the keys, if valid ones are there: at once, whatever happens upstream.
    fn current(&self) -> Option<Arc<Keys>>;

    /// Returns the keys, fetched if need be. The future may be dropped at any await.
    async fn load(&self) -> Result<Arc<Keys>, Failure>;
}

/// Keys that stay as they are.
#[async_trait]
impl KeySource for Arc<Keys> {
    fn current(&self) -> Option<Arc<Keys>> {
        Some(Self::clone(self))
    }

    async fn load(&self) -> Result<Arc<Keys>, Failure> {
        Ok(Self::clone(self))
    }
}

/// The volumes that an endpoint serves. Cheap to clone; all clones are one table.
#[derive(Clone, Default)]
pub struct Grants(Arc<RwLock<HashMap<String, Arc<Grant>>>>);

/// One volume's.
pub(super) struct Grant {
    pub(super) token: Secret,
    pub(super) keys: Arc<dyn KeySource>,
    /// Shared with the grants that came before under this id: new keys are no new allowance.
    pub(super) admitted: Arc<Admitted>,
}

/// The longest id, in bytes.
const MAX_ID_LEN: usize = 255;

impl Grants {
    /// Serves these keys to who asks for `id` and shows `token`, in the place of what was served
    /// under this id before.
    ///
    /// # Errors
    /// `internal` for an id that a URL cannot carry unchanged: 1 to 255 characters of `A-Za-z0-9`,
    /// `-`, `.`, `_`, `~` and `@`, and not only dots. The same for a token that is none, see
    /// [`new_token`](super::new_token).
    pub fn insert(&self, id: &str, token: Secret, keys: Arc<dyn KeySource>) -> Result<(), Failure> {
        if !is_id(id) {
            return Err(Failure::new(
                ErrorKind::Internal,
                "the endpoint cannot have this id in a URL",
            ));
        }
        token::check(&token)?;
        let mut grants = self.write();
        let admitted = grants.get(id).map(|grant| Arc::clone(&grant.admitted)).unwrap_or_default();
        grants.insert(id.to_owned(), Arc::new(Grant { token, keys, admitted }));
        Ok(())
    }

    /// Serves other keys under this id, to the same token. Returns whether the id is served.
    pub fn update(&self, id: &str, keys: Arc<dyn KeySource>) -> bool {
        let mut grants = self.write();
        let Some(grant) = grants.get_mut(id) else { return false };
        let (token, admitted) = (grant.token.clone(), Arc::clone(&grant.admitted));
        *grant = Arc::new(Grant { token, keys, admitted });
        true
    }

    /// Serves this volume no longer. Whether it was served.
    pub fn remove(&self, id: &str) -> bool {
        self.write().remove(id).is_some()
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Grant>> {
        self.read().get(id).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, Arc<Grant>>> {
        // Every change under the lock is one step: a poisoned one is as good as any.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<Grant>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte);
    let dots = id.bytes().all(|byte| byte == b'.');
    !dots && id.len() <= MAX_ID_LEN && id.bytes().all(plain)
}

/// Shows their number only.
impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grants({})", self.read().len())
    }
}
