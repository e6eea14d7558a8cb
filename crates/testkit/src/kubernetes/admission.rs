//! The admission of objects: what the server adds before it stores one, and what it refuses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::resource::{Kind, merge, text};
use super::status::Status;

/// The object with its defaults: a Secret's `type` and its `stringData` as `data`, a Pod's service
/// account.
pub(super) fn complete(kind: Kind, mut object: Value) -> Result<Value, Status> {
    match kind {
        Kind::Secret => complete_secret(&mut object)?,
        Kind::Pod if text(&object, "/spec/serviceAccountName").is_empty() => {
            merge(&mut object, &json!({"spec": {"serviceAccountName": "default"}}));
        }
        _ => {}
    }
    Ok(object)
}

fn complete_secret(secret: &mut Value) -> Result<(), Status> {
    if text(secret, "/type").is_empty() {
        secret["type"] = json!("Opaque");
    }
    let plain = secret.as_object_mut().and_then(|secret| secret.remove("stringData"));
    for (key, value) in plain.iter().filter_map(Value::as_object).flatten() {
        let encoded = STANDARD.encode(value.as_str().unwrap_or_default());
        merge(secret, &json!({"data": {key: encoded}}));
    }
    for (key, value) in secret["data"].as_object().into_iter().flatten() {
        let decoded = value.as_str().map(|value| STANDARD.decode(value));
        if !matches!(decoded, Some(Ok(_))) {
            let message = format!(
                "Secret in version \"v1\" cannot be handled: data.{key}: illegal base64 data"
            );
            return Err(Status::bad_request(message));
        }
    }
    Ok(())
}
