//! Exchanged keys that some lease has: who would exchange the same shares them for as long as they
//! are fresh.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use s3_credential_core::{CredentialForm, ExchangeRequest, Keys};

/// Keys, and all that decided which. Compared as a whole, the token included: one that is forged or
/// expired never gets what a good one was given.
#[derive(Debug)]
pub(crate) struct Exchange {
    form: CredentialForm,
    request: ExchangeRequest,
    pub(crate) keys: Keys,
}

impl Exchange {
    fn is_of(&self, form: &CredentialForm, request: &ExchangeRequest) -> bool {
        self.form == *form && self.request == *request
    }
}

/// The exchanges of all leases. They are the leases' own, and gone with the last that has them.
#[derive(Default)]
pub(crate) struct ExchangeCache {
    hasher: RandomState,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    exchanges: HashMap<u64, Weak<Exchange>>,
    /// The number of entries from which dropped ones are searched for.
    limit: usize,
}

impl ExchangeCache {
    /// Keys that were exchanged for this.
    pub(crate) fn find(
        &self,
        form: &CredentialForm,
        request: &ExchangeRequest,
    ) -> Option<Arc<Exchange>> {
        let found = self.table().exchanges.get(&self.hash(form, request))?.upgrade()?;
        found.is_of(form, request).then_some(found)
    }

    /// Takes note of keys, in the place of older ones.
    pub(crate) fn insert(
        &self,
        form: CredentialForm,
        request: ExchangeRequest,
        keys: Keys,
    ) -> Arc<Exchange> {
        let hash = self.hash(&form, &request);
        let exchange = Arc::new(Exchange { form, request, keys });
        let mut table = self.table();
        if table.exchanges.len() >= table.limit {
            table.exchanges.retain(|_, exchange| exchange.strong_count() > 0);
            table.limit = 2 * table.exchanges.len() + 16;
        }
        table.exchanges.insert(hash, Arc::downgrade(&exchange));
        exchange
    }

    fn hash(&self, form: &CredentialForm, request: &ExchangeRequest) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        match form {
            CredentialForm::WebIdentity(identity) => {
                identity.token.secret().expose().hash(&mut hasher);
                identity.role_arn.hash(&mut hasher);
            }
            CredentialForm::Container(container) => {
                container.uri.hash(&mut hasher);
                container.token.as_ref().map(|token| token.secret().expose()).hash(&mut hasher);
            }
            other => other.kind().hash(&mut hasher),
        }
        request.policy.hash(&mut hasher);
        hasher.finish()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Every change under the lock is one step: a poisoned one is as good as any.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows their number only.
impl fmt::Debug for ExchangeCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExchangeCache({})", self.table().exchanges.len())
    }
}
