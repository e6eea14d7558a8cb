//! A Mountpoint pod that several volumes' pods share has one identity: no other token ever takes
//! the place of theirs.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

use s3_credential_core::{Clock as _, SystemClock, TOKENS_KEY, names};
use s3_credential_provider::{
    Environment, ErrorKind, MountTarget, ProvideError, Provided, Provider, PublishRequest,
};
use tempfile::TempDir;

const ROLE: &str = "arn:aws:iam::111122223333:role/reader";

struct Node {
    write: TempDir,
    _state: TempDir,
    provider: Provider,
}

impl Node {
    fn new(environment: Environment) -> Self {
        let (write, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let provider = Provider::builder()
            .environment(environment.with("AWS_REGION", "eu-north-1"))
            .state_path(state.path().join("state"))
            .build()
            .unwrap();
        Self { write, _state: state, provider }
    }

    /// One volume in one Mountpoint pod, for a pod of this service account, whose token is made of
    /// the two names.
    async fn publish(
        &self,
        pod: &str,
        account: &str,
        role: Option<&str>,
    ) -> Result<Provided, ProvideError> {
        let (namespace, name) = account.split_once('/').unwrap();
        let token = |audience: &str| {
            let at = SystemClock.now() + jiff::SignedDuration::from_hours(1);
            format!(r#""{audience}":{{"token":"{namespace}-{name}","expirationTimestamp":"{at}"}}"#)
        };
        let tokens =
            format!("{{{},{}}}", token("sts.amazonaws.com"), token("pods.eks.amazonaws.com"));
        let target = format!("/var/lib/kubelet/pods/{pod}/volumes/kubernetes.io~csi/pv/mount");
        let request = PublishRequest::new("volume", target).with_volume_context([
            ("authenticationSource", "pod"),
            ("csi.storage.k8s.io/pod.namespace", namespace),
            ("csi.storage.k8s.io/serviceAccount.name", name),
            (TOKENS_KEY, &tokens),
        ]);
        let mut mount = MountTarget::new(self.write.path()).with_mountpoint_pod_uid("mountpoint");
        if let Some(role) = role {
            mount = mount.with_role_arn(role.parse().unwrap());
        }
        self.provider.provide(&self.provider.context(request, mount)?).await
    }
}

fn read(provided: &Provided, variable: &str) -> String {
    std::fs::read_to_string(provided.environment[variable].expose()).unwrap()
}

async fn no_stranger_joins(environment: Environment, role: Option<&str>, token_file: &str) {
    let node = Node::new(environment);
    let first = node.publish("a", "photos/reader", role).await.unwrap();
    assert_eq!(read(&first, token_file), "photos-reader");
    for stranger in ["photos/writer", "films/reader"] {
        let error = node.publish("b", stranger, role).await.unwrap_err();
        // Final for the newcomer, who can never join; the pods that share it keep their
        // credentials.
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.help().contains("one service account"), "{}", error.help());
        // Not even by the path of a pod that has joined already.
        let changed = node.publish("a", stranger, role).await.unwrap();
        assert!(changed.identity_changed);
        assert_eq!(read(&first, token_file), "photos-reader");
    }
    let friend = node.publish("c", "photos/reader", role).await.unwrap();
    assert!(!friend.identity_changed);
}

#[tokio::test]
async fn another_service_account_does_not_join_a_web_identity_of_the_same_role() {
    no_stranger_joins(Environment::default(), Some(ROLE), names::AWS_WEB_IDENTITY_TOKEN_FILE).await;
}

#[tokio::test]
async fn another_service_account_does_not_join_an_identity_of_the_same_agent() {
    let agent = "http://169.254.170.23/v1/credentials";
    let environment = Environment::default()
        .with(names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI, agent);
    no_stranger_joins(environment, None, names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE).await;
}
