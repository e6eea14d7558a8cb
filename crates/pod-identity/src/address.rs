//! The URL of the agent, and the hosts to which a token may be sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use s3_credential_core::{ErrorKind, Failure};

/// The ECS task metadata service.
const ECS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2));
/// The EKS Pod Identity agent.
const EKS_IPV4: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23));
const EKS_IPV6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23));

const MAX_LEN: usize = 2048;

/// A URL that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) is_https: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host and port as in the URL.
    pub(crate) authority: String,
    pub(crate) path: PathAndQuery,
}

impl Address {
    /// Takes any `https` URL, and an `http` one only for the hosts that never leave the node: the
    /// SDKs' rule for this protocol (aws-config, `ecs.rs`), without its look-up of other names. The
    /// error names the field; a path may be secret.
    pub(crate) fn parse(field: &str, url: &str) -> Result<Self, Failure> {
        let refuse = |problem: &str| {
            Failure::new(ErrorKind::Misconfigured, format!("{field} {problem}"))
                .with_help(format!("set {field} to the URL that EKS gives pods, http://169.254.170.23/v1/credentials, or http://[fd00:ec2::23]/v1/credentials"))
        };
        let not_a_url = || refuse("is not an http or https URL");
        if url.len() > MAX_LEN
            || !url.bytes().all(|byte| byte.is_ascii_graphic())
            || url.contains('#')
        {
            return Err(not_a_url());
        }
        let uri: Uri = url.parse().map_err(|_| not_a_url())?;
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        if !is_https && uri.scheme() != Some(&Scheme::HTTP) {
            return Err(not_a_url());
        }
        let authority = uri.authority().ok_or_else(not_a_url)?;
        if authority.as_str().contains('@') {
            return Err(refuse("holds a user name"));
        }
        // The rest after the host is empty, or a colon and a port.
        let port = match authority.as_str()[authority.host().len()..].strip_prefix(':') {
            None if is_https => 443,
            None => 80,
            Some(port) => port.parse().map_err(|_| not_a_url())?,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(not_a_url());
        }
        if !is_https && !stays_on_the_node(host) {
            return Err(refuse(
                "is a plain http URL of another host than loopback, 169.254.170.2, 169.254.170.23 and fd00:ec2::23",
            ));
        }
        Ok(Self {
            is_https,
            host: host.to_owned(),
            port,
            authority: authority.as_str().to_owned(),
            path: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
        })
    }

    /// Returns the part that a message may show.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }
}

fn stays_on_the_node(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || [ECS, EKS_IPV4, EKS_IPV6].contains(&ip),
        // RFC 6761 keeps this one name for loopback.
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}
