//! The default place of leases.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::driver::{CANARY, mode, run};
use crate::requests::publish_with_keys;

const NOBODY: u32 = 65_534;

/// A directory and a binary that a user without privileges can use, also if root runs the tests.
struct Place {
    directory: TempDir,
    uid: u32,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_s3cred"), directory.path().join("s3cred")).unwrap();
        let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY).to_string();
        fs::write(directory.path().join("request.json"), request).unwrap();
        let me = fs::metadata(directory.path()).unwrap().uid();
        let place = Self { directory, uid: if me == 0 { NOBODY } else { me } };
        for name in ["write", "run", "tmp"] {
            let path = place.path().join(name);
            fs::create_dir(&path).unwrap();
            if me == 0 {
                std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        place
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    async fn provide(&self, variables: &[(&str, &Path)]) {
        let mut command = Command::new(self.path().join("s3cred"));
        command
            .env_clear()
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(variables.iter().copied());
        command.args(["provide", "--request", "request.json", "--write-path", "write"]);
        command.current_dir(self.path());
        if fs::metadata(self.path()).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        run(command).await.public_object();
    }
}

#[tokio::test]
async fn a_user_has_it_in_the_runtime_directory() {
    let place = Place::new();
    let (run, tmp) = (place.path().join("run"), place.path().join("tmp"));
    place.provide(&[("XDG_RUNTIME_DIR", &run), ("TMPDIR", &tmp)]).await;
    assert_eq!(mode(run.join("s3cred")), "0700");
    assert_eq!(
        fs::read_dir(run.join("s3cred")).unwrap().count(),
        1,
        "a record, which is its own lock"
    );
    assert_eq!(fs::read_dir(tmp).unwrap().count(), 0);
}

#[tokio::test]
async fn without_one_it_is_a_folder_of_ones_own_in_the_temp_directory() {
    let place = Place::new();
    let tmp = place.path().join("tmp");
    place.provide(&[("TMPDIR", &tmp)]).await;
    let state = tmp.join(format!("s3cred-{}", place.uid));
    assert_eq!(mode(&state), "0700");
    for entry in fs::read_dir(state).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), "0600");
        assert!(!fs::read_to_string(path).unwrap().contains(CANARY), "the journal holds no secret");
    }
}
