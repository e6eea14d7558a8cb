//! A volume's session policy allows only what Mountpoint needs for this volume.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as tests do")]

use proptest::prelude::*;
use s3_credential_core::{
    ErrorKind, Failure, MountTarget, Partition, ProvideContext, PublishRequest, Region, VolumeScope,
};
use s3_credential_testkit::iam::{Access, Policy};

const READING: [&str; 1] = ["s3:GetObject"];
const WRITING: [&str; 3] = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"];

fn scope(bucket: &str, flags: &[&str]) -> Result<VolumeScope, Failure> {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/pv/mount")
            .with_volume_context([("bucketName", bucket)])
            .with_mount_flags(flags.iter().copied());
    VolumeScope::of(&ProvideContext::from_publish_request(request, MountTarget::new("/w")).unwrap())
}

fn partition(region: &str) -> Partition {
    region.parse::<Region>().unwrap().partition()
}

fn text(bucket: &str, flags: &[&str]) -> String {
    scope(bucket, flags).unwrap().session_policy(partition("eu-north-1")).unwrap()
}

fn policy(bucket: &str, flags: &[&str]) -> Policy {
    Policy::parse(&text(bucket, flags)).unwrap()
}

fn object(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

fn may(policy: &Policy, action: &str, resource: &str) -> bool {
    policy.allows(&Access::new(action, resource))
}

fn may_list(policy: &Policy, bucket: &str, prefix: Option<&str>) -> bool {
    let resource = format!("arn:aws:s3:::{bucket}");
    let access = Access::new("s3:ListBucket", &resource);
    policy.allows(&match prefix {
        Some(prefix) => access.with("s3:prefix", prefix),
        None => access,
    })
}

#[track_caller]
fn refused(bucket: &str, flags: &[&str], named: &str) {
    let failure = scope(bucket, flags).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::InvalidRequest);
    assert!(failure.message().contains(named), "{failure}");
    assert!(!failure.help().is_empty());
}

#[test]
fn the_policy_of_a_prefix_is_what_mountpoint_documents() {
    assert_eq!(
        text("photos", &["prefix 2026/", "allow-delete"]),
        concat!(
            r#"{"Statement":["#,
            r#"{"Action":["s3:ListBucket"],"Condition":{"StringLike":{"s3:prefix":"2026/*"}},"Effect":"Allow","Resource":"arn:aws:s3:::photos"},"#,
            r#"{"Action":["s3:GetObject","s3:PutObject","s3:AbortMultipartUpload","s3:DeleteObject"],"Effect":"Allow","Resource":"arn:aws:s3:::photos/2026/*"},"#,
            r#"{"Action":["kms:Decrypt","kms:GenerateDataKey"],"Condition":{"StringLike":{"kms:ViaService":["s3.*.amazonaws.com"]}},"Effect":"Allow","Resource":"*"}"#,
            r#"],"Version":"2012-10-17"}"#
        )
    );
}

#[test]
fn a_volume_without_a_prefix_has_its_whole_bucket_and_no_other() {
    let policy = policy("photos", &[]);
    assert!(may_list(&policy, "photos", None) && may_list(&policy, "photos", Some("any/")));
    assert!(may(&policy, "s3:PutObject", &object("photos", "deep/er/key")));
    for other in ["photo", "photos2", "photos.backup"] {
        assert!(!may_list(&policy, other, None), "{other}");
        assert!(!may(&policy, "s3:GetObject", &object(other, "key")), "{other}");
    }
    for action in
        ["s3:ListAllMyBuckets", "s3:DeleteBucket", "s3:PutBucketPolicy", "s3:GetObjectAcl"]
    {
        assert!(!may(&policy, action, "arn:aws:s3:::photos"), "{action}");
        assert!(!may(&policy, action, &object("photos", "key")), "{action}");
    }
}

#[test]
fn a_read_only_volume_may_not_write_however_it_is_declared() {
    let by_capability = |mode: &str| {
        let json = format!(
            r#"{{"volumeId":"v","targetPath":"/pods/u/volumes/m","volumeContext":{{"bucketName":"b"}},
                "volumeCapability":{{"mount":{{}},"accessMode":{{"mode":{mode}}}}}}}"#
        );
        let request: PublishRequest = serde_json::from_str(&json).unwrap();
        let context =
            ProvideContext::from_publish_request(request, MountTarget::new("/w")).unwrap();
        VolumeScope::of(&context).unwrap().session_policy(partition("eu-north-1")).unwrap()
    };
    for document in [
        text("b", &["read-only"]),
        by_capability(r#""MULTI_NODE_READER_ONLY""#),
        by_capability("2"),
    ] {
        let policy = Policy::parse(&document).unwrap();
        assert!(may(&policy, "s3:GetObject", &object("b", "key")) && may_list(&policy, "b", None));
        for action in WRITING {
            assert!(!may(&policy, action, &object("b", "key")), "{action}");
        }
        assert!(document.contains("kms:Decrypt") && !document.contains("kms:GenerateDataKey"));
    }
    for writable in [r#""MULTI_NODE_MULTI_WRITER""#, "5", "null", "{}"] {
        assert!(by_capability(writable).contains("s3:PutObject"), "{writable}");
    }
}

