//! Texts of a certain form: what the schema calls them, their pattern, and their check.

use std::net::SocketAddr;

use s3_credential_core::{Failure, KubernetesCall, Region, RoleArn, SessionSettings};
use serde_json::{Value as Json, json};

use crate::document::Rejection;

type Check = fn(&str) -> Result<(), Rejection>;

/// Each format with its pattern, which other validators can use, and its check.
const FORMATS: &[(&str, &str, Check)] = &[
    (
        "role-arn",
        "^(arn|urn):[A-Za-z0-9+=,.@_$-]*:iam:([A-Za-z0-9:+=,.@_$-]*:)?role/[A-Za-z0-9+=,.@_/-]*[A-Za-z0-9+=,.@_-]$",
        |text| Ok(RoleArn::parse("this", text).map(drop)?),
    ),
    ("policy-arn", "^arn:[!-~]+:policy/[!-~]+$", policy_arn),
    ("session-name", "^[A-Za-z0-9_+=,.@-]{2,64}$", |text| {
        let name = Some(text.to_owned());
        Ok(SessionSettings { name, ..SessionSettings::default() }.check(None)?)
    }),
    ("session-policy", r"^\s*\{", |text| {
        let policy = Some(text.to_owned());
        Ok(SessionSettings { policy, ..SessionSettings::default() }.check(None)?)
    }),
    ("aws-region", "^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$", |text| {
        Ok(Region::parse("this", text).map(drop)?)
    }),
    (
        "kubernetes-name",
        r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
        kubernetes_name,
    ),
    // `*` and `?` stand for other characters.
    ("name-pattern", "^[a-z0-9.*?-]+$", name_pattern),
    ("http-url", "^https?://[^/]+.*$", http_url),
    ("loopback-address", r"^(127\.[0-9.]+|\[::1\]):[0-9]+$", loopback),
    ("absolute-path", "^/", absolute_path),
];

/// Checks a text by the format that its schema names. It accepts formats that it does not know, as
/// JSON Schema has it.
pub(crate) fn check(format: &str, text: &str) -> Result<(), Rejection> {
    match FORMATS.iter().find(|(name, ..)| *name == format) {
        Some((.., check)) => check(text),
        None => Ok(()),
    }
}

/// Adds the pattern of each format to a schema, at every depth.
pub(crate) fn add_patterns(schema: &mut Json) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(add_patterns),
        Json::Object(entries) => {
            let format = entries.get("format").and_then(Json::as_str);
            let known = FORMATS.iter().find(|(name, ..)| Some(*name) == format);
            if let Some((_, pattern, _)) = known {
                entries.entry("pattern").or_insert_with(|| json!(pattern));
            }
            entries.values_mut().for_each(add_patterns);
        }
        _ => {}
    }
}

fn refuse(problem: &str, help: &str) -> Result<(), Rejection> {
    Err(Rejection::new(problem, help))
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        Self::new(failure.message(), failure.help())
    }
}

fn policy_arn(text: &str) -> Result<(), Rejection> {
    if text.starts_with("arn:")
        && text.contains(":policy/")
        && text.chars().all(|c| c.is_ascii_graphic())
    {
        return Ok(());
    }
    refuse(
        "this is not the ARN of an IAM policy",
        "write an ARN such as `arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess`",
    )
}

fn kubernetes_name(text: &str) -> Result<(), Rejection> {
    let call = KubernetesCall { verb: "get", resource: "secrets", namespace: None, name: text };
    match call.check() {
        Ok(()) => Ok(()),
        Err(_) => refuse(
            "this is not a name that Kubernetes knows",
            "use lower-case letters, digits, inner dashes and dots",
        ),
    }
}

fn name_pattern(text: &str) -> Result<(), Rejection> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.*?".contains(&b);
    if !text.is_empty() && text.bytes().all(allowed) {
        return Ok(());
    }
    refuse(
        "this is not a pattern for Kubernetes names",
        "use lower-case letters, digits, dashes and dots, `*` for any characters and `?` for one",
    )
}

fn http_url(text: &str) -> Result<(), Rejection> {
    let is_url = text.parse::<http::Uri>().is_ok_and(|uri| {
        uri.scheme_str().is_some_and(|scheme| ["http", "https"].contains(&scheme))
            && uri.host().is_some_and(|host| !host.is_empty())
    });
    if is_url {
        Ok(())
    } else {
        refuse("this is not a URL", "write it with its scheme, such as `https://sts.example.com`")
    }
}

fn loopback(text: &str) -> Result<(), Rejection> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(()),
        Ok(_) => refuse(
            "credentials are handed out on the loopback interface only",
            "write an address such as `127.0.0.1:0`",
        ),
        Err(_) => refuse(
            "this is not an IP address with a port",
            "write an address such as `127.0.0.1:0`",
        ),
    }
}

fn absolute_path(text: &str) -> Result<(), Rejection> {
    if text.starts_with('/') && !text.contains('\0') {
        return Ok(());
    }
    refuse("this is not an absolute path", "begin it with a slash")
}
