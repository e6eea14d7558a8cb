//! Tokens as the Kubernetes API server mints them.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Issuer;
use crate::clock::{Clock as _, SystemClock};
use crate::ids;

/// A token about to be signed. Claims follow `pkg/serviceaccount/claims.go` of Kubernetes.
#[derive(Clone)]
#[must_use]
pub struct TokenBuilder {
    issuer: Issuer,
    namespace: String,
    service_account: String,
    service_account_uid: String,
    pod: Option<(String, String)>,
    audiences: Vec<String>,
    issued_at: Timestamp,
    ttl: Duration,
    overrides: Map<String, Value>,
}

impl TokenBuilder {
    pub(super) fn new(issuer: Issuer, namespace: &str, name: &str) -> Self {
        Self {
            issuer,
            namespace: namespace.to_owned(),
            service_account: name.to_owned(),
            service_account_uid: ids::uuid(),
            pod: None,
            audiences: Vec::new(),
            issued_at: SystemClock.now(),
            ttl: Duration::from_hours(1),
            overrides: Map::new(),
        }
    }

    /// The service account's uid; random unless set.
    pub fn uid(mut self, uid: &str) -> Self {
        uid.clone_into(&mut self.service_account_uid);
        self
    }

    /// Binds the token to a pod.
    pub fn pod(mut self, name: &str, uid: &str) -> Self {
        self.pod = Some((name.to_owned(), uid.to_owned()));
        self
    }

    /// Adds an audience; without any, `aud` is an empty list.
    pub fn audience(mut self, audience: &str) -> Self {
        self.audiences.push(audience.to_owned());
        self
    }

    /// `iat` and `nbf`; the system's time unless set.
    pub fn issued_at(mut self, at: Timestamp) -> Self {
        self.issued_at = at;
        self
    }

    /// Sets how long after `iat` it expires; an hour unless set.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets a top-level claim to this value whatever it would be; `null` leaves it out.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.overrides.insert(name.to_owned(), value.into());
        self
    }

    /// Returns its expiry, to the second, as in `exp`.
    ///
    /// # Panics
    /// Beyond the year 9999.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_second((self.issued_at + self.ttl).as_second()).expect("it just was one")
    }

    /// Returns the claims as they would be signed.
    pub fn claims(&self) -> Value {
        let mut kubernetes = json!({
            "namespace": self.namespace,
            "serviceaccount": {"name": self.service_account, "uid": self.service_account_uid},
        });
        if let Some((name, uid)) = &self.pod {
            kubernetes["pod"] = json!({"name": name, "uid": uid});
        }
        let mut claims = json!({
            "aud": self.audiences,
            "exp": (self.issued_at + self.ttl).as_second(),
            "iat": self.issued_at.as_second(),
            "iss": self.issuer.url(),
            "jti": ids::uuid(),
            "kubernetes.io": kubernetes,
            "nbf": self.issued_at.as_second(),
            "sub": format!("system:serviceaccount:{}:{}", self.namespace, self.service_account),
        });
        if let Some(claims) = claims.as_object_mut() {
            claims.extend(self.overrides.clone());
            claims.retain(|_, value| !value.is_null());
        }
        claims
    }

    /// Returns the signed token.
    pub fn sign(&self) -> String {
        self.issuer.sign(&self.claims())
    }
}

impl fmt::Debug for TokenBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.claims().fmt(f)
    }
}
