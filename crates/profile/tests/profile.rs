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
    CredentialForm, CredentialSource as _, Environment, ErrorKind, Failure, MountKind, MountTarget,
    ProfileFiles, ProvideContext, PublishRequest, SourceError,
};
use s3_credential_profile::ProfileSource;
use tempfile::TempDir;

const CONFIG: &str = "\
[default]
region = us-east-1
role_arn = arn:aws:iam::111122223333:role/admin
source_profile = admin

[profile backup]
# of the backups
region = eu-north-1
s3 =
    addressing_style = path

[profile admin]
credential_process = /bin/admin CANARY-PROCESS
";

const CREDENTIALS: &str = "\
[admin]
aws_access_key_id = CANARY-ADMIN
aws_secret_access_key = CANARY-ADMIN-SECRET
[backup]
aws_access_key_id=AKIABACKUP
aws_secret_access_key=backup/secret
[other
aws_access_key_id=CANARY-OTHER
";

/// A folder with both files.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config"), CONFIG).unwrap();
    std::fs::write(folder.path().join("credentials"), CREDENTIALS).unwrap();
    folder
}

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

fn context(kind: MountKind, level: &str) -> ProvideContext {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount")
            .with_volume_context([("authenticationSource", level)]);
    ProvideContext::from_publish_request(request, MountTarget::new("/write").with_kind(kind))
        .unwrap()
}

async fn provide(environment: &Environment) -> Result<CredentialForm, SourceError> {
    ProfileSource::new(environment).provide(&context(MountKind::Pod, "driver")).await
}

async fn files(environment: &Environment) -> ProfileFiles {
    let form = provide(environment).await.unwrap();
    assert!(!format!("{form:?}").contains("backup/secret"));
    let CredentialForm::Profile(files) = form else { panic!("another form: {form:?}") };
    files
}

async fn failure(environment: &Environment) -> Failure {
    let error = provide(environment).await.unwrap_err();
    let SourceError::Failed(failure) = error else { panic!("the chain would go on: {error:?}") };
    assert_eq!(failure.kind(), ErrorKind::Misconfigured);
    assert!(!failure.help().is_empty());
    failure
}

/// Returns the environment of a driver with this credentials file only.
fn credentials_alone(folder: &TempDir, text: &str) -> Environment {
    let path = folder.path().join("alone");
    std::fs::write(&path, text).unwrap();
    [("AWS_SHARED_CREDENTIALS_FILE", path)].into_iter().collect()
}

#[tokio::test]
async fn the_chosen_profile_alone_is_handed_over() {
    let folder = folder();
    let files = files(&environment(folder.path())).await;
    assert_eq!(
        files.config.expose(),
        "[profile backup]\nregion = eu-north-1\ns3 =\n    addressing_style = path\n"
    );
    assert_eq!(
        files.credentials.expose(),
        "[backup]\naws_access_key_id=AKIABACKUP\naws_secret_access_key=backup/secret\n"
    );
    assert_eq!(files.profile.as_deref(), Some("backup"));
}

#[tokio::test]
async fn both_mount_kinds_get_the_profile_and_other_levels_do_not() {
    let folder = folder();
    let source = ProfileSource::new(&environment(folder.path()));
    for kind in [MountKind::Pod, MountKind::Systemd] {
        source.provide(&context(kind, "driver")).await.unwrap();
        for level in ["pod", "secret"] {
            let error = source.provide(&context(kind, level)).await.unwrap_err();
            assert!(error.is_not_applicable(), "{error:?}");
        }
    }
}

#[tokio::test]
async fn one_file_alone_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let pair = "aws_access_key_id = AKIAONE\naws_secret_access_key = secret\n";
    let alone = credentials_alone(&folder, &format!("[default]\n{pair}"));
    let found = files(&alone).await;
    assert!(found.credentials.expose().contains("AKIAONE"));
    assert_eq!((found.config.expose(), found.profile), ("[default]\n", None));

    let path = folder.path().join("config");
    std::fs::write(&path, format!("[default]\n{pair}")).unwrap();
    let alone: Environment = [("AWS_CONFIG_FILE", path)].into_iter().collect();
    assert!(files(&alone).await.config.expose().contains("AKIAONE"));
}