#[test]
fn keys_of_kms_are_used_by_s3_only() {
    for (region, host) in [
        ("eu-north-1", "s3.eu-west-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-northwest-1.amazonaws.com.cn"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com"),
    ] {
        let document = scope("b", &[]).unwrap().session_policy(partition(region)).unwrap();
        let policy = Policy::parse(&document).unwrap();
        let key = "arn:aws:kms:eu-west-1:111122223333:key/k";
        for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
            assert!(!may(&policy, action, key), "by the volume itself");
            assert!(
                policy.allows(&Access::new(action, key).with("kms:ViaService", host)),
                "{host}"
            );
            assert!(!policy.allows(
                &Access::new(action, key).with("kms:ViaService", "ec2.eu-west-1.amazonaws.com")
            ));
        }
        assert!(!may(&policy, "kms:ScheduleKeyDeletion", key));
    }
}

#[test]
fn resources_are_of_the_regions_partition() {
    let document = scope("b", &[]).unwrap().session_policy(partition("us-gov-west-1")).unwrap();
    assert!(document.contains(r#""arn:aws-us-gov:s3:::b/*""#), "{document}");
}

#[test]
fn wildcards_of_a_prefix_are_characters() {
    assert!(text("b", &["prefix=a*b?c$d/"]).contains("arn:aws:s3:::b/a${*}b${?}c${$}d/*"));
    for (prefix, others) in [
        ("*/", ["tenant-b/", "/", "**/"]),
        ("a?c/", ["abc/", "a??c/", "ac/"]),
        ("${aws:username}/", ["alice/", "/", "${*}/"]),
        ("${*}/", ["*/", "x/", "${}/"]),
    ] {
        let policy = policy("b", &[&format!("prefix={prefix}")]);
        assert!(may(&policy, "s3:GetObject", &object("b", &format!("{prefix}key"))), "{prefix}");
        assert!(may_list(&policy, "b", Some(prefix)), "{prefix}");
        for other in others {
            assert!(
                !may(&policy, "s3:GetObject", &object("b", &format!("{other}key"))),
                "{prefix} {other}"
            );
            assert!(!may_list(&policy, "b", Some(other)), "{prefix} {other}");
        }
    }
}

#[test]
fn a_prefix_that_no_policy_can_hold_is_refused_by_its_name() {
    for (prefix, named) in [
        ("prefix=team", "does not end in /"),
        ("prefix", "no value"),
        ("prefix=", "no value"),
        ("prefix=\u{65e5}/", "Latin-1"),
        ("prefix=a\u{1f}/", "Latin-1"),
    ] {
        refused("b", &[prefix], "`prefix`");
        refused("b", &[prefix], named);
    }
}

#[test]
fn a_prefix_that_is_too_long_for_sts_is_refused_and_the_longest_fits() {
    let with = |length: usize| {
        let prefix = format!("prefix={}/", "p".repeat(length));
        scope("b", &[&prefix]).unwrap().session_policy(partition("eu-north-1"))
    };
    let longest = (1..2048).take_while(|length| with(*length).is_ok()).last().unwrap();
    assert!(longest > 700, "{longest}");
    assert!(with(longest).unwrap().len() > 2040);
    let failure = with(longest + 1).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::InvalidRequest);
    assert!(failure.message().contains("`prefix` is too long"), "{failure}");
}

#[test]
fn a_volume_that_names_no_bucket_is_refused() {
    refused("", &[], "names no bucket");
}

#[test]
fn what_is_no_name_of_a_bucket_is_refused_by_its_name() {
    for bucket in [
        "*",
        "a*b",
        "b/other",
        "b?",
        "${aws:username}",
        "b:c",
        "b c",
        "b\u{e9}",
        &"b".repeat(256),
        "alias-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias",
        "lambda-access--ol-s3",
        "point--usw2-az1--xa-s3",
        "arn:aws:s3:::photos",
        "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap",
        "arn:aws:s3:eu-north-1:111122223333:accesspoint/*",
        "arn:aws:s3:eu-north-1:111122223333:accesspoint/point/object/x",
        "arn:aws:s3:*:111122223333:accesspoint/point",
        "arn:aws:s3:eu-north-1:*:accesspoint/point",
        "arn:aws-cn:s3:eu-north-1:111122223333:accesspoint/point",
        "arn:aws:s3-object-lambda:eu-north-1:111122223333:accesspoint/point",
        "arn:aws:s3-outposts:eu-north-1:111122223333:outpost/op/accesspoint/point",
    ] {
        refused(bucket, &[], "`bucketName`");
    }
}

#[test]
fn a_cache_that_volumes_share_is_refused() {
    refused("b", &["cache-xz cache--euw1-az1--x-s3"], "`--cache-xz`");
}

#[test]
fn an_access_point_is_named_by_its_arn() {
    const POINT: &str = "arn:aws:s3:eu-north-1:111122223333:accesspoint/team-a";
    let policy = policy(POINT, &["prefix=a/", "read-only"]);
    let listing = Access::new("s3:ListBucket", POINT).with("s3:prefix", "a/b/");
    assert!(policy.allows(&listing));
    assert!(!policy.allows(&listing.with("s3:prefix", "b/")));
    assert!(may(&policy, "s3:GetObject", &format!("{POINT}/object/a/key")));
    assert!(!may(&policy, "s3:PutObject", &format!("{POINT}/object/a/key")));
    assert!(!may(&policy, "s3:GetObject", &format!("{POINT}/object/b/key")));
    assert!(!may(&policy, "s3:GetObject", &format!("{POINT}-2/object/a/key")));
    assert!(!may(&policy, "s3:GetObject", &object("a", "key")));
}

#[test]
fn a_directory_bucket_is_for_sessions_of_this_bucket() {
    const BUCKET: &str = "photos--euw1-az1--x-s3";
    let resource =
        |bucket: &str| format!("arn:aws:s3express:eu-west-1:111122223333:bucket/{bucket}");
    let may_open = |policy: &Policy, bucket: &str, mode: &str| {
        let resource = resource(bucket);
        let access = Access::new("s3express:CreateSession", &resource);
        policy.allows(&access.with("s3express:SessionMode", mode))
    };
    let writable = policy(BUCKET, &[]);
    assert!(may_open(&writable, BUCKET, "ReadWrite") && may_open(&writable, BUCKET, "ReadOnly"));
    assert!(!may_open(&writable, "videos--euw1-az1--x-s3", "ReadOnly"));
    assert!(!may(&writable, "s3express:DeleteBucket", &resource(BUCKET)));
    let read_only = policy(BUCKET, &["read-only"]);
    assert!(may_open(&read_only, BUCKET, "ReadOnly"));
    assert!(!may_open(&read_only, BUCKET, "ReadWrite"));
    assert!(!may(&read_only, "s3express:CreateSession", &resource(BUCKET)));
    refused(BUCKET, &["prefix=a/"], "directory bucket");
}

#[test]
fn what_a_journal_holds_is_checked_again() {
    let read = |json: &str| serde_json::from_str::<VolumeScope>(json).unwrap();
    let stored = serde_json::to_string(&scope("b", &["prefix=a/"]).unwrap()).unwrap();
    assert_eq!(stored, r#"{"bucket":"b","prefix":"a/","readOnly":false,"allowDelete":false}"#);
    let of_earlier_version = read(r#"{"bucket":"b","prefix":"a/","readOnly":false}"#);
    assert_eq!(of_earlier_version, scope("b", &["prefix=a/", "allow-delete"]).unwrap());
    assert_eq!(read(&stored), scope("b", &["prefix=a/"]).unwrap());
    for changed in
        [r#"{"bucket":"*","readOnly":false}"#, r#"{"bucket":"b","prefix":"a","readOnly":false}"#]
    {
        assert!(read(changed).session_policy(partition("eu-north-1")).is_err(), "{changed}");
    }
}

/// Short texts of few characters, so that one is often the beginning of another, and everything
/// that is special somewhere.
fn tricky() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop::sample::select(vec![
            "a", "b", "/", "*", "?", "$", "{", "}", "${*}", "\"", "\\", "é", "\t",
        ]),
        0..8,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_policy_reaches_exactly_the_keys_that_begin_with_the_prefix(
        prefix in tricky(), key in tricky(), read_only: bool, other_bucket: bool,
    ) {
        // Mount options lose the white space at their ends.
        let prefix = format!("{prefix}/");
        let flags = [format!("prefix={prefix}"), "allow-delete".to_owned(), "read-only".to_owned()];
        let flags: Vec<&str> = flags.iter().take(2 + usize::from(read_only)).map(String::as_str).collect();
        let policy = policy("b", &flags);
        let bucket = if other_bucket { "c" } else { "b" };
        for key in [key.clone(), format!("{prefix}{key}"), format!("{key}{prefix}")] {
            let inside = !other_bucket && key.starts_with(&prefix);
            for action in READING {
                prop_assert_eq!(may(&policy, action, &object(bucket, &key)), inside, "{}", key);
            }
            for action in WRITING {
                prop_assert_eq!(may(&policy, action, &object(bucket, &key)), inside && !read_only, "{}", key);
            }
            prop_assert_eq!(may_list(&policy, bucket, Some(&key)), inside, "{}", key);
        }
        prop_assert!(!may_list(&policy, bucket, None));
    }

    #[test]
    fn any_input_is_refused_or_gives_a_policy_that_sts_takes(bucket in "\\PC{0,40}", prefix in "\\PC{0,60}", region in "[a-z]{2,4}-[a-z]{3,9}-[1-9]") {
        let Ok(scope) = scope(&bucket, &[&format!("prefix={prefix}/")]) else { return Ok(()) };
        let document = scope.session_policy(partition(&region)).unwrap();
        prop_assert!(document.chars().count() <= 2048);
        let allowed = document.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}'));
        prop_assert!(allowed, "{}", document);
        prop_assert!(Policy::parse(&document).is_ok());
    }
}
