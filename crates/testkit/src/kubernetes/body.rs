//! The object in a request's body.

use serde_json::Value;

use crate::server::Request;

use super::protobuf;
use super::status::Status;

const JSON: &str = "application/json";

/// Returns the object to create or to replace, from JSON or protobuf.
pub(super) fn object(request: &Request) -> Result<Value, Status> {
    if media_type(request) == protobuf::CONTENT_TYPE {
        return protobuf::decode(&request.body).ok_or_else(|| Status::unsupported_media_type(JSON));
    }
    of_type(request, &[JSON])
}

/// An object of one of these media types, all of which are JSON.
pub(super) fn of_type(request: &Request, types: &[&str]) -> Result<Value, Status> {
    if !types.contains(&media_type(request)) {
        return Err(Status::unsupported_media_type(&types.join(", ")));
    }
    match serde_json::from_slice(&request.body) {
        Ok(object @ Value::Object(_)) => Ok(object),
        _ => Err(Status::bad_request("the body of the request is not a JSON object")),
    }
}

fn media_type(request: &Request) -> &str {
    let declared = request.header("content-type").unwrap_or(JSON);
    declared.split(';').next().unwrap_or_default().trim()
}
