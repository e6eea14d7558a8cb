use std::fs;

use s3_credential_core::{Environment, ErrorKind};
use s3_credential_pod_identity::AgentExchange;
use s3_credential_testkit::server::{Listen, TlsIdentity};

use crate::fixture::{assert_kind, cluster_on, exchange, patient};

fn trusting(path: &str) -> AgentExchange {
    let environment = Environment::default().with("AWS_CA_BUNDLE", path);
    AgentExchange::new(environment, patient().with_max_attempts(1))
}

#[tokio::test]
async fn an_agent_behind_tls_needs_a_certificate_that_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        fs::write(&path, pem).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let identity = TlsIdentity::generate();
    let cluster = cluster_on(Listen::default().tls(identity.clone())).await;
    let form = cluster.container();
    assert!(cluster.agent.credentials_url().starts_with("https://"));

    let right = trusting(&bundle("right", identity.ca_pem()));
    exchange(&right, &form).await.unwrap();

    let other = trusting(&bundle("other", TlsIdentity::generate().ca_pem()));
    let failure = exchange(&other, &form).await.unwrap_err();
    assert_kind(&failure, ErrorKind::Unavailable);
    assert!(failure.help().contains("AWS_CA_BUNDLE"), "{failure:?}");
    assert_eq!(cluster.agent.calls().total(), 1, "no token went to it");
}

#[tokio::test]
async fn a_bundle_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n";
    let cluster = cluster_on(Listen::default().tls(TlsIdentity::generate())).await;
    for (name, content) in [("empty", ""), ("broken", broken), ("text", "canary")] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let failure =
            exchange(&trusting(path.to_str().unwrap()), &cluster.container()).await.unwrap_err();
        assert_kind(&failure, ErrorKind::Misconfigured);
        assert!(failure.message().contains("AWS_CA_BUNDLE"), "{failure}");
    }
    let missing = folder.path().join("missing");
    let failure =
        exchange(&trusting(missing.to_str().unwrap()), &cluster.container()).await.unwrap_err();
    assert_kind(&failure, ErrorKind::Misconfigured);
    assert!(failure.message().contains("does not exist"), "{failure}");
}
