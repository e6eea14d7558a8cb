//! The source does what every source must do.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

use s3_credential_core::{ErrorKind, FormKind, MountTarget, ProvideContext, PublishRequest};
use s3_credential_testkit::conformance::SourceConformance;
use s3_credential_testkit::scratch::Scratch;

use process_source::{ProcessSettings, ProcessSource};

const CANARY: &str = "CANARYwJalrXUtnFEMI";

fn volume(bucket: &str) -> ProvideContext {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount")
            .with_volume_context([("bucketName", bucket)]);
    ProvideContext::from_publish_request(request, MountTarget::default()).unwrap()
}

/// A source whose program prints this.
fn printing(scratch: &Scratch, text: &str) -> ProcessSource {
    let file = scratch.write("printed", text).unwrap();
    running(["/bin/cat", file.to_str().unwrap()])
}

fn running<const N: usize>(command: [&str; N]) -> ProcessSource {
    let command = command.map(str::to_owned).to_vec();
    let buckets = Some(vec!["photos".to_owned()]);
    ProcessSource::try_new(ProcessSettings { command, buckets }).unwrap()
}

fn scratch() -> Scratch {
    Scratch::new_in(env!("CARGO_TARGET_TMPDIR"), "process").unwrap()
}

#[tokio::test]
async fn keys_that_a_program_prints_conform() {
    let scratch = scratch();
    let text = format!(
        r#"{{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"{CANARY}","SessionToken":"{CANARY}","Expiration":"2100-01-01T00:00:00Z"}}"#
    );
    SourceConformance::of(printing(&scratch, &text))
        .canary(CANARY)
        .provides(volume("photos"), FormKind::Keys)
        .does_not_apply(volume("films"))
        .check()
        .await;
}

#[tokio::test]
async fn a_broken_program_is_an_error_that_conforms_and_shows_no_secret() {
    let scratch = scratch();
    for text in [
        "",
        "CANARYwJalrXUtnFEMI",
        r#"{"Version":1,"AccessKeyId":"CANARYwJalrXUtnFEMI"}"#,
        r#"{"Version":2,"AccessKeyId":"CANARYwJalrXUtnFEMI","SecretAccessKey":"CANARYwJalrXUtnFEMI"}"#,
        r#"{"Version":1,"AccessKeyId":"CANARYwJalrXUtnFEMI","SecretAccessKey":""}"#,
        r#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"CANARYwJalrXUtnFEMI"}"#,
    ] {
        SourceConformance::of(printing(&scratch, text))
            .canary(CANARY)
            .fails(volume("photos"), ErrorKind::InvalidSecret)
            .check()
            .await;
    }
    SourceConformance::of(running(["/bin/sh", "-c", "echo CANARYwJalrXUtnFEMI; exit 1"]))
        .canary(CANARY)
        .fails(volume("photos"), ErrorKind::Unavailable)
        .check()
        .await;
    SourceConformance::of(running(["/nowhere"]))
        .fails(volume("photos"), ErrorKind::Misconfigured)
        .check()
        .await;
}

#[test]
fn a_program_without_its_path_is_refused_when_the_source_is_made() {
    let settings = ProcessSettings { command: vec!["cat".to_owned()], buckets: None };
    let failure = ProcessSource::try_new(settings).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::InvalidConfiguration);
}
