//! Other inputs of the same kinds.

use std::fs;

use serde_json::json;

use crate::case::Case;
use crate::verdicts;
use crate::world::World;

#[tokio::test]
async fn no_spelling_of_a_mount_option_widens_a_policy() {
    let world = World::start().await;
    for flags in [
        &["prefix\tteam-a/"][..],
        &["--prefix=team-a/"],
        &["read-only,prefix=team-a/"],
        &["prefix=team-a/,read-only"],
        &["--prefix team-a/ --read-only"],
        &["-o prefix=team-a/"],
        &["Prefix=team-a/"],
        &["prefix: team-a/"],
        &["allow-delete", "--prefx=team-a/"],
        &["prefix=team-a/", "prefix=team-b/"],
    ] {
        let case = Case::of_pod("prefix").command("process").configured("scope: volume\n");
        let seen = world.run(&case.with("AWS_ENDPOINT_URL_STS", "@STS").flags(flags)).await;
        verdicts::prefix(&seen, &format!("{flags:?}\n{}", seen.all()));
    }
}

#[tokio::test]
async fn a_profile_within_a_mount_option_is_refused() {
    let world = World::start().await;
    for flag in ["--allow-other --profile admin", "read-only,profile=admin", "--profile=admin"] {
        let seen = world.run(&Case::of_pod("profile").flags(&[flag])).await;
        assert_eq!(
            (seen.status, seen.text("/error/code")),
            (2, "INVALID_ARGUMENT"),
            "{}",
            seen.all()
        );
        assert!(seen.said().contains("--profile"), "{}", seen.all());
    }
    let seen =
        world.run(&Case::of_pod("anonymous").flags(&["--allow-other --no-sign-request"])).await;
    assert_eq!(seen.text("/form"), "anonymous", "{}", seen.all());
    let mut case = Case::of_pod("region").flags(&["--allow-other --region eu-west-3"]);
    case.request.as_mut().unwrap()["volumeContext"]["stsRegion"] = json!("");
    let seen = world.run(&case).await;
    assert_eq!(seen.text("/region/name"), "eu-west-3", "{}", seen.all());
}

#[tokio::test]
async fn roles_of_other_stores_are_for_their_own_sts() {
    for role in [
        "arn:aws:iam::role/S3ReadOnlyRole",
        "arn:aws:iam::tenant1:role/S3Access",
        "arn:aws:iam::RGW00000000000000001:role/x",
        "arn:aws:iam:::role/x",
        "urn:ecs:iam::NS:role/x",
    ] {
        let own = Case::of_pod("own")
            .role(role)
            .with("AWS_ENDPOINT_URL_STS", "https://sts.store.example");
        let seen = World::start().await.run(&own).await;
        assert_eq!((seen.status, seen.text("/delivery")), (0, "delegated"), "{}", seen.all());
        assert_eq!(seen.variable("AWS_ROLE_ARN"), Some(role), "{}", seen.all());
        let aws = "https://vpce-1.sts.us-east-1.vpce.amazonaws.com";
        for case in [Case::of_pod("aws"), Case::of_pod("aws").with("AWS_ENDPOINT_URL_STS", aws)] {
            let seen = World::start().await.run(&case.role(role)).await;
            assert_eq!(
                (seen.status, seen.text("/error/kind")),
                (2, "invalid-role-arn"),
                "{}",
                seen.all()
            );
            assert!(!seen.all().contains(role), "{}", seen.all());
        }
    }
}

#[tokio::test]
async fn partitions_that_do_not_fit_are_reported_before_a_request_is_sent() {
    let world = World::start().await;
    let role = "arn:aws-cn:iam::111122223333:role/x";
    for command in ["provide", "process", "explain"] {
        let seen = world.run(&Case::of_pod("partition").command(command).role(role)).await;
        assert_eq!(
            (seen.status, seen.text("/error/code")),
            (3, "FAILED_PRECONDITION"),
            "{}",
            seen.all()
        );
        assert!(
            seen.said().contains("aws-cn") && seen.said().contains("stsRegion"),
            "{}",
            seen.all()
        );
    }
}

#[tokio::test]
async fn an_sts_that_mountpoint_would_miss_is_asked_here() {
    for (url, named) in [
        ("http://minio:9000", "AWS_ENDPOINT_URL_STS"),
        ("http://10.255.255.1", "AWS_ENDPOINT_URL_STS"),
        ("https://user:hunter2secret@sts.example", "AWS_ENDPOINT_URL_STS"),
        ("https://sts.example/path?x=1", "AWS_ENDPOINT_URL_STS"),
    ] {
        let world = World::start().await;
        let seen = world.run(&Case::of_pod(url).with("AWS_ENDPOINT_URL_STS", url)).await;
        verdicts::own_sts(&seen, &seen.all());
        assert!(seen.said().contains(named), "{}", seen.all());
        assert!(!seen.all().contains("hunter2secret"), "{}", seen.all());
    }
    let explicit = Case::of_pod("explicit")
        .with("AWS_ENDPOINT_URL_STS", "https://minio.example:9000")
        .argument("--delivery")
        .argument("delegated");
    let seen = World::start().await.run(&explicit).await;
    assert_eq!(
        (seen.status, seen.text("/error/kind")),
        (2, "unsupported-delivery"),
        "{}",
        seen.all()
    );
    assert!(seen.text("/error/message").contains("AWS_ENDPOINT_URL_STS"), "{}", seen.all());
}

