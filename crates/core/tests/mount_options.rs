//! Mount flags are understood as Mountpoint gets them, whole or split, or reported.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use s3_credential_core::{
    ErrorKind, MountOptions, MountTarget, ProvideContext, PublishRequest, VolumeScope, WarningKind,
};

fn context(flags: &[&str], attributes: &[(&str, &str)]) -> ProvideContext {
    parse(flags, attributes).unwrap()
}

fn parse(
    flags: &[&str],
    attributes: &[(&str, &str)],
) -> Result<ProvideContext, s3_credential_core::Failure> {
    let request = PublishRequest::new("v", "/var/lib/kubelet/pods/u/volumes/csi/pv/mount")
        .with_volume_context([("bucketName", "photos")])
        .with_volume_context(attributes.iter().copied())
        .with_mount_flags(flags.iter().copied());
    ProvideContext::from_publish_request(request, MountTarget::new("/w"))
}

#[test]
fn every_spelling_of_one_option_is_that_option() {
    for flag in [
        "prefix team-a/",
        "prefix=team-a/",
        "--prefix team-a/",
        "--prefix=team-a/",
        "--prefix\tteam-a/",
        "prefix \t team-a/ ",
        "prefix = team-a/",
    ] {
        let options = MountOptions::parse([flag]);
        assert_eq!(options.value("prefix"), Some("team-a/"), "{flag:?}");
        assert_eq!(options.problems(), [], "{flag:?}");
        assert_eq!(options.arguments(), ["--prefix=team-a/"], "{flag:?}");
    }
    for (flag, prefix) in [
        ("prefix year=2024/month=01/", "year=2024/month=01/"),
        ("--prefix=year=2024/", "year=2024/"),
        ("prefix a,b/", "a,b/"),
        ("prefix my folder/", "my folder/"),
        ("--prefix=-dash/", "-dash/"),
    ] {
        let options = MountOptions::parse([flag]);
        assert_eq!(
            (options.value("prefix"), options.problems()),
            (Some(prefix), &[][..]),
            "{flag:?}"
        );
    }
}

#[test]
fn several_options_in_one_flag_are_each_understood() {
    for flag in [
        "--allow-delete --allow-other --prefix team-a/ --region eu-west-1",
        "--prefix team-a/ --region=eu-west-1 --allow-delete --allow-other",
        "--prefix=team-a/\t--region eu-west-1\n--allow-delete -allow-other",
    ] {
        let options = MountOptions::parse([flag]);
        assert_eq!(options.problems(), [], "{flag:?}");
        assert_eq!(
            options.arguments(),
            ["--allow-delete", "--allow-other", "--prefix=team-a/", "--region=eu-west-1"],
            "{flag:?}"
        );
    }
    let options = MountOptions::parse(["read-only,allow-other,prefix=team-a/"]);
    assert_eq!(options.problems(), []);
    assert!(options.has("read-only") && options.value("prefix") == Some("team-a/"));
}

#[test]
fn a_flag_that_can_be_read_in_two_ways_is_reported_and_what_is_in_it_is_seen() {
    for flag in [
        "prefix=team-a/,read-only",
        "prefix team-a/ region eu-west-1",
        "region=eu-west-1,profile=admin",
        "region eu-west-1 read-only",
        "--read-only=true",
        "allow_delete",
        "Read-Only",
        "-o read-only,prefix=team-a/",
        "prefix\u{a0}team-a/",
        "--no-such-option",
        "--prefix --read-only",
    ] {
        let options = MountOptions::parse([flag]);
        assert_eq!(options.problems().len(), 1, "{flag:?}: {options:?}");
        assert_eq!(options.problems()[0].index, 0);
    }
    assert!(MountOptions::parse(["prefix=team-a/,read-only"]).has("read-only"));
    let options = MountOptions::parse(["prefix team-a/ region eu-west-1"]);
    assert_eq!(options.value("region"), Some("eu-west-1"));
    let options = MountOptions::parse(["allow-other", "alow-delete"]);
    let problem = &options.problems()[0];
    assert_eq!(problem.index, 1);
    assert!(problem.to_string().contains("`--allow-delete`"), "{problem}");
}

