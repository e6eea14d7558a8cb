//! A file system that is full, and one that has become read-only: a small one of this test's own
//! where the system lets it mount, and elsewhere a limit on the length of files, and permissions.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use s3_credential_core::{ErrorKind, PlannedFile, file_names};
use s3_credential_delivery::{Existing, FileOptions, WritePath};

use crate::support::{Folder, without_privileges};
use crate::support::{VOLUME, child, folder_of_child, give_away, listing, planned, profile};

const TEST: &str = "full::a_file_system_without_room_or_write_access_keeps_what_was_there";

/// For a shell: mounts in a namespace of its own, so that no mount is left of it.
const IN_NAMESPACE: &str = "unshare --mount --map-root-user";

/// In the place of a full file system: longer files are refused, and no process is killed for them.
const SHORT_FILES: &str = "trap '' XFSZ; ulimit -f 4;";

/// The output of a child that has mounted one.
const MOUNTED: &str = "mounted";

#[test]
fn a_file_system_without_room_or_write_access_keeps_what_was_there() {
    if let Some(folder) = folder_of_child() {
        return without_room_or_write_access(&folder);
    }
    let folder = Folder::new();
    let small = folder.path().join(MOUNTED);
    fs::create_dir(&small).unwrap();
    let mount = format!("mount -t tmpfs -o size=64k,mode=755 none {}", small.display());
    let may_mount = Command::new("sh")
        .args(["-c", &format!("{IN_NAMESPACE} {mount}")])
        .output()
        .is_ok_and(|output| output.status.success());
    let mut child = if may_mount {
        let enter = format!(
            "[ \"$IN\" ] || IN=1 exec {IN_NAMESPACE} sh -c '{mount}; exec \"$0\" \"$@\"' \"$0\" \"$@\";"
        );
        child(TEST, &small, &enter)
    } else {
        give_away(&folder.write_path());
        child(TEST, &folder.write_path(), SHORT_FILES)
    };
    let output = child.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn without_room_or_write_access(folder: &Path) {
    let is_mounted = folder.ends_with(MOUNTED);
    let act = || {
        let write_path = WritePath::open(folder).unwrap();
        let apply = |volume: &str, files: &[PlannedFile], existing| {
            write_path.apply(volume, files, &FileOptions::default(), existing)
        };
        apply(VOLUME, &profile("1"), Existing::Replace).unwrap();
        fs::create_dir(folder.join("s3cred@planted")).unwrap();
        let before = listing(folder);
        let large = [
            planned(file_names::CONFIG, "2"),
            planned(file_names::CREDENTIALS, "2".repeat(100_000)),
        ];
        let ways = [
            (VOLUME, Existing::Update),
            (VOLUME, Existing::Replace),
            ("s3cred@new", Existing::Replace),
        ];
        for (volume, existing) in ways {
            let failure = apply(volume, &large, existing).unwrap_err();
            let kind = if is_mounted { ErrorKind::NoSpace } else { ErrorKind::FileSystem };
            assert_eq!(failure.kind(), kind, "{failure}");
            assert!(failure.message().contains(&format!("{volume}/credentials")), "{failure}");
            assert_eq!(listing(folder), before);
        }

        make_read_only(folder, is_mounted);
        // Permissions do not bind the owner of a directory, whose mode is corrected.
        for (volume, existing) in ways.into_iter().filter(|way| is_mounted || way.0 != VOLUME) {
            let failure = apply(volume, &profile("3"), existing).unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::FileSystem, "{failure}");
            assert!(failure.message().contains(volume) && !failure.help().is_empty(), "{failure}");
        }
        let failure =
            write_path.remove(if is_mounted { VOLUME } else { "s3cred@planted" }).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::FileSystem, "{failure}");
        assert_eq!(listing(folder), before);
    };
    if is_mounted { act() } else { without_privileges(act) }
}

fn make_read_only(folder: &Path, is_mounted: bool) {
    if is_mounted {
        let remount = ["-o", "remount,ro"];
        assert!(Command::new("mount").args(remount).arg(folder).status().unwrap().success());
    } else {
        fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap();
    }
}
