//! Texts of a certain form: what the schema calls them, and who judges them.

use std::borrow::Cow;
use std::net::SocketAddr;

use s3_credential_core::{Failure, KubernetesCall, Region, RoleArn, SessionSettings};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::document::Rejection;

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident = $format:literal, $pattern:literal, $check:expr;)+) => {
        $(
            $(#[$doc])*
            #[allow(dead_code, reason = "some are for sources that may not be compiled in")]
            pub(crate) struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": "string", "format": $format, "pattern": $pattern })
                }
            }
        )+

        /// Judges a text by the format that its schema names. Of formats that are not ours nothing is known, as JSON Schema has it.
        pub(crate) fn check(format: &str, text: &str) -> Result<(), Rejection> {
            match format {
                $($format => $check(text).map_err(Rejection::from),)+
                _ => Ok(()),
            }
        }
    };
}

formats! {
    /// The ARN of an IAM role.
    RoleArnText = "role-arn", "^arn:[a-z0-9-]+:iam::([0-9]{12})?:role/[A-Za-z0-9+=,.@_/-]*[A-Za-z0-9+=,.@_-]$",
        |text| RoleArn::parse("this", text).map(drop);
    /// The ARN of an IAM policy.
    PolicyArnText = "policy-arn", "^arn:[!-~]+:policy/[!-~]+$", policy_arn;
    /// The name of a role session.
    SessionName = "session-name", "^[A-Za-z0-9_+=,.@-]{2,64}$",
        |text: &str| SessionSettings { name: Some(text.to_owned()), ..SessionSettings::default() }.check(None);
    /// A session policy, as JSON.
    SessionPolicy = "session-policy", r"^\s*\{",
        |text: &str| SessionSettings { policy: Some(text.to_owned()), ..SessionSettings::default() }.check(None);
    /// An AWS region.
    RegionText = "aws-region", "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", |text| Region::parse("this", text).map(drop);
    /// The name of a Kubernetes object or namespace.
    KubernetesName = "kubernetes-name", r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", kubernetes_name;
    /// A Kubernetes name in which `*` and `?` stand for others.
    NamePattern = "name-pattern", "^[a-z0-9.*?-]+$", name_pattern;
    /// An http or https URL.
    HttpUrl = "http-url", "^https?://[^/]+.*$", http_url;
    /// An IP address of this machine itself, and a port.
    LoopbackAddress = "loopback-address", r"^(127\.[0-9.]+|\[::1\]):[0-9]+$", loopback;
    /// An absolute path.
    AbsolutePath = "absolute-path", "^/", absolute_path;
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
