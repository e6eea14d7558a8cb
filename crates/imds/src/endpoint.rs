//! The address of IMDS.

use http::Uri;
use http::uri::Scheme;
use s3_credential_core::names::{
    AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE,
};
use s3_credential_core::{Environment, ErrorKind, Failure};

// EC2 User Guide, "Use the Instance Metadata Service".
const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";

/// The base URL: the endpoint variable's, else that of the mode, else IPv4. An SDK's own
/// precedence.
pub(crate) fn url(environment: &Environment) -> Result<String, Failure> {
    if let Some(url) = environment.get(AWS_EC2_METADATA_SERVICE_ENDPOINT) {
        return if is_plain_url(url) {
            Ok(url.trim_end_matches('/').to_owned())
        } else {
            Err(not_a_url())
        };
    }
    match environment.get(AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE) {
        None => Ok(IPV4.to_owned()),
        Some(mode) if mode.eq_ignore_ascii_case("ipv4") => Ok(IPV4.to_owned()),
        Some(mode) if mode.eq_ignore_ascii_case("ipv6") => Ok(IPV6.to_owned()),
        Some(_) => Err(misconfigured(AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE, "IPv4 or IPv6")),
    }
}

/// Returns whether this is a plain HTTP URL without userinfo: IMDS has no TLS, and its URL is shown
/// in messages.
fn is_plain_url(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let Some(authority) = uri.authority() else {
        return false;
    };
    let host = authority.host();
    uri.scheme() == Some(&Scheme::HTTP)
        && uri.query().is_none()
        && !url.contains(['@', '#'])
        && !host.is_empty()
        // The rest after the host is empty, or a colon and a port.
        && authority.as_str()[host.len()..]
            .strip_prefix(':')
            .is_none_or(|port| port.parse::<u16>().is_ok())
}

pub(crate) fn not_a_url() -> Failure {
    misconfigured(AWS_EC2_METADATA_SERVICE_ENDPOINT, "a URL of the form http://HOST[:PORT]")
}

fn misconfigured(variable: &'static str, expected: &str) -> Failure {
    Failure::new(ErrorKind::Misconfigured, format!("{variable} is not {expected}"))
        .with_help(format!("set {variable} of the driver to {expected}, or remove it"))
}
