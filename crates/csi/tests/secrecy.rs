//! `Debug` of requests prints no secret.

use std::collections::HashMap;

use s3_csi_proto::csi::v1::{self, SECRET_FIELDS};

const CANARY: &str = "canary-6f1d";

fn secrets() -> HashMap<String, String> {
    [("key".to_owned(), CANARY.to_owned())].into()
}

macro_rules! with_secrets {
    ($($message:ident),* $(,)?) => {
        [$((
            concat!("csi.v1.", stringify!($message)),
            format!("{:?}", v1::$message { secrets: secrets(), ..Default::default() }),
        )),*]
    };
}

#[test]
fn no_message_prints_its_secrets() {
    let printed = with_secrets![
        ControllerExpandVolumeRequest,
        ControllerModifyVolumeRequest,
        ControllerPublishVolumeRequest,
        ControllerUnpublishVolumeRequest,
        CreateSnapshotRequest,
        CreateVolumeGroupSnapshotRequest,
        CreateVolumeRequest,
        DeleteSnapshotRequest,
        DeleteVolumeGroupSnapshotRequest,
        DeleteVolumeRequest,
        GetVolumeGroupSnapshotRequest,
        ListSnapshotsRequest,
        NodeExpandVolumeRequest,
        NodePublishVolumeRequest,
        NodeStageVolumeRequest,
        ValidateVolumeCapabilitiesRequest,
    ];
    for (message, text) in &printed {
        assert!(!text.contains(CANARY), "{message} prints its secrets");
        assert!(text.contains("secrets: <1 redacted>"), "{text}");
    }
    let tested: Vec<_> = printed.iter().map(|(message, _)| (*message, "secrets")).collect();
    assert_eq!(tested, SECRET_FIELDS, "a message with secrets is not tested");
}

#[test]
fn every_marked_field_of_the_definition_is_listed() {
    let marked = include_str!("../proto/csi.proto").matches("(csi_secret) = true").count();
    assert_eq!(SECRET_FIELDS.len(), marked);
}

#[test]
fn the_tokens_of_a_volume_context_are_not_printed() {
    let volume_context = [
        ("csi.storage.k8s.io/serviceAccount.tokens".to_owned(), CANARY.to_owned()),
        ("bucketName".to_owned(), "amzn-s3-demo-bucket".to_owned()),
    ];
    let request = v1::NodePublishVolumeRequest {
        volume_id: "volume".to_owned(),
        volume_context: volume_context.into(),
        ..Default::default()
    };
    let text = format!("{request:?}");
    assert!(!text.contains(CANARY), "the tokens are printed");
    assert!(text.contains("amzn-s3-demo-bucket") && text.contains("volume_id: \"volume\""));
}
