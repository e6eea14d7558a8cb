//! The STS that Mountpoint would reach with a token file, compared with the one of the driver's
//! environment.

use std::net::IpAddr;

use crate::environment::{Environment, names};
use crate::error::{ErrorKind, Failure};
use crate::region::{Partition, Region};
use crate::role::RoleArn;

/// Regions of partition `aws` that have a FIPS endpoint of STS (AWS General Reference, "AWS STS
/// endpoints").
const FIPS_REGIONS: [&str; 4] = ["us-east-1", "us-east-2", "us-west-1", "us-west-2"];

/// The route of Mountpoint to STS. It takes `AWS_ENDPOINT_URL_STS` as a bare host name, and speaks
/// TLS on port 443.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StsRoute {
    /// The same STS as the driver's: this host, or the one of its region.
    Same(Option<String>),
    /// An STS on the loopback interface, which is an emulator: this host.
    Loopback(String),
    /// Another server than the one that is meant, with the reason.
    Other(&'static str),
}

impl StsRoute {
    /// Makes the route for a token file in this region.
    pub fn new(environment: &Environment, region: Option<&Region>) -> Self {
        let (fips, dual_stack) = switches(environment);
        let Some(url) = environment.get(names::AWS_ENDPOINT_URL_STS) else {
            let host = region.filter(|_| fips || dual_stack);
            return Self::Same(host.map(|region| host_of_region(region, fips, dual_stack)));
        };
        let url = StsUrl::new(url);
        if url.user_info {
            return Self::Other("it holds a user name");
        }
        if is_loopback(url.host) {
            return Self::Loopback(url.host.to_owned());
        }
        if fips || dual_stack {
            return Self::Other("it goes with neither FIPS nor dual stack");
        }
        if !url.tls {
            return Self::Other("it is no https URL, and Mountpoint speaks TLS");
        }
        if url.port.is_some_and(|port| port != "443") {
            return Self::Other("it has a port, and Mountpoint uses 443");
        }
        if !matches!(url.rest, "" | "/") {
            return Self::Other("it has a path, which Mountpoint leaves out");
        }
        Self::Same(Some(url.host.to_owned()))
    }

    /// Returns the value of `AWS_ENDPOINT_URL_STS` for Mountpoint.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Same(host) => host.as_deref(),
            Self::Loopback(host) => Some(host),
            Self::Other(_) => None,
        }
    }
}

/// Returns whether AWS's own STS is called, whose rules for names are known.
pub fn is_sts_of_aws(environment: &Environment) -> bool {
    environment.get(names::AWS_ENDPOINT_URL_STS).is_none_or(is_url_of_aws)
}

/// Returns whether a URL or a bare host name is one of AWS.
pub fn is_url_of_aws(url: &str) -> bool {
    Partition::has_host(StsUrl::new(url).host)
}

/// Refuses what AWS's STS cannot take: a role or a region of another store, a role of another
/// partition, FIPS where there is none. With an STS of another store everything is taken.
pub fn check_names_of_aws(
    environment: &Environment,
    role: &RoleArn,
    role_field: &str,
    region: &Region,
    region_field: &str,
) -> Result<(), Failure> {
    if !is_sts_of_aws(environment) {
        return Ok(());
    }
    role.check_aws(role_field)?;
    region.check_aws(region_field)?;
    let (of_role, of_region) = (role.partition(), region.partition().name);
    if of_role != of_region {
        return Err(Failure::new(
            ErrorKind::Misconfigured,
            format!(
                "the role is in the partition {of_role}, and {region_field} names {region}, which is in {of_region}"
            ),
        )
        .with_help(format!(
            "set the volume attribute `stsRegion` to a region of {of_role}, or name a role of {of_region}"
        )));
    }
    if environment.is_true(names::AWS_USE_FIPS_ENDPOINT)
        && environment.get(names::AWS_ENDPOINT_URL_STS).is_none()
    {
        check_fips(region)?;
    }
    Ok(())
}

/// Refuses a region in which STS has no FIPS endpoint: its host does not exist.
pub fn check_fips(region: &Region) -> Result<(), Failure> {
    let exists = match region.partition().name {
        "aws" => FIPS_REGIONS.contains(&region.as_str()),
        "aws-cn" | "aws-eusc" => false,
        _ => true,
    };
    if exists {
        return Ok(());
    }
    let variable = names::AWS_USE_FIPS_ENDPOINT;
    Err(Failure::new(
        ErrorKind::Misconfigured,
        format!("STS has no FIPS endpoint in {region}, and {variable} asks for one"),
    )
    .with_help(format!(
        "set `stsRegion` to one of {}, or unset {variable} (and name an endpoint in AWS_ENDPOINT_URL_STS, if there is one)",
        FIPS_REGIONS.join(", ")
    )))
}

/// Refuses to send a token in clear text to another machine, unless it is allowed.
pub fn check_plain_http(url: &str, allowed: bool) -> Result<(), Failure> {
    let parsed = StsUrl::new(url);
    if parsed.tls || allowed || is_loopback(parsed.host) || is_link_local(parsed.host) {
        return Ok(());
    }
    let variable = names::AWS_ENDPOINT_URL_STS;
    Err(Failure::new(
        ErrorKind::Misconfigured,
        format!("{variable} is an http URL, and a token would be sent to it in clear text"),
    )
    .with_help(format!(
        "set {variable} to an https URL, or set `allowPlainHttp: true` in the driver's configuration"
    )))
}

fn switches(environment: &Environment) -> (bool, bool) {
    (
        environment.is_true(names::AWS_USE_FIPS_ENDPOINT),
        environment.is_true(names::AWS_USE_DUALSTACK_ENDPOINT),
    )
}

/// The rules of the SDKs for STS.
fn host_of_region(region: &Region, fips: bool, dual_stack: bool) -> String {
    let partition = region.partition();
    let suffix = if dual_stack { partition.dual_stack_dns_suffix } else { partition.dns_suffix };
    let service = match (fips, dual_stack, partition.name) {
        (true, false, "aws-us-gov") | (false, _, _) => "sts",
        (true, ..) => "sts-fips",
    };
    format!("{service}.{region}.{suffix}")
}

/// The parts of a URL or of a bare host name, which means https.
#[derive(Debug)]
struct StsUrl<'a> {
    tls: bool,
    user_info: bool,
    host: &'a str,
    port: Option<&'a str>,
    /// Path, query and fragment.
    rest: &'a str,
}

impl<'a> StsUrl<'a> {
    fn new(url: &'a str) -> Self {
        let (scheme, after) = url.split_once("://").unwrap_or(("https", url));
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        let (user, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (address, None),
        };
        Self {
            tls: scheme.eq_ignore_ascii_case("https"),
            user_info: user.len() < authority.len() && authority.contains('@'),
            host,
            port,
            rest,
        }
    }
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || address(host).is_some_and(|address| address.is_loopback())
}

/// Addresses that no router passes on, and those of services on the node (`fd00:ec2::/32`).
fn is_link_local(host: &str) -> bool {
    match address(host) {
        Some(IpAddr::V4(address)) => address.is_link_local(),
        Some(IpAddr::V6(address)) => {
            address.is_unicast_link_local() || address.segments()[..2] == [0xfd00, 0x0ec2]
        }
        None => false,
    }
}
