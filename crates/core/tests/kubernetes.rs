//! What the Kubernetes API refuses, as a user reads it.

use s3_credential_core::{ErrorKind, KubernetesCall};

const CALL: KubernetesCall<'_> = KubernetesCall {
    verb: "create",
    resource: "serviceaccounts/token",
    namespace: Some("apps"),
    name: "web",
};

#[test]
fn each_status_has_its_kind() {
    for (status, kind) in [
        (400, ErrorKind::InvalidRequest),
        (401, ErrorKind::Rejected),
        (403, ErrorKind::PermissionDenied),
        (404, ErrorKind::NotFound),
        (409, ErrorKind::InvalidRequest),
        (410, ErrorKind::Unavailable),
        (422, ErrorKind::InvalidRequest),
        (429, ErrorKind::Throttled),
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (504, ErrorKind::Unavailable),
    ] {
        let failure = CALL.refused(status);
        assert_eq!(failure.kind(), kind, "{status}");
        assert!(failure.message().contains("the ServiceAccount apps/web"), "{status}: {failure}");
    }
    assert_eq!(CALL.unreachable().kind(), ErrorKind::Unavailable);
    assert_eq!(CALL.timed_out().kind(), ErrorKind::Unavailable);
}

#[test]
fn a_refusal_names_the_rule_to_add() {
    let help = CALL.refused(403).help().to_owned();
    assert!(help.contains("`create` on `serviceaccounts/token` in the namespace apps"), "{help}");
    let node = KubernetesCall { verb: "get", resource: "nodes", namespace: None, name: "node-1" };
    let failure = node.refused(403);
    assert_eq!(failure.message(), "the driver may not `get` the Node node-1");
    assert!(failure.help().ends_with("`get` on `nodes`"), "{}", failure.help());
}

#[test]
fn a_hostile_name_stays_on_one_line() {
    let call = KubernetesCall { name: "web\n\u{1b}[31mE0101 fake line", ..CALL };
    assert!(!call.refused(404).message().contains(char::is_control));
}

#[test]
fn a_name_that_would_change_the_url_is_refused() {
    let check = |namespace: &str, name: &str| {
        KubernetesCall { namespace: Some(namespace), name, ..CALL }.check()
    };
    for name in ["web", "a", "s3.csi-driver.example", "0"] {
        assert!(check("apps", name).is_ok(), "{name}");
    }
    let long = "n".repeat(254);
    for bad in ["", "-a", "a-", "A", "a/b", "a?watch=1", "..", "a..b", "a\n", "é", "%2e", &long] {
        let failure = check("apps", bad).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidRequest, "{bad}");
        assert!(failure.message().contains("the name of"), "{failure}");
    }
    for bad in ["", "a.b", "../kube-system", "kube-system/secrets/x?"] {
        let failure = check(bad, "web").unwrap_err();
        assert!(failure.message().contains("the namespace of"), "{failure}");
    }
}
