//! The verbs on stored objects.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Request, Response};

use super::admission::complete;
use super::api::Api;
use super::body;
use super::request::{Attributes, is_true};
use super::resource::{Key, Kind, merge, text};
use super::selector::Selector;
use super::status::Status;
use super::watch::{self, WatchRequest};

type Query = BTreeMap<String, String>;

/// Answers a request that is already authorized.
pub(super) fn answer(
    api: &Api,
    kind: Kind,
    attributes: &Attributes,
    request: &Request,
) -> Result<Response, Status> {
    let key = Key::new(kind, &attributes.namespace, &attributes.name);
    let query = request.query();
    if query.contains_key("dryRun") {
        return Err(Status::bad_request("this server has no dry run"));
    }
    let object = match attributes.verb.as_str() {
        "list" => list(api, kind, &attributes.namespace, &query)?,
        "watch" => return watch(api, kind, &attributes.namespace, &query),
        "get" => {
            not_in_the_future(&query, api.store.revision())?;
            api.store.get(&key)?
        }
        "create" => {
            let object = body::object(request)?;
            return Ok(Response::json(201, &create(api, kind, &attributes.namespace, object)?));
        }
        "update" => {
            let object = body::object(request)?;
            api.store.write(&key, &api.timestamp(), |current| {
                let current = current.ok_or_else(|| Status::not_found(&key))?;
                unchanged_since(&key, current, &object)?;
                complete(kind, object)
            })?
        }
        "patch" => {
            let types = ["application/merge-patch+json", "application/strategic-merge-patch+json"];
            let patch = body::of_type(request, &types)?;
            api.store.write(&key, &api.timestamp(), |current| {
                let current = current.ok_or_else(|| Status::not_found(&key))?;
                unchanged_since(&key, current, &patch)?;
                let mut object = current.clone();
                merge(&mut object, &patch);
                complete(kind, object)
            })?
        }
        "delete" => deleted(&key, &delete(api, &key)?),
        _ => return Err(Status::method_not_allowed()),
    };
    Ok(Response::json(200, &object))
}

fn list(api: &Api, kind: Kind, namespace: &str, query: &Query) -> Result<Value, Status> {
    let selector = selector(kind, query)?;
    let (mut objects, revision) = api.store.list(kind, namespace);
    not_in_the_future(query, revision)?;
    objects.retain(|object| selector.matches(object));
    for object in objects.iter_mut().filter_map(Value::as_object_mut) {
        // The list says them once.
        object.remove("kind");
        object.remove("apiVersion");
    }
    let name = kind.name();
    let metadata = json!({"resourceVersion": revision.to_string()});
    Ok(
        json!({"kind": format!("{name}List"), "apiVersion": "v1", "metadata": metadata, "items": objects}),
    )
}

fn watch(api: &Api, kind: Kind, namespace: &str, query: &Query) -> Result<Response, Status> {
    let initial = is_true(query.get("sendInitialEvents"));
    if initial && query.get("resourceVersionMatch").is_none_or(|mode| mode != "NotOlderThan") {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(Status::invalid("ListOptions.meta.k8s.io", "", "resourceVersionMatch", why));
    }
    let request = WatchRequest {
        kind,
        namespace: namespace.to_owned(),
        selector: selector(kind, query)?,
        since: number(query, "resourceVersion")?.filter(|revision| *revision > 0 && !initial),
        bookmarks: is_true(query.get("allowWatchBookmarks")),
        mark_initial: initial,
        timeout: number(query, "timeoutSeconds")?
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs),
    };
    let lines = watch::body(&api.store, &api.endings, request);
    Ok(Response::stream(lines).header("content-type", "application/json"))
}

/// Creates an object whose name is not taken, in a namespace that is there.
pub(super) fn create(
    api: &Api,
    kind: Kind,
    namespace: &str,
    object: Value,
) -> Result<Value, Status> {
    let own = text(&object, "/metadata/namespace");
    if !own.is_empty() && own != namespace {
        let message =
            "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Status::bad_request(message));
    }
    let key = Key::new(kind, namespace, text(&object, "/metadata/name"));
    if key.name.is_empty() {
        let why = "Required value: name or generateName is required";
        return Err(Status::invalid(kind.name(), "", "metadata.name", why));
    }
    if kind.is_namespaced() {
        api.store.get(&Key::new(Kind::Namespace, "", namespace))?;
    }
    api.store.write(&key, &api.timestamp(), |current| match current {
        Some(_) => Err(Status::already_exists(&key)),
        None => complete(kind, object),
    })
}

/// Deletes an object; a namespace with all that is in it.
pub(super) fn delete(api: &Api, key: &Key) -> Result<Value, Status> {
    let object = api.store.delete(key)?;
    if key.kind == Kind::Namespace {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_namespaced()) {
            for object in api.store.list(kind, &key.name).0 {
                // A concurrent delete has done the work.
                let _ =
                    api.store.delete(&Key::new(kind, &key.name, text(&object, "/metadata/name")));
            }
        }
    }
    Ok(object)
}

/// Refuses a change of a version that is not the last one.
fn unchanged_since(key: &Key, current: &Value, sent: &Value) -> Result<(), Status> {
    let seen = text(sent, "/metadata/resourceVersion");
    if seen.is_empty() || seen == text(current, "/metadata/resourceVersion") {
        return Ok(());
    }
    let why = "the object has been modified; please apply your changes to the latest version and try again";
    Err(Status::conflict(key.kind.plural(), &key.name, why))
}

fn deleted(key: &Key, object: &Value) -> Value {
    let details =
        json!({"name": key.name, "kind": key.kind.plural(), "uid": text(object, "/metadata/uid")});
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

fn selector(kind: Kind, query: &Query) -> Result<Selector, Status> {
    let value = |name| query.get(name).map_or("", String::as_str);
    Selector::parse(kind, value("labelSelector"), value("fieldSelector"))
}

fn not_in_the_future(query: &Query, current: u64) -> Result<(), Status> {
    match number(query, "resourceVersion")? {
        Some(asked) if asked > current => Err(Status::too_large_resource_version(asked, current)),
        _ => Ok(()),
    }
}

fn number(query: &Query, name: &str) -> Result<Option<u64>, Status> {
    let Some(value) = query.get(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let refused =
        |_| Status::bad_request(format!("{name}: Invalid value: {value:?}: not a number"));
    value.parse().map(Some).map_err(refused)
}
