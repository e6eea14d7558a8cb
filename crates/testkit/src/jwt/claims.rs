//! The claims of a verified token.

use jiff::Timestamp;
use serde_json::Value;

/// The claims of a token.
#[derive(Debug, Clone)]
pub struct Claims(Value);

impl Claims {
    pub(super) fn new(claims: Value) -> Option<Self> {
        claims.is_object().then_some(Self(claims))
    }

    /// Any claim by name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// `iss`; empty if absent.
    pub fn issuer(&self) -> &str {
        self.text("iss")
    }

    /// `sub`; empty if absent.
    pub fn subject(&self) -> &str {
        self.text("sub")
    }

    /// `aud`, which may be one string or a list.
    pub fn audiences(&self) -> Vec<&str> {
        match self.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// `exp`.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.instant("exp")
    }

    /// `nbf`.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.instant("nbf")
    }

    /// Returns the namespace and service account of a Kubernetes token's subject.
    pub fn service_account(&self) -> Option<(&str, &str)> {
        self.subject().strip_prefix("system:serviceaccount:")?.split_once(':')
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn instant(&self, name: &str) -> Option<Timestamp> {
        Timestamp::from_second(self.get(name)?.as_i64()?).ok()
    }
}