#[tokio::test]
async fn files_that_no_variable_names_are_those_of_the_home_directory() {
    let home = tempfile::tempdir().unwrap();
    let environment: Environment =
        [("AWS_PROFILE", "backup".into()), ("HOME", home.path().as_os_str().to_owned())]
            .into_iter()
            .collect();
    assert!(failure(&environment).await.message().contains("AWS_PROFILE"));

    std::fs::create_dir(home.path().join(".aws")).unwrap();
    std::fs::write(home.path().join(".aws/credentials"), CREDENTIALS).unwrap();
    assert!(files(&environment).await.credentials.expose().contains("AKIABACKUP"));
}

#[tokio::test]
async fn a_driver_without_a_profile_lets_the_chain_go_on() {
    let none = Environment::default();
    let no_files = none.clone().with("AWS_CONFIG_FILE", "/dev/null");
    let no_files = no_files.with("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    for environment in [none, no_files] {
        assert!(provide(&environment).await.unwrap_err().is_not_applicable());
    }
}

#[tokio::test]
async fn a_profile_name_alone_without_files_stops_the_chain() {
    let environment: Environment = [("AWS_PROFILE", "backup")].into_iter().collect();
    assert!(failure(&environment).await.message().contains("AWS_PROFILE"));
}

#[tokio::test]
async fn a_file_that_is_named_and_cannot_be_read_is_broken() {
    let folder = folder();
    std::fs::remove_file(folder.path().join("credentials")).unwrap();
    let failure = failure(&environment(folder.path())).await;
    assert!(failure.message().contains("AWS_SHARED_CREDENTIALS_FILE"));
}

#[tokio::test]
async fn a_profile_that_refers_to_another_identity_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for property in [
        "role_arn = arn:aws:iam::111122223333:role/r",
        "source_profile = CANARY",
        "credential_source = Ec2InstanceMetadata",
        "Credential_Process = /bin/CANARY",
        "web_identity_token_file = /CANARY",
        "sso_session = CANARY",
    ] {
        let text = format!(
            "[default]\naws_access_key_id = AKIAONE\naws_secret_access_key = secret\n{property}\n"
        );
        let failure = failure(&credentials_alone(&folder, &text)).await;
        let name = property.split(' ').next().unwrap().to_lowercase();
        assert!(failure.message().contains(&name), "{failure:?}");
        assert!(!failure.message().contains("CANARY"), "{failure:?}");
    }
}

#[tokio::test]
async fn half_a_pair_of_keys_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (text, missing) in [
        ("[default]\naws_access_key_id = AKIAONE\n", "aws_secret_access_key"),
        ("[default]\naws_secret_access_key = secret\n", "aws_access_key_id"),
        ("[default]\nregion = eu-north-1\n", "aws_access_key_id"),
        // Not a property of the profile, but of `s3` in it.
        (
            "[default]\naws_access_key_id = AKIAONE\ns3 =\n  aws_secret_access_key = secret\n",
            "aws_secret_access_key",
        ),
    ] {
        let failure = failure(&credentials_alone(&folder, text)).await;
        assert!(failure.message().contains(&format!("{missing} ")), "{failure:?}");
    }
}

#[tokio::test]
async fn a_profile_that_is_in_no_file_is_refused() {
    let folder = folder();
    for name in ["production", "backup]", "bac kup"] {
        let environment = environment(folder.path()).with("AWS_PROFILE", name);
        let failure = failure(&environment).await;
        assert!(failure.message().contains("AWS_PROFILE"));
        assert!(!failure.message().contains(name));
    }
}

#[tokio::test]
async fn the_longer_header_of_the_default_profile_goes_first_and_indented_properties_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(
        &path,
        "[default]\nregion = us-east-1\n[profile default]\n  aws_access_key_id = AKIAONE\n  aws_secret_access_key = s\n",
    )
    .unwrap();
    let environment: Environment = [("AWS_CONFIG_FILE", path)].into_iter().collect();
    assert_eq!(
        files(&environment).await.config.expose(),
        "[default]\naws_access_key_id = AKIAONE\naws_secret_access_key = s\n"
    );
}

#[tokio::test]
async fn a_strange_path_stays_on_one_line() {
    let strange = environment(Path::new("/no\nwhere"));
    let error = provide(&strange).await.unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_replaced_is_reported() {
    let folder = folder();
    let source = ProfileSource::new(&environment(folder.path()));
    let mut changes = source.changes().expect("files to follow");
    tokio::time::sleep(Duration::from_secs(30)).await;
    std::fs::write(folder.path().join("new"), "[backup]\naws_access_key_id=OTHER\n").unwrap();
    std::fs::rename(folder.path().join("new"), folder.path().join("credentials")).unwrap();
    changes.changed().await;
}
