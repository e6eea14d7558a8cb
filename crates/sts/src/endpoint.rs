//! The choice of the STS endpoint.

use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use http::Uri;
use s3_credential_core::{
    ErrorKind, Failure, Region, check_fips, check_plain_http, is_url_of_aws, names,
};

use crate::settings::StsSettings;

/// The region in a signature where the endpoint is not AWS's own and no region is known; MinIO and
/// Ceph take it.
const DEFAULT_SIGNING_REGION: &str = "us-east-1";

/// The global endpoint, whose signatures are always of the first region.
const GLOBAL: &str = "https://sts.amazonaws.com";

/// The endpoint of STS, and the region to sign for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) signing_region: String,
    /// Whether it is the STS of another store.
    pub(crate) is_other_store: bool,
}

/// Follows the SDK's rules, which know every partition. `regional_endpoints` goes before the
/// settings'.
pub(crate) async fn resolve(
    settings: &StsSettings,
    region: Option<&Region>,
    regional_endpoints: Option<&str>,
) -> Result<Endpoint, Failure> {
    let own = settings.endpoint_url.as_deref().map(own_url).transpose()?;
    match (&own, region) {
        (Some(url), _) => check_plain_http(url, settings.allow_plain_http)?,
        (None, Some(region)) => {
            region.check_aws("the region")?;
            if settings.use_fips {
                check_fips(region)?;
            }
        }
        (None, None) => {}
    }
    let is_other_store = own.as_deref().is_some_and(|url| !is_url_of_aws(url));
    if own.is_none() && region.is_none() {
        return Err(no_region());
    }
    // The rules refuse what is no host label, although none is made of it.
    let host_region = region.filter(|region| region.check_aws("the region").is_ok());
    let params = Params::builder()
        .set_region(host_region.map(|region| region.as_str().to_owned()))
        .set_endpoint(own)
        .use_fips(settings.use_fips)
        .use_dual_stack(settings.use_dual_stack)
        .use_global_endpoint(is_legacy(
            regional_endpoints.or(settings.regional_endpoints.as_deref()),
        )?)
        .build()
        .map_err(|_| contradiction())?;
    let endpoint =
        DefaultResolver::new().resolve_endpoint(&params).await.map_err(|_| contradiction())?;
    let url = endpoint.url().to_owned();
    let signing_region = match region {
        Some(region) if url != GLOBAL => region.as_str().to_owned(),
        _ => DEFAULT_SIGNING_REGION.to_owned(),
    };
    Ok(Endpoint { url, signing_region, is_other_store })
}

/// The SDKs want a URL in the variable, Mountpoint a bare host name: either will do.
fn own_url(text: &str) -> Result<String, Failure> {
    let url = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let usable = url.parse::<Uri>().is_ok_and(|uri| {
        let plain_host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        matches!(uri.scheme_str(), Some("http" | "https")) && plain_host && uri.query().is_none()
    });
    // `http::Uri` forgets a fragment while it parses.
    if usable && !url.contains('#') {
        Ok(url.trim_end_matches('/').to_owned())
    } else {
        Err(Failure::new(
            ErrorKind::Misconfigured,
            format!("{} is not the URL of a service", names::AWS_ENDPOINT_URL_STS),
        )
        .with_help(format!(
            "set {} to a URL such as https://sts.example.com, without user, query or fragment",
            names::AWS_ENDPOINT_URL_STS
        )))
    }
}

fn is_legacy(word: Option<&str>) -> Result<bool, Failure> {
    let variable = names::AWS_STS_REGIONAL_ENDPOINTS;
    match word {
        None | Some("regional") => Ok(false),
        Some("legacy") => Ok(true),
        Some(_) => Err(Failure::new(
            ErrorKind::Misconfigured,
            format!("{variable} is neither regional nor legacy"),
        )
        .with_help(format!("set {variable} to regional, or unset it"))),
    }
}

fn no_region() -> Failure {
    Failure::new(
        ErrorKind::NoRegion,
        "no AWS region is known, so there is no STS to call",
    )
    .with_help("set the volume attribute `stsRegion`, the mount option `--region`, or AWS_REGION for the driver")
}

fn contradiction() -> Failure {
    Failure::new(
        ErrorKind::Misconfigured,
        format!(
            "no STS endpoint is of the kind that {}, {} and {} ask for together",
            names::AWS_ENDPOINT_URL_STS,
            names::AWS_USE_FIPS_ENDPOINT,
            names::AWS_USE_DUALSTACK_ENDPOINT
        ),
    )
    .with_help("an endpoint of one's own goes with neither FIPS nor dual stack: unset the switches, or the endpoint")
}
