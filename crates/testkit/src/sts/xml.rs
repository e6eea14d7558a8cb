//! Answers of the query protocol.

use crate::ids;
use crate::server::Response;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// An element with text or with children.
pub(super) struct Element {
    name: String,
    content: String,
}

impl Element {
    pub(super) fn text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), content: escape(text) }
    }

    pub(super) fn list(name: &str, children: impl IntoIterator<Item = Self>) -> Self {
        let content = children.into_iter().map(|child| child.write("")).collect();
        Self { name: name.to_owned(), content }
    }

    fn write(&self, attributes: &str) -> String {
        let Self { name, content } = self;
        format!("<{name}{attributes}>{content}</{name}>")
    }
}

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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
