//! What a publish request is parsed into, and what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use s3_credential_core::{
    AuthenticationLevel, CleanupContext, ErrorKind, Failure, MountTarget, ProvideContext,
    PublishRequest, TOKENS_KEY, UnpublishRequest,
};

const TARGET: &str = "/var/lib/kubelet/pods/4a5d9c1e/volumes/kubernetes.io~csi/pv/mount";
const OPAQUE: &str =
    r#"{"sts.amazonaws.com":{"token":"opaque","expirationTimestamp":"2100-01-01T00:00:00Z"}}"#;

fn parse(json: &str) -> Result<ProvideContext, Failure> {
    let request: PublishRequest = serde_json::from_str(json).unwrap();
    ProvideContext::from_publish_request(request, MountTarget::new("/write"))
}

fn pod_request() -> PublishRequest {
    PublishRequest::new("v", TARGET).with_volume_context([("authenticationSource", "pod")])
}

#[test]
fn a_request_is_read_in_camel_case_and_in_proto_names_alike() {
    let camel = parse(&format!(
        r#"{{"volumeId":"v","targetPath":"{TARGET}","readonly":true,"volumeContext":{{"bucketName":"b","stsRegion":"eu-west-1"}},
            "volumeCapability":{{"mount":{{"mountFlags":["region us-east-1"],"volumeMountGroup":"2000"}}}},"unknown":[1,{{}}]}}"#
    ))
    .unwrap();
    let proto = parse(&format!(
        r#"{{"volume_id":"v","target_path":"{TARGET}","readonly":true,"volume_context":{{"bucketName":"b","stsRegion":"eu-west-1"}},
            "volume_capability":{{"mount":{{"mount_flags":["region us-east-1"],"volume_mount_group":"2000"}}}}}}"#
    ))
    .unwrap();
    for context in [camel, proto] {
        assert_eq!(context.volume_id(), "v");
        assert_eq!(context.bucket(), Some("b"));
        assert_eq!(context.sts_region(), Some("eu-west-1"));
        assert_eq!(context.mount_options().value("region"), Some("us-east-1"));
        assert_eq!(context.mount_group(), Some(2000));
        assert!(context.is_read_only());
        assert_eq!(context.level(), AuthenticationLevel::Driver);
    }
}

#[test]
fn a_mount_group_is_a_valid_group_number() {
    let parse = |group: &str| {
        let request = PublishRequest::new("v", TARGET).with_mount_group(group);
        ProvideContext::from_publish_request(request, MountTarget::new("/write"))
    };
    assert_eq!(parse("").unwrap().mount_group(), None);
    assert_eq!(parse("0").unwrap().mount_group(), Some(0));
    for wrong in ["users", "-1", "4294967295", "4294967296", " 1"] {
        let failure = parse(wrong).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidRequest);
        assert!(failure.message().contains("volumeMountGroup"), "{failure}");
    }
}

#[test]
fn an_unset_field_may_be_null() {
    let context = parse(&format!(
        r#"{{"volumeId":"v","targetPath":"{TARGET}","secrets":null,"volumeContext":null,"volumeCapability":{{"mount":null}}}}"#
    ))
    .unwrap();
    assert_eq!(context.level(), AuthenticationLevel::Driver);
}

#[test]
fn an_unknown_level_is_refused_by_name_and_never_by_value() {
    let request =
        PublishRequest::new("v", TARGET).with_volume_context([("authenticationSource", "CANARY")]);
    let failure =
        ProvideContext::from_publish_request(request, MountTarget::default()).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::UnknownLevel);
    assert!(!format!("{failure} {failure:?}").contains("CANARY"));
}

#[test]
fn a_value_that_a_log_stripped_is_refused_as_such() {
    let request = PublishRequest::new("v", TARGET).with_secrets([("access_key", "***stripped***")]);
    let failure =
        ProvideContext::from_publish_request(request, MountTarget::default()).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::InvalidRequest);
    assert!(failure.message().contains("access_key") && failure.message().contains("stripped"));
}

#[test]
fn tokens_are_taken_from_the_secrets_first() {
    let older = OPAQUE.replace("opaque", "from-context");
    let request = pod_request()
        .with_volume_context([(TOKENS_KEY, older.as_str())])
        .with_secrets([(TOKENS_KEY, OPAQUE)]);
    let context = ProvideContext::from_publish_request(request, MountTarget::default()).unwrap();
    assert_eq!(context.tokens().get("sts.amazonaws.com").unwrap().secret().expose(), "opaque");
}