#[test]
fn a_repeated_option_with_another_value_is_reported() {
    assert_eq!(MountOptions::parse(["prefix a/", "prefix a/"]).problems(), []);
    let options = MountOptions::parse(["prefix a/", "prefix b/"]);
    assert_eq!(options.value("prefix"), Some("b/"));
    assert_eq!(options.problems().len(), 1);
}

#[test]
fn a_profile_is_refused_and_unsigned_requests_are_seen_wherever_they_stand() {
    for flag in
        ["--profile admin", "--allow-other --profile admin", "read-only,profile=admin", "x,profile"]
    {
        let failure = parse(&[flag], &[]).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidRequest, "{flag:?}");
        assert!(failure.message().contains("--profile"), "{failure}");
    }
    for flag in ["no-sign-request", "--allow-other --no-sign-request", "region=a,no-sign-request"] {
        assert!(context(&[flag], &[]).is_anonymous(), "{flag:?}");
    }
}

#[test]
fn no_policy_is_wider_than_what_the_flags_ask_for() {
    let policy = |flags: &[&str]| {
        let scope = VolumeScope::of(&context(flags, &[]))?;
        scope.session_policy("eu-west-1".parse::<s3_credential_core::Region>()?.partition())
    };
    for flag in ["prefix=team-a/,allow-delete", "-o prefix=team-a/", "read_only", "prefix a/ uid 5"]
    {
        let failure = policy(&[flag]).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidRequest);
        assert!(failure.message().contains("mountOptions[0]"), "{failure}");
        assert!(failure.help().contains("scope: role"), "{failure:?}");
    }
    let document = policy(&["read-only,prefix=team-a/"]).unwrap();
    assert!(document.contains("photos/team-a/*") && !document.contains("PutObject"), "{document}");
    let document = policy(&["prefix team-a/"]).unwrap();
    assert!(document.contains("PutObject") && !document.contains("DeleteObject"), "{document}");
    let document = policy(&["--allow-delete --prefix team-a/"]).unwrap();
    assert!(
        document.contains("photos/team-a/*") && document.contains("DeleteObject"),
        "{document}"
    );
}

#[test]
fn a_misspelt_attribute_is_warned_of_and_others_are_not() {
    for (name, expected) in [
        ("authenticationsource", "`authenticationSource`"),
        ("authentication-source", "`authenticationSource`"),
        ("authenticatonSource", "`authenticationSource`"),
        ("bucketname", "`bucketName`"),
        ("bucket_name", "`bucketName`"),
        ("bucket", "`bucketName`"),
        ("stsregion", "`stsRegion`"),
        ("prefix", "`mountOptions`"),
        ("readOnly", "`mountOptions`"),
        ("region", "`mountOptions`"),
    ] {
        let context = context(&[], &[(name, "x")]);
        let [warning] = context.warnings() else { panic!("{name}: {:?}", context.warnings()) };
        assert_eq!(warning.kind, WarningKind::VolumeAttribute);
        assert!(warning.message.contains(expected), "{warning}");
        assert!(warning.message.contains(&format!("`{name}`")), "{warning}");
    }
    let context = context(
        &[],
        &[
            ("stsRegion", "eu-west-1"),
            ("storage.kubernetes.io/csiProvisionerIdentity", "x"),
            ("csi.storage.k8s.io/pod.name", "x"),
            ("cacheEmptyDirSizeLimit", "1Gi"),
            ("team", "x"),
        ],
    );
    assert_eq!(context.warnings(), []);
}

#[test]
fn a_flag_that_is_not_understood_is_warned_of_without_its_text() {
    let context = context(&["allow-other", "hunter2 is secret"], &[]);
    let [warning] = context.warnings() else { panic!("{:?}", context.warnings()) };
    assert_eq!(warning.kind, WarningKind::MountOption);
    assert!(warning.message.contains("mountOptions[1]"), "{warning}");
    assert!(!warning.message.contains("hunter2"), "{warning}");
}
