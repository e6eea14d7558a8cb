//! TokenRequest: `POST .../serviceaccounts/NAME/token`, as
//! `pkg/registry/core/serviceaccount/storage/token.go` of Kubernetes.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::jwt::TokenBuilder;

use super::api::Api;
use super::resource::{Key, Kind, text};
use super::status::Status;

const KIND: &str = "TokenRequest.authentication.k8s.io";
const DEFAULT_TTL: i64 = 3600;
const MIN_TTL: i64 = 600;
const MAX_TTL: i64 = 1 << 32;

/// Mints the token that is asked for, and answers the request with its status filled in.
pub(super) fn answer(
    api: &Api,
    namespace: &str,
    name: &str,
    request: &Value,
) -> Result<Value, Status> {
    let account = api.store.get(&Key::new(Kind::ServiceAccount, namespace, name))?;
    let ttl = ttl(&request["spec"]["expirationSeconds"])?;
    let audiences = audiences(&request["spec"]["audiences"])?
        .unwrap_or_else(|| vec![api.audience().to_owned()]);
    let pod = bound_pod(api, namespace, name, &request["spec"]["boundObjectRef"])?;

    let now = api.now();
    let mut token = api
        .issuer
        .service_account(namespace, name)
        .uid(text(&account, "/metadata/uid"))
        .issued_at(now)
        .ttl(Duration::from_secs(ttl.unsigned_abs()));
    for audience in &audiences {
        token = token.audience(audience);
    }
    if let Some(pod) = &pod {
        token = token.pod(text(pod, "/metadata/name"), text(pod, "/metadata/uid"));
    }
    let mut spec = json!({"audiences": audiences, "expirationSeconds": ttl});
    if pod.is_some() {
        spec["boundObjectRef"] = request["spec"]["boundObjectRef"].clone();
    }
    Ok(answered(namespace, name, now, &spec, &token))
}

fn answered(
    namespace: &str,
    name: &str,
    now: Timestamp,
    spec: &Value,
    token: &TokenBuilder,
) -> Value {
    json!({
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": now.to_string()},
        "spec": spec,
        "status": {"token": token.sign(), "expirationTimestamp": token.expires_at().to_string()},
    })
}

fn ttl(asked: &Value) -> Result<i64, Status> {
    let field = "spec.expirationSeconds";
    let ttl = match asked {
        Value::Null => DEFAULT_TTL,
        asked => asked
            .as_i64()
            .ok_or_else(|| Status::bad_request(format!("{field} must be an integer")))?,
    };
    let limit = match ttl {
        ..MIN_TTL => "less than 10 minutes",
        MIN_TTL..=MAX_TTL => return Ok(ttl),
        _ => "larger than 2^32 seconds",
    };
    let why = format!("Invalid value: {ttl}: may not specify a duration {limit}");
    Err(Status::invalid(KIND, "", field, &why))
}

/// The audiences, or none where the server's own is meant.
fn audiences(asked: &Value) -> Result<Option<Vec<String>>, Status> {
    let refused = || Status::bad_request("spec.audiences must be a list of strings");
    match asked {
        Value::Null => Ok(None),
        Value::Array(list) if list.is_empty() => Ok(None),
        Value::Array(list) => {
            let audiences = list.iter().map(|audience| audience.as_str().map(str::to_owned));
            audiences.collect::<Option<_>>().ok_or_else(refused).map(Some)
        }
        _ => Err(refused()),
    }
}

/// The pod that the token shall die with: it must be there, of that uid, and run as the service
/// account.
fn bound_pod(
    api: &Api,
    namespace: &str,
    account: &str,
    reference: &Value,
) -> Result<Option<Value>, Status> {
    if reference.is_null() {
        return Ok(None);
    }
    let (version, kind) = (text(reference, "/apiVersion"), text(reference, "/kind"));
    if (version, kind) != ("v1", "Pod") {
        let message = format!("cannot bind token to object of type {version}, Kind={kind}");
        return Err(Status::bad_request(message));
    }
    let name = text(reference, "/name");
    let pod = api.store.get(&Key::new(Kind::Pod, namespace, name))?;
    if text(&pod, "/spec/serviceAccountName") != account {
        return Err(Status::bad_request(format!(
            "cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name."
        )));
    }
    let uid = text(reference, "/uid");
    if !uid.is_empty() && uid != text(&pod, "/metadata/uid") {
        let why = format!(
            "the UID in the bound object reference ({uid}) does not match the UID in record. \
             The object might have been deleted and then recreated"
        );
        return Err(Status::conflict("Pod", name, &why));
    }
    Ok(Some(pod))
}
