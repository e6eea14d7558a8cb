//! The operation of a request, by the REST API: its name, the permission that it needs (S3 user
//! guide, "Required permissions for Amazon S3 API operations"), and its effect.

use bytes::Bytes;
use http::Method;

use super::Objects;
use crate::iam::Access;
use crate::server::{Request, Response};
use crate::xml::Element;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A request, understood.
#[derive(Debug)]
pub(super) struct Operation {
    kind: Kind,
    bucket: String,
    /// The key of an operation on an object.
    key: String,
    /// The prefix of a listing, if it was sent.
    prefix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    List,
    Get,
    Head,
    Put,
    Delete,
}

impl Operation {
    /// Returns `None` for what is not modelled.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let path = request.decoded_path();
        let (bucket, key) = path.strip_prefix('/')?.split_once('/').unwrap_or((&path[1..], ""));
        let query = request.query();
        let kind = match (&request.method, key.is_empty()) {
            (&Method::GET, true) if query.get("list-type").is_some_and(|kind| kind == "2") => {
                Kind::List
            }
            (&Method::GET, false) => Kind::Get,
            (&Method::HEAD, false) => Kind::Head,
            (&Method::PUT, false) => Kind::Put,
            (&Method::DELETE, false) => Kind::Delete,
            _ => return None,
        };
        let known: &[&str] = if kind == Kind::List { &["list-type", "prefix"] } else { &[] };
        // A subresource (`?acl`), a part, a page: another operation than the one that would be run.
        if bucket.is_empty() || query.keys().any(|name| !known.contains(&name.as_str())) {
            return None;
        }
        Some(Self {
            kind,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            prefix: query.get("prefix").cloned(),
        })
    }

    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            Kind::List => "ListObjectsV2",
            Kind::Get => "GetObject",
            Kind::Head => "HeadObject",
            Kind::Put => "PutObject",
            Kind::Delete => "DeleteObject",
        }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns the ARN that the operation is on.
    pub(super) fn resource(&self) -> String {
        match self.kind {
            Kind::List => format!("arn:aws:s3:::{}", self.bucket),
            _ => format!("arn:aws:s3:::{}/{}", self.bucket, self.key),
        }
    }

    /// The permission that it needs.
    pub(super) fn access<'a>(&'a self, resource: &'a str) -> Access<'a> {
        let action = match self.kind {
            Kind::List => "s3:ListBucket",
            Kind::Get | Kind::Head => "s3:GetObject",
            Kind::Put => "s3:PutObject",
            Kind::Delete => "s3:DeleteObject",
        };
        let access = Access::new(action, resource);
        match &self.prefix {
            Some(prefix) => access.with("s3:prefix", prefix),
            None => access,
        }
    }

    /// Returns the listing that would show the object.
    pub(super) fn listing(&self) -> Self {
        Self {
            kind: Kind::List,
            bucket: self.bucket.clone(),
            key: String::new(),
            prefix: Some(self.key.clone()),
        }
    }

    /// Returns `None` if the object does not exist.
    pub(super) fn run(&self, objects: &mut Objects, body: &Bytes) -> Option<Response> {
        match self.kind {
            Kind::List => Some(self.list(objects)),
            Kind::Get => objects.get(&self.key).map(|content| Response::new(200, content.clone())),
            Kind::Head => objects.get(&self.key).map(|_| Response::new(200, "")),
            Kind::Put => {
                objects.insert(self.key.clone(), body.clone());
                Some(Response::new(200, ""))
            }
            // What is not there is deleted with success.
            Kind::Delete => {
                objects.remove(&self.key);
                Some(Response::new(204, ""))
            }
        }
    }

    fn list(&self, objects: &Objects) -> Response {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let entries: Vec<Element> = objects
            .iter()
            .filter(|(key, _)| key.starts_with(prefix))
            .map(|(key, content)| {
                let size = Element::text("Size", &content.len().to_string());
                Element::list("Contents", [Element::text("Key", key), size])
            })
            .collect();
        let head = [
            Element::text("Name", &self.bucket),
            Element::text("Prefix", prefix),
            Element::text("KeyCount", &entries.len().to_string()),
            Element::text("IsTruncated", "false"),
        ];
        let result = Element::list("ListBucketResult", head.into_iter().chain(entries));
        Response::xml(200, result.write(&format!(" xmlns=\"{NAMESPACE}\"")))
    }
}