#[test]
fn a_malformed_entry_of_an_unused_audience_harms_no_one() {
    let json = r#"{"other":7,"sts.amazonaws.com":{"token":"opaque","expirationTimestamp":null}}"#;
    let request = pod_request().with_volume_context([(TOKENS_KEY, json)]);
    let context = ProvideContext::from_publish_request(request, MountTarget::default()).unwrap();
    assert!(context.tokens().get("sts.amazonaws.com").is_ok());
    assert_eq!(context.tokens().get("other").unwrap_err().kind(), ErrorKind::MalformedToken);
    assert_eq!(context.tokens().get("absent").unwrap_err().kind(), ErrorKind::MissingToken);
}

#[test]
fn the_requests_secrets_are_seen_at_secret_level_only() {
    for (level, seen) in [("driver", false), ("pod", false), ("secret", true)] {
        let request = PublishRequest::new("v", TARGET)
            .with_volume_context([("authenticationSource", level)])
            .with_secrets([("key_id", "AKIAIOSFODNN7EXAMPLE")]);
        let context =
            ProvideContext::from_publish_request(request, MountTarget::default()).unwrap();
        assert_eq!(!context.secrets().is_empty(), seen, "{level}");
    }
}

#[test]
fn the_lease_belongs_to_the_mountpoint_pod_else_the_target_paths_else_the_requests() {
    let with = |target: &str, mountpoint: &str| {
        let request = PublishRequest::new("v", target)
            .with_volume_context([("csi.storage.k8s.io/pod.uid", "from-context")]);
        let target = MountTarget::default().with_mountpoint_pod_uid(mountpoint);
        ProvideContext::from_publish_request(request, target)
            .unwrap()
            .lease_pod()
            .unwrap()
            .to_owned()
    };
    assert_eq!(with(TARGET, "mountpoint"), "mountpoint");
    assert_eq!(with(TARGET, ""), "4a5d9c1e");
    assert_eq!(with("/elsewhere", ""), "from-context");
}

#[test]
fn a_pod_level_volume_without_a_pod_names_the_setting_that_sends_it() {
    let request = PublishRequest::new("v", "/elsewhere")
        .with_volume_context([("authenticationSource", "pod")]);
    let failure =
        ProvideContext::from_publish_request(request, MountTarget::default()).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::MissingPodInfo);
    assert!(failure.help().contains("podInfoOnMount"));
}

#[test]
fn ids_must_be_there_and_hold_no_nul() {
    for (volume, target) in [("", TARGET), ("v", ""), ("v\0", TARGET), ("v", "/a\0b")] {
        let failure = ProvideContext::from_publish_request(
            PublishRequest::new(volume, target),
            MountTarget::default(),
        )
        .unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidRequest);
        let failure = CleanupContext::from_unpublish_request(
            &UnpublishRequest::new(volume, target),
            "/write",
            None,
        )
        .unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidRequest);
    }
}

#[test]
fn the_mount_option_profile_is_refused() {
    let request = PublishRequest::new("v", TARGET).with_mount_flags(["--profile other"]);
    let failure =
        ProvideContext::from_publish_request(request, MountTarget::default()).unwrap_err();
    assert!(failure.message().contains("--profile"));
}

#[test]
fn secrets_are_unescaped_from_json_exactly_as_serde_would() {
    for text in [r#""plain""#, r#""a\"b\\c\/d\b\f\n\r\t""#, r#""\u00e9\ud83d\ude00x""#, r#""""#] {
        let secret: s3_credential_core::Secret = serde_json::from_str(text).unwrap();
        assert_eq!(secret.expose(), serde_json::from_str::<String>(text).unwrap());
    }
    // Halves of a pair, each by itself or with something else.
    for text in
        [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\uee00""#, r#""\ud83d\u0041""#, "7", "null", "{}"]
    {
        assert!(serde_json::from_str::<s3_credential_core::Secret>(text).is_err(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_survives_the_way_through_json_as_a_secret(text in ".{0,64}") {
        let json = serde_json::to_string(&text).unwrap();
        let secret: s3_credential_core::Secret = serde_json::from_str(&json).unwrap();
        proptest::prop_assert_eq!(secret.expose(), text);
    }
}
