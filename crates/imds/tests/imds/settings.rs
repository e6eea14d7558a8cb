use std::sync::Arc;

use s3_credential_core::{CredentialSource as _, Environment, ErrorKind, SystemClock};
use s3_credential_imds::{Imds, ImdsSettings, ImdsSource};

use crate::fixture::{assert_kind, failure, volume};

fn imds(variables: &[(&str, &str)]) -> Imds {
    let environment: Environment = variables.iter().copied().collect();
    Imds::new(&environment, ImdsSettings::default(), Arc::new(SystemClock))
}

#[test]
fn the_endpoint_is_the_variable_then_that_of_the_mode() {
    let endpoint = |variables: &[(&str, &str)]| format!("{:?}", imds(variables));
    assert!(endpoint(&[]).contains("\"http://169.254.169.254\""));
    let mode = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
    assert!(endpoint(&[(mode, "ipv6")]).contains("\"http://[fd00:ec2::254]\""));
    assert!(endpoint(&[(mode, "IPv4")]).contains("\"http://169.254.169.254\""));
    let both = [(mode, "IPv6"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://localhost:1338/")];
    assert!(endpoint(&both).contains("\"http://localhost:1338\""));
}

#[tokio::test]
async fn a_variable_that_cannot_be_an_endpoint_is_named() {
    for (variable, value) in [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "169.254.169.254"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "https://127.0.0.1"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://canary@127.0.0.1"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:99999"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1 \n"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1/?canary"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "canary"),
    ] {
        let source = ImdsSource::new(imds(&[(variable, value)]));
        let failure = failure(source.provide(&volume()).await.unwrap_err());
        assert_kind(&failure, ErrorKind::Misconfigured);
        assert!(failure.message().contains(variable), "{failure}");
        assert!(failure.help().contains(variable), "{failure:?}");
        assert!(!format!("{failure:?} {source:?}").contains("canary"), "{failure:?}");
    }
}
