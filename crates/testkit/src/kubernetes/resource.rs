//! The kinds of object that the emulator keeps, with the names that the API and `kubectl` give
//! them.

use serde_json::{Value, json};

/// A stored kind; all of them are of the core group, version `v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Event,
    Namespace,
    Node,
    Pod,
    Secret,
    ServiceAccount,
}

impl Kind {
    pub(super) const ALL: [Kind; 6] =
        [Kind::Event, Kind::Namespace, Kind::Node, Kind::Pod, Kind::Secret, Kind::ServiceAccount];

    pub(super) fn from_plural(plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.plural() == plural)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Kind::Event => "Event",
            Kind::Namespace => "Namespace",
            Kind::Node => "Node",
            Kind::Pod => "Pod",
            Kind::Secret => "Secret",
            Kind::ServiceAccount => "ServiceAccount",
        }
    }

    pub(super) const fn plural(self) -> &'static str {
        match self {
            Kind::Event => "events",
            Kind::Namespace => "namespaces",
            Kind::Node => "nodes",
            Kind::Pod => "pods",
            Kind::Secret => "secrets",
            Kind::ServiceAccount => "serviceaccounts",
        }
    }

    pub(super) const fn short_names(self) -> &'static [&'static str] {
        match self {
            Kind::Event => &["ev"],
            Kind::Namespace => &["ns"],
            Kind::Node => &["no"],
            Kind::Pod => &["po"],
            Kind::Secret => &[],
            Kind::ServiceAccount => &["sa"],
        }
    }

    pub(super) const fn is_namespaced(self) -> bool {
        !matches!(self, Kind::Namespace | Kind::Node)
    }

    /// The fields besides `metadata.name` and `metadata.namespace` that a field selector may name.
    pub(super) const fn selectable_fields(self) -> &'static [&'static str] {
        match self {
            Kind::Pod => &["spec.nodeName", "spec.serviceAccountName", "status.phase"],
            Kind::Secret => &["type"],
            _ => &[],
        }
    }
}

/// The key of an object; `namespace` is empty for the kinds of cluster scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.is_namespaced() { namespace } else { "" };
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// The text at a path like `/metadata/uid`; empty where there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// RFC 7386: what `PATCH` with `application/merge-patch+json` does. For the maps of these kinds a
/// strategic merge is the same.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    if let Value::Object(target) = target {
        for (key, value) in patch {
            if value.is_null() {
                target.remove(key);
            } else {
                merge(target.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
    }
}
