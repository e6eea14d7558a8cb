//! The check whether Mountpoint can exchange a token itself, since it reaches STS in its own way.

use s3_credential_core::{
    Consumer, Delivery, Environment, ErrorKind, Failure, ResolvedRegion, StsRoute, Warning,
    WarningKind, WebIdentity, check_names_of_aws, check_plain_http, names, resolver_names,
};

use crate::settings::Settings;

/// Refuses a role or a region that AWS's STS would not know, before Mountpoint or the driver calls
/// it.
pub(super) fn check_names(
    environment: &Environment,
    identity: &WebIdentity,
    resolved: &ResolvedRegion,
) -> Result<(), Failure> {
    let field = region_field(&resolved.resolver);
    let role_field = match &identity.role_origin {
        Some(origin) => format!("the role (from {origin})"),
        None => "the role".to_owned(),
    };
    let check = |role, role_field: &str| {
        check_names_of_aws(environment, role, role_field, &resolved.region, &field)
    };
    check(&identity.role_arn, &role_field)?;
    identity.second_hop.iter().try_for_each(|hop| check(&hop.role_arn, "the second role"))
}

fn region_field(resolver: &str) -> String {
    match resolver {
        resolver_names::VOLUME_CONTEXT => "the volume attribute `stsRegion`".to_owned(),
        resolver_names::MOUNT_OPTIONS => "the mount option `--region`".to_owned(),
        resolver_names::ENVIRONMENT => "the driver's AWS_REGION".to_owned(),
        other => format!("the region from `{other}`"),
    }
}

/// The delivery of a token that is not exchanged here yet: as keys where Mountpoint would reach
/// another STS.
pub(super) fn delivery(
    environment: &Environment,
    settings: &Settings,
    chosen: Option<Delivery>,
    default: Delivery,
    region: Option<&ResolvedRegion>,
) -> Result<(Delivery, Option<Warning>), Failure> {
    let delivery = chosen.unwrap_or(default);
    if delivery != Delivery::Delegated {
        return Ok((delivery, None));
    }
    if let Some(url) = environment.get(names::AWS_ENDPOINT_URL_STS) {
        check_plain_http(url, settings.allow_plain_http)?;
    }
    if settings.consumer == Consumer::Sdk {
        return Ok((delivery, None));
    }
    match StsRoute::new(environment, region.map(|resolved| &resolved.region)) {
        StsRoute::Other(reason) if chosen.is_some() => Err(Failure::new(
            ErrorKind::UnsupportedDelivery,
            format!(
                "the exchange cannot be left to Mountpoint, which would not reach the STS in {}: {reason}",
                names::AWS_ENDPOINT_URL_STS
            ),
        )
        .with_help(format!(
            "use the delivery profile or endpoint, or set {} to https:// and a host",
            names::AWS_ENDPOINT_URL_STS
        ))),
        StsRoute::Other(_) => Ok((Delivery::Profile, None)),
        route => Ok((delivery, warning_of(&route))),
    }
}

/// Returns the warning about the route of a token that Mountpoint exchanges.
pub(super) fn warning(
    environment: &Environment,
    settings: &Settings,
    region: Option<&ResolvedRegion>,
) -> Option<Warning> {
    let route = StsRoute::new(environment, region.map(|resolved| &resolved.region));
    warning_of(&route).filter(|_| settings.consumer == Consumer::Mountpoint)
}

fn warning_of(route: &StsRoute) -> Option<Warning> {
    let variable = names::AWS_ENDPOINT_URL_STS;
    let problem = match route {
        StsRoute::Loopback(_) => {
            "is on the loopback interface: Mountpoint gets its host alone, and reaches it only in the same network, by TLS on port 443"
                .to_owned()
        }
        StsRoute::Other(reason) => {
            format!("leads a Mountpoint that exchanges its token itself to another server: {reason}")
        }
        _ => return None,
    };
    Some(Warning::new(WarningKind::Endpoint, format!("{variable} {problem}")))
}
