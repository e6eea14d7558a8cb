use s3_credential_core::ErrorKind;

use crate::fixture::{
    agent_exchange, assert_kind, container, driver_volume, exchange, failure, patient, pod_volume,
    provide, source,
};

const ALLOWED: &[&str] = &[
    "http://169.254.170.23/v1/credentials",
    "http://[fd00:ec2::23]/v1/credentials",
    "http://[fd00:0ec2:0:0::0023]:80/v1/credentials",
    "http://169.254.170.2/v2/credentials/0f14",
    "http://127.0.0.1:8080/v1/credentials",
    "http://127.8.9.10",
    "http://[::1]:8080/v1/credentials",
    "http://LOCALHOST:8080/v1/credentials",
    "HTTP://127.0.0.1/v1/credentials?a=b",
    "https://credentials.example.test/v1/credentials",
    "https://192.0.2.1:8443/",
];

const REFUSED: &[&str] = &[
    "http://192.0.2.1/v1/credentials",
    "http://169.254.169.254/v1/credentials",
    "http://169.254.170.3/v1/credentials",
    "http://[fd00:ec2::254]/v1/credentials",
    "http://[::ffff:192.0.2.1]/v1/credentials",
    "http://credentials.example.test/v1/credentials",
    "http://localhost.example.test/v1/credentials",
    "http://2130706433/v1/credentials",
    "http://0x7f000001/v1/credentials",
    "http://127.0.0.1.example.test/",
    "http://127.0.0.1@192.0.2.1/v1/credentials",
    "http://canary:canary@127.0.0.1/v1/credentials",
    "https://canary@credentials.example.test/",
    "http://127.0.0.1\\@192.0.2.1/",
    "http://127.0.0.1/v1/cre dentials",
    "http://127.0.0.1/v1/\u{e9}",
    "http://127.0.0.1/v1#canary",
    "http://127.0.0.1:99999/v1/credentials",
    "http://127.0.0.1:/v1/credentials",
    "http:///v1/credentials",
    "ftp://127.0.0.1/v1/credentials",
    "file:///etc/passwd",
    "169.254.170.23",
    "/v1/credentials",
];

#[tokio::test]
async fn a_token_goes_only_to_hosts_on_the_node_or_through_tls() {
    for (urls, is_allowed) in [(ALLOWED, true), (REFUSED, false)] {
        for url in urls {
            let source = source(&[
                ("EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI", url),
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "opaque"),
            ]);
            for volume in [driver_volume(), pod_volume("opaque")] {
                match provide(&source, &volume).await {
                    Ok(container) if is_allowed => assert_eq!(&container.uri, url),
                    Err(error) if !is_allowed => {
                        let failure = failure(error);
                        assert_kind(&failure, ErrorKind::Misconfigured);
                        assert!(failure.message().contains("_FULL_URI"), "{failure}");
                        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
                    }
                    other => panic!("{url}: {other:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn the_exchange_trusts_no_form_about_its_address() {
    let exchange_of = agent_exchange(patient());
    for url in REFUSED {
        let failure = exchange(&exchange_of, &container(url, "opaque")).await.unwrap_err();
        assert_kind(&failure, ErrorKind::Misconfigured);
    }
}
