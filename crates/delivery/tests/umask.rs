//! Modes do not depend on the umask. It belongs to the whole process, so this test has one of its
//! own.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::umask;
use s3_credential_core::{PlannedFile, Secret, file_names};
use s3_credential_delivery::{Existing, FileOptions, StatePath, WritePath};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn modes_are_the_same_whatever_the_umask() {
    for mask in [0o000, 0o022, 0o027, 0o077, 0o177, 0o777] {
        let folder = tempfile::tempdir().unwrap();
        umask(Mode::from_raw_mode(mask));
        let write_path = WritePath::open(folder.path()).unwrap();
        for (options, directory_mode, file_mode) in [
            (FileOptions::default(), 0o750, 0o640),
            (FileOptions { owner_only: true, ..FileOptions::default() }, 0o700, 0o600),
        ] {
            for existing in [Existing::Replace, Existing::Update] {
                let file =
                    PlannedFile { name: file_names::TOKEN, content: Secret::new("1"), age: None };
                let written = write_path.apply("volume", &[file], &options, existing).unwrap();
                assert_eq!(mode(&folder.path().join("volume")), directory_mode, "umask {mask:o}");
                assert_eq!(mode(&written.files[0].path), file_mode, "umask {mask:o}");
            }
        }
        let state = StatePath::open(&folder.path().join("state")).unwrap();
        state.write("lease", b"1").unwrap();
        assert_eq!(mode(state.path()), 0o700, "umask {mask:o}");
        assert_eq!(mode(&state.path().join("lease")), 0o600, "umask {mask:o}");
        let mut lock = state.try_lock("record").unwrap().unwrap();
        // The second one no longer fits into the file that the first one made.
        for record in [vec![b'1'; 100], vec![b'2'; 9000]] {
            lock.write(&record).unwrap();
            assert_eq!(mode(&state.path().join("record")), 0o600, "umask {mask:o}");
        }
        umask(Mode::from_raw_mode(0o022));
    }
}
