//! The objects, as a test sets them up: the caller is the cluster, so only malformed objects are
//! refused.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Kubernetes;
use super::admission;
use super::objects;
use super::resource::{Key, Kind, text};

impl Kubernetes {
    /// Creates the namespace if it is not there.
    pub fn put_namespace(&self, name: &str) -> Value {
        self.put(
            json!({"kind": "Namespace", "metadata": {"name": name}, "status": {"phase": "Active"}}),
        )
    }

    /// Creates or replaces a ServiceAccount with these annotations.
    pub fn put_service_account(
        &self,
        namespace: &str,
        name: &str,
        annotations: &[(&str, &str)],
    ) -> Value {
        let annotations: BTreeMap<_, _> = annotations.iter().copied().collect();
        let metadata = json!({"namespace": namespace, "name": name, "annotations": annotations});
        self.put(json!({"kind": "ServiceAccount", "metadata": metadata}))
    }

    /// Creates or replaces an `Opaque` Secret with these values, which are plain here and base64 in
    /// the object.
    pub fn put_secret(&self, namespace: &str, name: &str, data: &[(&str, &str)]) -> Value {
        let data: BTreeMap<_, _> =
            data.iter().map(|(key, value)| (key, STANDARD.encode(value))).collect();
        let metadata = json!({"namespace": namespace, "name": name});
        self.put(json!({"kind": "Secret", "metadata": metadata, "data": data}))
    }

    /// Creates or replaces a Node with these labels.
    pub fn put_node(&self, name: &str, labels: &[(&str, &str)]) -> Value {
        let labels: BTreeMap<_, _> = labels.iter().copied().collect();
        self.put(json!({"kind": "Node", "metadata": {"name": name, "labels": labels}}))
    }

    /// Creates or replaces a Pod of this uid that runs as this service account. A pod of another
    /// uid under the name is deleted first, as a StatefulSet's would be.
    pub fn put_pod(&self, namespace: &str, name: &str, uid: &str, service_account: &str) -> Value {
        let old = self.api.store.get(&Key::new(Kind::Pod, namespace, name));
        if old.is_ok_and(|old| text(&old, "/metadata/uid") != uid) {
            self.delete_pod(namespace, name);
        }
        let metadata = json!({"namespace": namespace, "name": name, "uid": uid});
        let spec = json!({"serviceAccountName": service_account});
        let status = json!({"phase": "Running"});
        self.put(json!({"kind": "Pod", "metadata": metadata, "spec": spec, "status": status}))
    }

    /// Creates or replaces any object of a kind that is served, with its namespace if need be, and
    /// answers it as stored.
    ///
    /// # Panics
    /// If the kind is not served, there is no name, or a Secret's data are not base64.
    pub fn put(&self, object: Value) -> Value {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == object["kind"]);
        let kind = kind.unwrap_or_else(|| panic!("{} is not served", object["kind"]));
        let name = text(&object, "/metadata/name");
        assert!(!name.is_empty(), "an object has a name");
        let namespace = match text(&object, "/metadata/namespace") {
            "" => "default",
            namespace => namespace,
        };
        let key = Key::new(kind, namespace, name);
        if kind.is_namespaced()
            && self.api.store.get(&Key::new(Kind::Namespace, "", namespace)).is_err()
        {
            self.put_namespace(namespace);
        }
        let stored = self
            .api
            .store
            .write(&key, &self.api.timestamp(), |_| admission::complete(kind, object));
        stored.unwrap_or_else(|status| panic!("{}", status.object()))
    }

    /// Returns an object as stored, by the plural of its kind (`secrets`); the namespace is not
    /// looked at where the kind has none.
    ///
    /// # Panics
    /// If the kind is not served.
    pub fn object(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let kind =
            Kind::from_plural(resource).unwrap_or_else(|| panic!("{resource} is not served"));
        self.api.store.get(&Key::new(kind, namespace, name)).ok()
    }

    /// All objects of a kind in a namespace, by the plural of the kind (`events`).
    ///
    /// # Panics
    /// If the kind is not served.
    pub fn objects(&self, resource: &str, namespace: &str) -> Vec<Value> {
        let kind =
            Kind::from_plural(resource).unwrap_or_else(|| panic!("{resource} is not served"));
        self.api.store.list(kind, namespace).0
    }

    /// Deletes a ServiceAccount; false if there was none. Its tokens are then invalid.
    pub fn delete_service_account(&self, namespace: &str, name: &str) -> bool {
        self.delete(Kind::ServiceAccount, namespace, name)
    }

    /// Deletes a Secret; false if there was none.
    pub fn delete_secret(&self, namespace: &str, name: &str) -> bool {
        self.delete(Kind::Secret, namespace, name)
    }

    /// Deletes a Node; false if there was none.
    pub fn delete_node(&self, name: &str) -> bool {
        self.delete(Kind::Node, "", name)
    }

    /// Deletes a Pod; false if there was none. Tokens bound to it are then invalid.
    pub fn delete_pod(&self, namespace: &str, name: &str) -> bool {
        self.delete(Kind::Pod, namespace, name)
    }

    fn delete(&self, kind: Kind, namespace: &str, name: &str) -> bool {
        objects::delete(&self.api, &Key::new(kind, namespace, name)).is_ok()
    }

    /// Returns a token with which a client of the API is this service account, for an hour.
    ///
    /// # Panics
    /// If there is no such service account.
    pub fn service_account_token(&self, namespace: &str, name: &str) -> String {
        let account =
            self.object("serviceaccounts", namespace, name).expect("the service account is there");
        let token =
            self.api.issuer.service_account(namespace, name).uid(text(&account, "/metadata/uid"));
        let token = token.audience(self.api.audience()).issued_at(self.api.now());
        token.ttl(Duration::from_hours(1)).sign()
    }
}
