//! Failures as kube-apiserver says them: `metav1.Status`, with the messages of
//! `k8s.io/apimachinery/pkg/api/errors`.

use serde_json::{Map, Value, json};

use crate::server::Response;

use super::request::Attributes;
use super::resource::Key;

/// A failed request: the HTTP code and the `Status` object of its body.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) code: u16,
    reason: &'static str,
    message: String,
    details: Value,
}

impl Status {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    fn about(mut self, kind: &str, name: &str) -> Self {
        let mut details = Map::new();
        for (key, value) in [("name", name), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(key.to_owned(), json!(value));
            }
        }
        self.details = Value::Object(details);
        self
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    pub(super) fn forbidden(user: &str, request: &Attributes) -> Self {
        let Attributes { verb, group, resource, namespace, name, path, .. } = request;
        let qualified =
            if group.is_empty() { resource.clone() } else { format!("{resource}.{group}") };
        let subject = match (resource.is_empty(), name.is_empty()) {
            (true, _) => "forbidden".to_owned(),
            (_, true) => format!("{qualified} is forbidden"),
            _ => format!("{qualified} {name:?} is forbidden"),
        };
        let denied = if resource.is_empty() {
            format!("User {user:?} cannot {verb} path {path:?}")
        } else {
            let scope = if namespace.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace {namespace:?}")
            };
            let resource = request.qualified_resource();
            format!(
                "User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {scope}"
            )
        };
        let mut status =
            Self::new(403, "Forbidden", format!("{subject}: {denied}")).about(resource, name);
        if !group.is_empty() {
            status.details["group"] = json!(group);
        }
        status
    }

    pub(super) fn not_found(key: &Key) -> Self {
        let (plural, name) = (key.kind.plural(), &key.name);
        Self::new(404, "NotFound", format!("{plural} {name:?} not found")).about(plural, name)
    }

    /// A path that is not served: what clients report as "the server could not find the requested
    /// resource".
    pub(super) fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message)
    }

    pub(super) fn already_exists(key: &Key) -> Self {
        let (plural, name) = (key.kind.plural(), &key.name);
        Self::new(409, "AlreadyExists", format!("{plural} {name:?} already exists"))
            .about(plural, name)
    }

    pub(super) fn conflict(resource: &str, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {resource} {name:?}: {why}");
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// A watch or list from a resource version that is no longer in the history.
    pub(super) fn expired(asked: u64, oldest: u64) -> Self {
        let message = format!("too old resource version: {asked} ({oldest})");
        Self::new(410, "Expired", message)
    }

    pub(super) fn unsupported_media_type(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(super) fn invalid(group_kind: &str, name: &str, field: &str, why: &str) -> Self {
        let message = format!("{group_kind} {name:?} is invalid: {field}: {why}");
        let mut status = Self::new(422, "Invalid", message);
        status.details = json!({
            "causes": [{"reason": "FieldValueInvalid", "message": why, "field": field}],
        });
        status
    }

    pub(super) fn too_many_requests() -> Self {
        let message = "Too many requests, please try again later.";
        let mut status = Self::new(429, "TooManyRequests", message);
        status.details = json!({"retryAfterSeconds": 1});
        status
    }

    pub(super) fn internal_error() -> Self {
        let message = "Internal error occurred: etcdserver: request timed out";
        Self::new(500, "InternalError", message)
    }

    pub(super) fn unavailable() -> Self {
        let message = "the server is currently unable to handle the request";
        Self::new(503, "ServiceUnavailable", message)
    }

    /// A resource version that is not reached yet.
    pub(super) fn too_large_resource_version(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut status = Self::new(504, "Timeout", message);
        status.details = json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        });
        status
    }

    /// Returns the object of the body.
    pub(super) fn object(&self) -> Value {
        let mut object = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        });
        if !self.details.is_null() {
            object["details"] = self.details.clone();
        }
        object
    }

    /// Returns the whole response.
    pub(super) fn response(&self) -> Response {
        let response = Response::json(self.code, &self.object());
        match self.details.get("retryAfterSeconds") {
            Some(seconds) => response.header("retry-after", seconds.to_string()),
            None => response,
        }
    }
}
