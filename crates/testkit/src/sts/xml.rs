//! Answers of the query protocol.

use crate::ids;
use crate::server::Response;
pub(super) use crate::xml::Element;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// 200, with the elements of the operation's result.
pub(super) fn success(operation: &str, result: Vec<Element>) -> Response {
    let request_id = ids::uuid();
    let root = Element::list(
        &format!("{operation}Response"),
        [
            Element::list(&format!("{operation}Result"), result),
            Element::list("ResponseMetadata", [Element::text("RequestId", &request_id)]),
        ],
    );
    response(200, &root, &request_id)
}

pub(super) fn response(status: u16, root: &Element, request_id: &str) -> Response {
    let body = root.write(&format!(" xmlns=\"{NAMESPACE}\""));
    Response::xml(status, body).header("x-amzn-requestid", request_id)
}
