//! Discovery: the versions, groups and resources that are served.

use serde_json::{Value, json};

use super::resource::Kind;

const VERBS: [&str; 7] = ["create", "delete", "get", "list", "patch", "update", "watch"];

/// The groups besides the core one, with their resources: name and kind. All can only be created.
const REVIEWS: [(&str, &[(&str, &str)]); 2] = [
    ("authentication.k8s.io", &[("selfsubjectreviews", "SelfSubjectReview")]),
    (
        "authorization.k8s.io",
        &[
            ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
            ("selfsubjectrulesreviews", "SelfSubjectRulesReview"),
        ],
    ),
];

/// The document at a discovery path. `server` is this server's address, as `host:port`.
pub(super) fn document(path: &str, server: &str) -> Option<Value> {
    match path.trim_end_matches('/') {
        "/version" => Some(version()),
        "/api" => Some(json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}],
        })),
        "/api/v1" => Some(resource_list("v1", &core_resources())),
        "/apis" => Some(json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": REVIEWS.map(|(group, _)| described(group)),
        })),
        other => {
            let rest = other.strip_prefix("/apis/")?;
            let (group, resources) = REVIEWS.into_iter().find(|(group, _)| {
                rest.strip_prefix(group).is_some_and(|rest| ["", "/v1"].contains(&rest))
            })?;
            if rest == group {
                let mut group = described(group);
                group["kind"] = json!("APIGroup");
                group["apiVersion"] = json!("v1");
                return Some(group);
            }
            let resources = resources.iter().map(|(name, kind)| {
                json!({"name": name, "singularName": kind.to_ascii_lowercase(), "namespaced": false, "kind": kind, "verbs": ["create"]})
            });
            Some(resource_list(rest, &resources.collect::<Vec<_>>()))
        }
    }
}

/// A version that every client in use today accepts.
fn version() -> Value {
    json!({
        "major": "1",
        "minor": "33",
        "gitVersion": "v1.33.0",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2025-04-23T13:07:06Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    })
}

fn described(group: &str) -> Value {
    let version = json!({"groupVersion": format!("{group}/v1"), "version": "v1"});
    json!({"name": group, "versions": [version], "preferredVersion": version})
}

fn resource_list(group_version: &str, resources: &[Value]) -> Value {
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources})
}

fn core_resources() -> Vec<Value> {
    let stored = Kind::ALL.into_iter().map(|kind| {
        json!({
            "name": kind.plural(),
            "singularName": kind.name().to_ascii_lowercase(),
            "namespaced": kind.is_namespaced(),
            "kind": kind.name(),
            "verbs": VERBS,
            "shortNames": kind.short_names(),
        })
    });
    let token_request = json!({
        "name": "serviceaccounts/token",
        "singularName": "",
        "namespaced": true,
        "group": "authentication.k8s.io",
        "version": "v1",
        "kind": "TokenRequest",
        "verbs": ["create"],
    });
    stored.chain([token_request]).collect()
}
