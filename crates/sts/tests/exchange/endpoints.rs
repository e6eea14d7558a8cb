//! Which STS is called.

use std::sync::Arc;

use s3_credential_core::{Environment, ErrorKind, Failure, StsRoute, SystemClock};
use s3_credential_sts::{Sts, StsSettings};

async fn endpoint(variables: &[(&str, &str)], region: &str) -> Result<String, Failure> {
    let environment: Environment = variables.iter().copied().collect();
    let sts = Sts::new(StsSettings::from_environment(&environment), Arc::new(SystemClock));
    let region = (!region.is_empty()).then(|| region.parse().unwrap());
    sts.endpoint_url(region.as_ref()).await
}

const FIPS: (&str, &str) = ("AWS_USE_FIPS_ENDPOINT", "true");
const DUAL: (&str, &str) = ("AWS_USE_DUALSTACK_ENDPOINT", "true");
const LEGACY: (&str, &str) = ("AWS_STS_REGIONAL_ENDPOINTS", "legacy");

/// Of the SDKs' `sdk-partitions.json`. The core's own table of partitions must say the same.
#[tokio::test]
async fn every_partition_has_its_hosts() {
    for (region, suffix, dual_stack_suffix) in [
        ("us-east-1", "amazonaws.com", "api.aws"),
        ("eu-north-1", "amazonaws.com", "api.aws"),
        ("mx-central-1", "amazonaws.com", "api.aws"),
        ("cn-north-1", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ("cn-northwest-1", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ("us-gov-east-1", "amazonaws.com", "api.aws"),
        ("us-iso-east-1", "c2s.ic.gov", "api.aws.ic.gov"),
        ("us-isob-east-1", "sc2s.sgov.gov", "api.aws.scloud"),
        ("eu-isoe-west-1", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("us-isof-south-1", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ("eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu"),
    ] {
        let partition = region.parse::<s3_credential_core::Region>().unwrap().partition();
        assert_eq!(partition.dns_suffix, suffix, "{region}");
        assert_eq!(partition.dual_stack_dns_suffix, dual_stack_suffix, "{region}");
        for (variables, host) in [
            (&[][..], format!("sts.{region}.{suffix}")),
            (&[FIPS], format!("sts-fips.{region}.{suffix}")),
            (&[DUAL], format!("sts.{region}.{dual_stack_suffix}")),
            (&[FIPS, DUAL], format!("sts-fips.{region}.{dual_stack_suffix}")),
        ] {
            // The only hosts that are FIPS by themselves.
            let host = match (region, variables) {
                ("us-gov-east-1", [FIPS]) => format!("sts.{region}.{suffix}"),
                _ => host,
            };
            let found = endpoint(variables, region).await;
            let has_fips =
                region == "us-east-1" || region.contains("-gov-") || region.contains("-iso");
            if variables.contains(&FIPS) && !has_fips {
                let failure = found.unwrap_err();
                assert!(failure.message().contains("no FIPS endpoint"), "{region}: {failure}");
                continue;
            }
            assert_eq!(found.unwrap(), format!("https://{host}"), "{region} with {variables:?}");
            // Mountpoint is led to the same.
            let environment: Environment = variables.iter().copied().collect();
            let region = region.parse().unwrap();
            let route = StsRoute::new(&environment, Some(&region));
            let expected = (!variables.is_empty()).then_some(host.as_str());
            assert_eq!(route.host(), expected, "{region} with {variables:?}");
        }
    }
}

#[tokio::test]
async fn the_legacy_endpoint_is_for_the_oldest_regions_of_one_partition() {
    for (region, expected) in [
        ("us-east-1", "https://sts.amazonaws.com"),
        ("eu-west-1", "https://sts.amazonaws.com"),
        ("sa-east-1", "https://sts.amazonaws.com"),
        ("ap-east-1", "https://sts.ap-east-1.amazonaws.com"),
        ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"),
        ("eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu"),
    ] {
        assert_eq!(endpoint(&[LEGACY], region).await.unwrap(), expected);
    }
    let regional = ("AWS_STS_REGIONAL_ENDPOINTS", "regional");
    assert_eq!(
        endpoint(&[regional], "us-east-1").await.unwrap(),
        "https://sts.us-east-1.amazonaws.com"
    );
}

#[tokio::test]
async fn an_endpoint_of_ones_own_needs_no_region() {
    for (own, expected) in [
        ("https://minio.example:9000", "https://minio.example:9000"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/sts/", "http://127.0.0.1:8080/sts"),
        // As Mountpoint takes the variable.
        ("sts.internal.example", "https://sts.internal.example"),
    ] {
        for region in ["", "eu-north-1"] {
            let variables = [("AWS_ENDPOINT_URL_STS", own), LEGACY];
            assert_eq!(endpoint(&variables, region).await.unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn without_a_region_there_is_no_regional_endpoint() {
    let failure = endpoint(&[LEGACY], "").await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::NoRegion);
    assert!(failure.help().contains("stsRegion"), "{}", failure.help());
}

#[tokio::test]
async fn a_variable_that_makes_no_sense_is_named() {
    let own = |url| ("AWS_ENDPOINT_URL_STS", url);
    for (variables, name) in [
        (&[own("ftp://sts.example")][..], "AWS_ENDPOINT_URL_STS"),
        (&[own("https://")], "AWS_ENDPOINT_URL_STS"),
        (&[own("https://user:CANARY@sts.example")], "AWS_ENDPOINT_URL_STS"),
        (&[own("https://sts.example/?a=CANARY")], "AWS_ENDPOINT_URL_STS"),
        (&[own("https://sts.example/#CANARY")], "AWS_ENDPOINT_URL_STS"),
        (&[own("https://sts example")], "AWS_ENDPOINT_URL_STS"),
        (&[own("https://sts.example"), FIPS], "AWS_USE_FIPS_ENDPOINT"),
        (&[own("https://sts.example"), DUAL], "AWS_USE_DUALSTACK_ENDPOINT"),
        (&[("AWS_STS_REGIONAL_ENDPOINTS", "global")], "AWS_STS_REGIONAL_ENDPOINTS"),
    ] {
        let failure = endpoint(variables, "eu-north-1").await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Misconfigured, "{variables:?}");
        assert!(failure.message().contains(name), "{failure}");
        let all = format!("{failure:?} {failure} {}", failure.help());
        assert!(!all.contains("CANARY"), "{all}");
    }
}

#[tokio::test]
async fn a_token_is_not_sent_in_clear_text_to_another_machine() {
    let variables = [("AWS_ENDPOINT_URL_STS", "http://minio.example:9000")];
    let failure = endpoint(&variables, "eu-north-1").await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Misconfigured);
    assert!(failure.help().contains("allowPlainHttp"), "{}", failure.help());
    let environment: Environment = variables.into_iter().collect();
    let settings =
        StsSettings { allow_plain_http: true, ..StsSettings::from_environment(&environment) };
    let sts = Sts::new(settings, Arc::new(SystemClock));
    assert_eq!(sts.endpoint_url(None).await.unwrap(), "http://minio.example:9000");
}

#[tokio::test]
async fn a_region_of_another_store_is_for_its_own_endpoint() {
    for region in ["RegionOne", "US", "my_zonegroup"] {
        let failure = endpoint(&[], region).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidRegion, "{region}");
        let own = [("AWS_ENDPOINT_URL_STS", "https://sts.example")];
        assert_eq!(endpoint(&own, region).await.unwrap(), "https://sts.example");
    }
}

#[test]
fn settings_do_not_show_a_password() {
    let environment: Environment = [
        ("AWS_ENDPOINT_URL_STS", "https://svc:hunter2@sts.example"),
        ("HTTPS_PROXY", "http://svc:hunter2@proxy"),
    ]
    .into_iter()
    .collect();
    let text = format!("{:?}", StsSettings::from_environment(&environment));
    assert!(!text.contains("hunter2"), "{text}");
}
