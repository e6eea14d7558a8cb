//! A token file is left to Mountpoint where it reaches the same STS, and names are AWS's where AWS
//! is called.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use s3_credential_core::{
    Environment, ErrorKind, Failure, Region, RoleArn, StsRoute, check_names_of_aws,
    check_plain_http, has_user_info, mask_user_info,
};

const URL: &str = "AWS_ENDPOINT_URL_STS";
const FIPS: (&str, &str) = ("AWS_USE_FIPS_ENDPOINT", "true");
const DUAL: (&str, &str) = ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE");

fn route(region: &str, variables: &[(&str, &str)]) -> StsRoute {
    let environment: Environment = variables.iter().copied().collect();
    StsRoute::new(&environment, Some(&region.parse::<Region>().unwrap()))
}

#[test]
fn a_host_that_mountpoint_reaches_is_named_as_it_wants_it() {
    for url in
        ["https://sts.example", "https://sts.example/", "sts.example", "HTTPS://sts.example:443/"]
    {
        assert_eq!(
            route("eu-west-1", &[(URL, url)]),
            StsRoute::Same(Some("sts.example".to_owned())),
            "{url}"
        );
    }
    assert_eq!(route("eu-west-1", &[]), StsRoute::Same(None));
    let host = |region: &str, variables: &[(&str, &str)]| {
        route(region, variables).host().map(str::to_owned).unwrap()
    };
    assert_eq!(host("us-east-1", &[FIPS]), "sts-fips.us-east-1.amazonaws.com");
    assert_eq!(host("us-gov-west-1", &[FIPS]), "sts.us-gov-west-1.amazonaws.com");
    assert_eq!(host("us-east-2", &[FIPS, DUAL]), "sts-fips.us-east-2.api.aws");
    assert_eq!(host("eu-west-1", &[DUAL]), "sts.eu-west-1.api.aws");
    assert_eq!(host("cn-north-1", &[DUAL]), "sts.cn-north-1.api.amazonwebservices.com.cn");
}

#[test]
fn what_mountpoint_would_cut_off_leads_to_another_server() {
    for url in [
        "http://minio:9000",
        "http://minio",
        "https://minio:9000",
        "minio:9000",
        "https://sts.minio-operator.svc.cluster.local:4223/sts/tenant-ns",
        "https://sts.example/path",
        "https://sts.example?x=1",
        "https://user:password@sts.example",
        "https://[2001:db8::1]:8443",
    ] {
        assert!(matches!(route("eu-west-1", &[(URL, url)]), StsRoute::Other(_)), "{url}");
    }
    for switch in [FIPS, DUAL] {
        let route = route("us-east-1", &[(URL, "https://sts.example"), switch]);
        assert!(matches!(route, StsRoute::Other(_)), "{route:?}");
    }
    for (url, host) in [
        ("http://127.0.0.1:4566", "127.0.0.1"),
        ("http://localhost:9000/sts", "localhost"),
        ("http://[::1]:9000", "[::1]"),
    ] {
        assert_eq!(route("eu-west-1", &[(URL, url)]), StsRoute::Loopback(host.to_owned()), "{url}");
    }
}

fn names(role: &str, region: &str, variables: &[(&str, &str)]) -> Result<(), Failure> {
    let environment: Environment = variables.iter().copied().collect();
    let (role, region) = (role.parse::<RoleArn>().unwrap(), region.parse::<Region>().unwrap());
    check_names_of_aws(&environment, &role, "the role", &region, "`stsRegion`")
}

#[test]
fn names_are_those_of_the_server_that_is_called() {
    let (of_aws, of_china) =
        ("arn:aws:iam::111122223333:role/x", "arn:aws-cn:iam::111122223333:role/x");
    names(of_aws, "eu-west-1", &[]).unwrap();
    names(of_china, "cn-north-1", &[]).unwrap();
    let aws_endpoint = [(URL, "https://vpce-1.sts.eu-west-1.vpce.amazonaws.com")];
    for (role, region, kind) in [
        ("arn:aws:iam::tenant1:role/x", "eu-west-1", ErrorKind::InvalidRoleArn),
        ("urn:ecs:iam::NS:role/x", "eu-west-1", ErrorKind::InvalidRoleArn),
        (of_aws, "RegionOne", ErrorKind::InvalidRegion),
        (of_china, "eu-west-1", ErrorKind::Misconfigured),
        (of_aws, "us-gov-west-1", ErrorKind::Misconfigured),
    ] {
        for variables in [&[][..], &aws_endpoint] {
            assert_eq!(names(role, region, variables).unwrap_err().kind(), kind, "{role} {region}");
        }
        names(role, region, &[(URL, "https://sts.example")]).unwrap();
        names(role, region, &[(URL, "https://amazonaws.com.example")]).unwrap();
    }
    let failure = names(of_china, "us-east-1", &[]).unwrap_err();
    assert!(failure.message().contains("aws-cn") && failure.message().contains("us-east-1"));
    assert!(failure.help().contains("stsRegion"));
}

#[test]
fn fips_is_refused_where_there_is_none() {
    let role = "arn:aws:iam::111122223333:role/x";
    names(role, "us-west-2", &[FIPS]).unwrap();
    names("arn:aws-us-gov:iam::111122223333:role/x", "us-gov-east-1", &[FIPS]).unwrap();
    let failure = names(role, "eu-north-1", &[FIPS]).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Misconfigured);
    assert!(failure.message().contains("AWS_USE_FIPS_ENDPOINT"), "{failure}");
    assert!(failure.help().contains("us-east-1"), "{failure:?}");
    let china = "arn:aws-cn:iam::111122223333:role/x";
    assert!(names(china, "cn-north-1", &[FIPS]).is_err());
}

#[test]
fn a_token_goes_in_clear_text_to_this_node_alone() {
    for url in [
        "https://sts.example",
        "sts.example",
        "http://127.0.0.1:4566",
        "http://localhost:9000",
        "http://[::1]:1",
        "http://169.254.1.2",
        "http://[fe80::1]",
        "http://[fd00:ec2::23]",
    ] {
        check_plain_http(url, false).unwrap();
    }
    for url in [
        "http://minio:9000",
        "HTTP://minio",
        "http://10.0.0.1",
        "http://127.0.0.1.example",
        "http://[2001:db8::1]",
    ] {
        let failure = check_plain_http(url, false).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Misconfigured, "{url}");
        assert!(failure.message().contains(URL) && failure.help().contains("allowPlainHttp"));
        check_plain_http(url, true).unwrap();
    }
}

#[test]
fn user_info_is_masked_wherever_it_stands() {
    for (url, masked) in [
        ("http://svc:hunter2@proxy:3128", "http://********@proxy:3128"),
        ("svc:hunter2@proxy:3128", "********@proxy:3128"),
        ("http://hunter2@proxy", "http://********@proxy"),
        ("http://svc:hun@ter2@proxy/x", "http://********@proxy/x"),
        ("http://svc:hun/ter2@proxy", "http://********@proxy"),
        ("http://svc:hunter2#@proxy", "http://********@proxy"),
    ] {
        assert!(has_user_info(url), "{url}");
        assert_eq!(mask_user_info(url), masked);
    }
    for url in ["http://proxy:3128", "http://proxy/a@b", "http://[::1]:80/a@b", "proxy", ""] {
        assert!(!has_user_info(url), "{url}");
        assert_eq!(mask_user_info(url), url);
    }
}
