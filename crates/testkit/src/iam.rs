//! The state of AWS: identity providers, roles, users, and every issued key.
//!
//! One [`Iam`] is shared by the emulators, so that keys from IMDS or the agent are good at STS.
//!
//! ```
//! use s3_credential_core::SystemClock;
//! use s3_credential_testkit::iam::{Iam, Role, Trust};
//! use s3_credential_testkit::jwt::Issuer;
//!
//! let iam = Iam::new(SystemClock);
//! let issuer = Issuer::new("https://oidc.example.test/id/1");
//! iam.add_provider(issuer.verifier(), ["sts.amazonaws.com"]);
//! iam.add_role(
//!     Role::new("arn:aws:iam::111122223333:role/web")
//!         .trusting(Trust::web_identity(issuer.url(), "system:serviceaccount:apps:*"))
//!         .trusting(Trust::service("pods.eks.amazonaws.com")),
//! );
//! let user = iam.add_user("arn:aws:iam::111122223333:user/backup");
//! assert!(user.access_key_id.starts_with("AKIA"));
//! ```

mod authentication;
mod issued;
mod pattern;
mod policy;
mod role;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use s3_credential_core::{Clock, Secret, SystemClock};

use crate::jwt::Verifier;
use crate::{ids, lock};

pub use authentication::AuthenticationError;
pub use issued::{Issued, Session};
pub use policy::{Access, Policy, PolicyError};
pub use role::{Caller, Role, Trust};

/// The store. Clones share it.
#[derive(Clone)]
pub struct Iam(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    providers: BTreeMap<String, Provider>,
    roles: BTreeMap<String, Role>,
    /// Identity policies, by the ARN of the role or user that has them.
    policies: BTreeMap<String, Vec<Policy>>,
    /// In the order in which they were issued.
    issued: Vec<Issued>,
}

/// An OpenID Connect provider, as an account knows it.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    pub(crate) verifier: Verifier,
    pub(crate) audiences: Vec<String>,
}

impl Iam {
    /// Makes an empty store whose time is `clock`'s.
    pub fn new(clock: impl Clock) -> Self {
        Self(Arc::new(Inner { clock: Arc::new(clock), state: Mutex::default() }))
    }

    /// Returns the time that every emulator on this store goes by.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Registers an identity provider and the audiences (client ids) that it may name. One of the
    /// same URL is replaced.
    pub fn add_provider<'a>(
        &self,
        verifier: Verifier,
        audiences: impl IntoIterator<Item = &'a str>,
    ) {
        let audiences = audiences.into_iter().map(str::to_owned).collect();
        let provider = Provider { verifier, audiences };
        lock(&self.0.state).providers.insert(provider.verifier.issuer().to_owned(), provider);
    }

    /// Adds a role, or replaces the one of its ARN. Sessions that exist live on.
    pub fn add_role(&self, role: Role) {
        lock(&self.0.state).roles.insert(role.arn().to_owned(), role);
    }

    /// Removes a role. Sessions that exist live on.
    pub fn remove_role(&self, arn: &str) {
        lock(&self.0.state).roles.remove(arn);
    }

    /// Adds an identity policy to a role or a user. Without one they may not do anything.
    pub fn add_policy(&self, arn: &str, document: &str) -> Result<(), PolicyError> {
        let policy = Policy::parse(document)?;
        lock(&self.0.state).policies.entry(arn.to_owned()).or_default().push(policy);
        Ok(())
    }

    /// Returns whether these keys may do this. Their role's or user's policies must allow it and,
    /// where their session was given a policy, that one too. Managed session policies are not known
    /// here, and allow no access.
    pub fn allows(&self, caller: &Issued, access: &Access<'_>) -> bool {
        let principal = caller.session.as_ref().map_or(&caller.arn, |session| &session.role_arn);
        let policies = lock(&self.0.state).policies.get(principal).cloned().unwrap_or_default();
        policies.iter().any(|policy| policy.allows(access))
            && !policies.iter().any(|policy| policy.denies(access))
            && caller.session.as_ref().is_none_or(|session| session.allows(access))
    }

    /// Long-term keys for a user: `arn:aws:iam::111122223333:user/name`.
    pub fn add_user(&self, arn: &str) -> Issued {
        self.remember(Issued {
            access_key_id: format!("AKIA{}", ids::base32(16)),
            secret_access_key: Secret::new(ids::base64(40)),
            session_token: None,
            arn: arn.to_owned(),
            user_id: format!("AIDA{}", ids::base32(17)),
            issued_at: self.now(),
            expires_at: None,
            session: None,
        })
    }

    /// Temporary keys for a session, whatever the role's trust says: that is the caller's to check.
    pub fn issue(&self, session: Session) -> Issued {
        let now = self.now();
        let role_id = lock(&self.0.state)
            .roles
            .get(&session.role_arn)
            .map_or_else(|| format!("AROA{}", ids::base32(17)), |role| role.id().to_owned());
        // AWS counts in seconds; a fraction would show in `Expiration`.
        let expires_at =
            Timestamp::from_second((now + session.duration).as_second()).expect("it just was one");
        self.remember(Issued {
            access_key_id: format!("ASIA{}", ids::base32(16)),
            secret_access_key: Secret::new(ids::base64(40)),
            session_token: Some(Secret::new(format!("IQoJb3JpZ2luX2Vj{}", ids::base64(340)))),
            arn: session.assumed_role_arn(),
            user_id: format!("{role_id}:{}", session.session_name),
            issued_at: now,
            expires_at: Some(expires_at),
            session: Some(session),
        })
    }

    /// Returns what is known about a key.
    pub fn issued(&self, access_key_id: &str) -> Option<Issued> {
        // The newest first: those are the keys in use.
        let state = lock(&self.0.state);
        let mut newest_first = state.issued.iter().rev();
        newest_first.find(|issued| issued.access_key_id == access_key_id).cloned()
    }

    /// Every key there is, in the order in which they were issued.
    pub fn all_issued(&self) -> Vec<Issued> {
        lock(&self.0.state).issued.clone()
    }

    /// Deletes a key: it is unknown from now on.
    pub fn revoke(&self, access_key_id: &str) {
        lock(&self.0.state).issued.retain(|issued| issued.access_key_id != access_key_id);
    }

    pub(crate) fn role(&self, arn: &str) -> Option<Role> {
        lock(&self.0.state).roles.get(arn).cloned()
    }

    pub(crate) fn provider(&self, url: &str) -> Option<Provider> {
        lock(&self.0.state).providers.get(url).cloned()
    }

    fn remember(&self, issued: Issued) -> Issued {
        lock(&self.0.state).issued.push(issued.clone());
        issued
    }
}

impl Default for Iam {
    /// On the machine's clock.
    fn default() -> Self {
        Self::new(SystemClock)
    }
}

impl fmt::Debug for Iam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.0.state);
        f.debug_struct("Iam")
            .field("providers", &state.providers.keys())
            .field("roles", &state.roles.keys())
            .field("issued", &state.issued.len())
            .finish()
    }
}
