//! The driver's own profile files, real ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use std::path::Path;
use std::time::Duration;

use s3_credential_core::{
    CredentialForm, CredentialSource as _, Environment, ErrorKind, MountKind, MountTarget,
    ProvideContext, PublishRequest, SourceError,
};
use s3_credential_profile::ProfileSource;
use tempfile::TempDir;

fn environment(folder: &Path) -> Environment {
    let path = |name: &str| folder.join(name).into_os_string();
    [
        ("AWS_CONFIG_FILE", path("config")),
        ("AWS_SHARED_CREDENTIALS_FILE", path("credentials")),
        ("AWS_PROFILE", "backup".into()),
    ]
    .into_iter()
    .collect()
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config"), "[profile backup]\nregion = eu-north-1\n")
        .unwrap();
    std::fs::write(folder.path().join("credentials"), "[backup]\naws_access_key_id=CANARYID\n")
        .unwrap();
    folder
}

fn context(kind: MountKind, level: &str) -> ProvideContext {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount")
            .with_volume_context([("authenticationSource", level)]);
    ProvideContext::from_publish_request(request, MountTarget::new("/write").with_kind(kind))
        .unwrap()
}

async fn provide(
    environment: &Environment,
    kind: MountKind,
    level: &str,
) -> Result<CredentialForm, SourceError> {
    ProfileSource::new(environment).provide(&context(kind, level)).await
}

#[tokio::test]
async fn both_files_and_the_profiles_name_are_handed_over() {
    let folder = folder();
    let form = provide(&environment(folder.path()), MountKind::Systemd, "driver").await.unwrap();
    let CredentialForm::Profile(files) = &form else { panic!("another form: {form:?}") };
    assert_eq!(files.config.expose(), "[profile backup]\nregion = eu-north-1\n");
    assert!(files.credentials.expose().contains("CANARYID"));
    assert_eq!(files.profile.as_deref(), Some("backup"));
    assert!(!format!("{form:?}").contains("CANARY"));
}

#[tokio::test]
async fn it_does_not_apply_to_mountpoint_pods_to_other_levels_or_to_one_file_alone() {
    let folder = folder();
    let complete = environment(folder.path());
    for (environment, kind, level) in [
        (complete.clone(), MountKind::Pod, "driver"),
        (complete.clone(), MountKind::Systemd, "pod"),
        (complete.clone(), MountKind::Systemd, "secret"),
        (complete.with("AWS_CONFIG_FILE", ""), MountKind::Systemd, "driver"),
        (Environment::default(), MountKind::Systemd, "driver"),
    ] {
        assert!(provide(&environment, kind, level).await.unwrap_err().is_not_applicable());
    }
}

#[tokio::test]
async fn a_file_that_is_named_and_cannot_be_read_is_broken() {
    let folder = folder();
    std::fs::remove_file(folder.path().join("credentials")).unwrap();
    let error =
        provide(&environment(folder.path()), MountKind::Systemd, "driver").await.unwrap_err();
    let SourceError::Failed(failure) = error else { panic!("{error:?}") };
    assert_eq!(failure.kind(), ErrorKind::Misconfigured);
    assert!(failure.message().contains("AWS_SHARED_CREDENTIALS_FILE"));
}

#[tokio::test]
async fn a_strange_path_stays_on_one_line() {
    let strange = environment(Path::new("/no\nwhere"));
    let error = provide(&strange, MountKind::Systemd, "driver").await.unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_replaced_is_told() {
    let folder = folder();
    let source = ProfileSource::new(&environment(folder.path()));
    let mut changes = source.changes().expect("files to follow");
    tokio::time::sleep(Duration::from_secs(30)).await;
    std::fs::write(folder.path().join("new"), "[backup]\naws_access_key_id=OTHER\n").unwrap();
    std::fs::rename(folder.path().join("new"), folder.path().join("credentials")).unwrap();
    changes.changed().await;
}
