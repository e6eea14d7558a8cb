//! The parts of a request, read from its path as kube-apiserver reads it
//! (`k8s.io/apiserver/pkg/endpoints/request`).

use http::Method;

use crate::server::Request;

use super::selector;

/// The attributes that authorization, counting and routing go by. `resource` is empty for paths
/// like `/version`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) verb: String,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) subresource: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) path: String,
}

impl Attributes {
    pub(super) fn of(request: &Request) -> Self {
        let path = request.path();
        let other = || Self {
            verb: request.method.as_str().to_ascii_lowercase(),
            path: path.to_owned(),
            ..Self::default()
        };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, parts) = match parts.as_slice() {
            ["api", "v1", rest @ ..] => ("", rest),
            ["apis", group, "v1", rest @ ..] => (*group, rest),
            _ => return other(),
        };
        let (namespace, parts) = match parts {
            // A namespace itself is in itself, for RBAC.
            ["namespaces", name] => (*name, parts),
            ["namespaces", namespace, rest @ ..] => (*namespace, rest),
            _ => ("", parts),
        };
        let (resource, name, subresource) = match parts {
            [resource] => (*resource, "", ""),
            [resource, name] => (*resource, *name, ""),
            [resource, name, subresource] => (*resource, *name, *subresource),
            _ => return other(),
        };
        let mut attributes = Self {
            verb: String::new(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            path: path.to_owned(),
        };
        attributes.verb = attributes.verb_of(request).to_owned();
        if attributes.name.is_empty() && ["list", "watch"].contains(&attributes.verb.as_str()) {
            let query = request.query();
            let fields = query.get("fieldSelector").map_or("", String::as_str);
            attributes.name = selector::pinned_name(fields).map_or_else(String::new, str::to_owned);
        }
        attributes
    }

    fn verb_of(&self, request: &Request) -> &'static str {
        let collection = self.name.is_empty();
        match request.method {
            Method::GET if collection && is_true(request.query().get("watch")) => "watch",
            Method::GET if collection => "list",
            Method::GET => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if collection => "deletecollection",
            Method::DELETE => "delete",
            _ => "",
        }
    }

    /// `serviceaccounts/token`: the resource as RBAC rules name it.
    pub(super) fn qualified_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// `watch secrets`, `create serviceaccounts/token`, `get /version`: the name under which calls
    /// are counted.
    pub(super) fn operation(&self) -> String {
        if self.resource.is_empty() {
            format!("{} {}", self.verb, self.path)
        } else {
            format!("{} {}", self.verb, self.qualified_resource())
        }
    }
}

/// Parses a boolean of a query as the API does.
pub(super) fn is_true(value: Option<&String>) -> bool {
    value.is_some_and(|value| value == "true" || value == "1")
}
