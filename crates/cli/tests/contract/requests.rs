//! CSI requests.

use std::time::Duration;

use s3_credential_core::{POD_IDENTITY_AUDIENCE, STS_AUDIENCE, TOKENS_KEY};
use s3_credential_testkit::jwt::Issuer;
use serde_json::{Value, json};

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/reader";
pub(crate) const POD: &str = "4a5d";

/// Where the kubelet wants a volume of this pod.
pub(crate) fn target_path(pod: &str) -> String {
    format!("/var/lib/kubelet/pods/{pod}/volumes/kubernetes.io~csi/pv/mount")
}

/// A publish at this level, for the service account `reader` of `apps`.
pub(crate) fn publish(level: &str) -> Value {
    json!({
        "volumeId": "photos",
        "targetPath": target_path(POD),
        "volumeContext": {
            "bucketName": "photos",
            "authenticationSource": level,
            "csi.storage.k8s.io/pod.uid": POD,
            "csi.storage.k8s.io/pod.name": "web",
            "csi.storage.k8s.io/pod.namespace": "apps",
            "csi.storage.k8s.io/serviceAccount.name": "reader",
        },
    })
}

/// A publish at pod level with tokens for both audiences.
pub(crate) fn publish_with_tokens(issuer: &Issuer) -> Value {
    let tokens = [STS_AUDIENCE, POD_IDENTITY_AUDIENCE]
        .map(|audience| (audience, issuer.service_account("apps", "reader").audience(audience)))
        .map(|(audience, token)| (audience, token.sign(), token.expires_at().to_string()));
    let entry = |(audience, token, at): (&str, String, String)| {
        (audience.to_owned(), json!({"token": token, "expirationTimestamp": at}))
    };
    with_tokens(publish("pod"), &tokens.map(entry).into_iter().collect())
}

/// The tokens of a pod, in the request's secrets (KEP-5538).
pub(crate) fn with_tokens(mut request: Value, tokens: &Value) -> Value {
    request["secrets"] = json!({TOKENS_KEY: tokens.to_string()});
    request
}

/// One opaque token for STS, which ends so much after now.
pub(crate) fn with_token(request: Value, token: &str, ends_at: &str) -> Value {
    with_tokens(request, &json!({STS_AUDIENCE: {"token": token, "expirationTimestamp": ends_at}}))
}

/// A publish at secret level.
pub(crate) fn publish_with_keys(key_id: &str, access_key: &str) -> Value {
    let mut request = publish("secret");
    request["secrets"] = json!({"key_id": key_id, "access_key": access_key});
    request
}

/// A signed token of the driver's own service account.
pub(crate) fn drivers_token(issuer: &Issuer, audience: &str) -> String {
    let token = issuer.service_account("kube-system", "driver").audience(audience);
    token.ttl(Duration::from_hours(1)).sign()
}