#[tokio::test]
async fn an_sts_on_the_loopback_is_handed_on_with_a_warning() {
    let world = World::start().await;
    let case = Case::of_pod("loopback").with("AWS_ENDPOINT_URL_STS", "@STS");
    for command in ["provide", "explain"] {
        let seen = world.run(&case.clone().command(command)).await;
        assert_eq!((seen.status, seen.text("/delivery")), (0, "delegated"), "{}", seen.all());
        assert!(seen.text("/warnings/0").contains("AWS_ENDPOINT_URL_STS"), "{}", seen.all());
        assert_eq!(seen.stderr.lines().count(), 1, "{}", seen.all());
        assert_eq!(seen.variable("AWS_ENDPOINT_URL_STS"), Some("127.0.0.1"), "{}", seen.all());
    }
}

#[tokio::test]
async fn a_ca_bundle_is_copied_with_the_volumes_files() {
    let world = World::start().await;
    let mut case = Case::of_pod("ca").with("AWS_CA_BUNDLE", "@FILE:ca.pem").argument("--env-path");
    case.args.push("/comm/credentials".to_owned());
    case.files.insert("ca.pem".to_owned(), "-----BEGIN CERTIFICATE-----\n".to_owned());
    let seen = world.run(&case).await;
    let named = seen.variable("AWS_CA_BUNDLE").unwrap_or_else(|| panic!("{}", seen.all()));
    let inside = named.strip_prefix("/comm/credentials/").unwrap();
    assert_eq!(
        fs::read_to_string(seen.write_path.join(inside)).unwrap(),
        "-----BEGIN CERTIFICATE-----\n"
    );
    let files = seen.object["files"].as_array().unwrap();
    assert!(files.iter().any(|file| file["path"] == named), "{}", seen.all());
}

#[tokio::test]
async fn fips_is_refused_where_there_is_none() {
    let world = World::start().await;
    for command in ["provide", "process"] {
        let case = Case::of_pod("fips").command(command).with("AWS_USE_FIPS_ENDPOINT", "true");
        let seen = world.run(&case.attribute("stsRegion", "eu-north-1")).await;
        assert_eq!(
            (seen.status, seen.text("/error/code")),
            (3, "FAILED_PRECONDITION"),
            "{}",
            seen.all()
        );
        assert!(seen.said().contains("AWS_USE_FIPS_ENDPOINT"), "{}", seen.all());
    }
}

#[tokio::test]
async fn a_password_in_a_url_is_shown_nowhere_unless_it_is_asked_for() {
    let world = World::start().await;
    let case = Case::of_pod("password").with("https_proxy", "http://svc:hunter2secret@proxy:3128");
    for command in ["explain", "provide"] {
        let seen = world.run(&case.clone().command(command)).await;
        assert_eq!(seen.status, 0, "{}", seen.all());
        assert_eq!(
            seen.variable("HTTPS_PROXY"),
            Some("http://********@proxy:3128"),
            "{}",
            seen.all()
        );
        assert!(
            !format!("{}{}", seen.all(), seen.journal).contains("hunter2secret"),
            "{}",
            seen.all()
        );
    }
    let seen = world.run(&case.argument("--reveal")).await;
    let revealed = "http://svc:hunter2secret@proxy:3128";
    assert_eq!(seen.variable("https_proxy"), Some(revealed), "{}", seen.all());
    assert!(!seen.journal.contains("hunter2secret"));
}

#[tokio::test]
async fn no_proxy_at_all_stays_no_proxy_at_all() {
    let world = World::start().await;
    let case = Case::of_pod("star").with("HTTPS_PROXY", "@PROXY").with("no_proxy", "*");
    let seen = world.run(&case).await;
    assert_eq!(seen.variable("NO_PROXY"), Some("*"), "{}", seen.all());
    assert_eq!(seen.variable("no_proxy"), Some("*"), "{}", seen.all());
}

#[tokio::test]
async fn regions_of_other_stores_are_for_their_own_sts() {
    for region in ["US", "RegionOne", "GRA", "my_zonegroup"] {
        let case = Case::of_pod(region).attribute("stsRegion", region);
        let seen = World::start().await.run(&case).await;
        assert_eq!(
            (seen.status, seen.text("/error/kind")),
            (2, "invalid-region"),
            "{}",
            seen.all()
        );
        assert!(seen.said().contains("stsRegion"), "{}", seen.all());
        let own = case.with("AWS_ENDPOINT_URL_STS", "https://sts.store.example");
        let seen = World::start().await.run(&own).await;
        assert_eq!((seen.status, seen.text("/region/name")), (0, region), "{}", seen.all());
        let keys = json!({"access_key_id": "AKIA", "secret_access_key": "key"});
        let secret =
            Case::at_level("secret", "secret").attribute("stsRegion", region).secrets(keys);
        let seen =
            World::start().await.run(&secret.with("AWS_EC2_METADATA_DISABLED", "true")).await;
        assert_eq!((seen.status, seen.text("/region/name")), (0, region), "{}", seen.all());
    }
}
