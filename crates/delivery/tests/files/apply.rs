//! What is written, and who may read it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::thread;

use s3_credential_core::{Owner, file_names};
use s3_credential_delivery::{Existing, FileOptions, WritePath, WrittenFile};

use crate::support::{
    Folder, VOLUME, child, folder_of_child, listing, mode, other_group, other_owner, planned,
    profile, token,
};

#[test]
fn a_file_has_exactly_the_content() {
    let folder = Folder::new();
    let long = "x".repeat(300_000);
    for content in ["eyJhbGciOi", "", "with a newline\n", "Ω\u{0}", &long] {
        let written = folder
            .open()
            .apply(VOLUME, &[token(content)], &FileOptions::default(), Existing::Replace)
            .unwrap();
        let path = folder.volume().join("token");
        assert_eq!(written.files, [WrittenFile { path: path.clone(), mode: 0o640 }]);
        assert_eq!(fs::read(path).unwrap(), content.as_bytes());
    }
}

#[test]
fn the_group_may_read_and_others_may_not() {
    let folder = Folder::new();
    folder.published(&profile("1"));
    assert_eq!(mode(&folder.volume()), 0o750);
    assert_eq!(mode(&folder.volume().join("config")), 0o640);
    assert_eq!(mode(&folder.volume().join("credentials")), 0o640);
}

#[test]
fn owner_only_shuts_out_the_group() {
    let folder = Folder::new();
    let options = FileOptions { owner_only: true, ..FileOptions::default() };
    let written = folder.open().apply(VOLUME, &[token("1")], &options, Existing::Replace).unwrap();
    assert_eq!(written.files[0].mode, 0o600);
    assert_eq!(mode(&folder.volume()), 0o700);
    assert_eq!(mode(&folder.volume().join("token")), 0o600);
}

#[test]
fn the_group_is_the_write_paths() {
    let folder = Folder::new();
    chown(folder.write_path(), None, Some(other_group())).unwrap();
    folder.published(&[token("1")]);
    for path in [folder.volume(), folder.volume().join("token")] {
        assert_eq!(fs::metadata(path).unwrap().gid(), other_group());
    }
}

#[test]
fn a_configured_group_goes_before_the_write_paths_and_behind_an_owner() {
    let folder = Folder::new();
    let by_group = FileOptions { group: Some(other_group()), ..FileOptions::default() };
    let gids = |options: &FileOptions, existing| {
        folder.open().apply(VOLUME, &[token("1")], options, existing).unwrap();
        [folder.volume(), folder.volume().join("token")]
            .map(|path| fs::metadata(path).unwrap().gid())
    };
    assert_eq!(gids(&by_group, Existing::Replace), [other_group(); 2]);
    assert_eq!(mode(&folder.volume().join("token")), 0o640);
    let own = fs::metadata(folder.write_path()).unwrap();
    let owner = Some(Owner { uid: own.uid(), gid: own.gid() });
    assert_eq!(gids(&FileOptions { owner, ..by_group }, Existing::Update), [own.gid(); 2]);
}

#[test]
fn a_live_mount_keeps_the_group_that_it_reads_by() {
    let folder = Folder::new();
    let own = fs::metadata(folder.write_path()).unwrap().gid();
    let apply = |content: &str, options: &FileOptions| {
        folder.open().apply(VOLUME, &[token(content)], options, Existing::Update).unwrap();
        [folder.volume(), folder.volume().join("token")]
            .map(|path| fs::metadata(path).unwrap().gid())
    };
    assert_eq!(apply("1", &FileOptions::default()), [own; 2]);
    let by_group = FileOptions { group: Some(other_group()), ..FileOptions::default() };
    assert_eq!(apply("2", &by_group), [own; 2]);
    chown(folder.write_path(), None, Some(other_group())).unwrap();
    assert_eq!(apply("3", &FileOptions::default()), [own; 2]);
}

#[test]
fn an_inherited_setgid_bit_is_kept() {
    let folder = Folder::new();
    chown(folder.write_path(), None, Some(other_group())).unwrap();
    fs::set_permissions(folder.write_path(), Permissions::from_mode(0o2770)).unwrap();
    let write_path = folder.published(&[token("1")]);
    write_path.apply(VOLUME, &[token("2")], &FileOptions::default(), Existing::Update).unwrap();
    assert_eq!(mode(&folder.volume()), 0o2750);
    assert_eq!(mode(&folder.volume().join("token")), 0o640);
    assert_eq!(fs::metadata(folder.volume().join("token")).unwrap().gid(), other_group());
}

#[test]
fn an_owner_has_the_directory_and_its_files() {
    let folder = Folder::new();
    let owner = other_owner();
    let options = FileOptions { owner: Some(owner), ..FileOptions::default() };
    for existing in [Existing::Replace, Existing::Update] {
        folder.open().apply(VOLUME, &profile("1"), &options, existing).unwrap();
        for path in
            [folder.volume(), folder.volume().join("config"), folder.volume().join("credentials")]
        {
            let metadata = fs::metadata(path).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (owner.uid, owner.gid));
        }
        assert_eq!(mode(&folder.volume()), 0o750);
        assert_eq!(mode(&folder.volume().join("config")), 0o640);
    }
}

#[test]
fn the_mode_of_an_existing_directory_is_put_right() {
    let folder = Folder::new();
    for existing in [Existing::Replace, Existing::Update] {
        let write_path = folder.published(&[token("1")]);
        fs::set_permissions(folder.volume(), Permissions::from_mode(0o777)).unwrap();
        write_path.apply(VOLUME, &[token("2")], &FileOptions::default(), existing).unwrap();
        assert_eq!(mode(&folder.volume()), 0o750);
    }
}

#[test]
fn a_first_publish_leaves_only_its_files() {
    let folder = Folder::new();
    let write_path = folder.published(&profile("of another source"));
    fs::create_dir_all(folder.volume().join("planted/deep")).unwrap();
    write_path.apply(VOLUME, &[token("1")], &FileOptions::default(), Existing::Replace).unwrap();
    let left: Vec<_> = listing(&folder.volume()).into_iter().collect();
    assert_eq!(left, [("token".into(), "640 file with 1".to_owned())]);
}

#[test]
fn an_update_replaces_its_files_and_leaves_the_rest() {
    let folder = Folder::new();
    let write_path =
        folder.published(&[token("1"), planned(file_names::POD_IDENTITY_TOKEN, "other")]);
    write_path.apply(VOLUME, &profile("2"), &FileOptions::default(), Existing::Update).unwrap();
    write_path.apply(VOLUME, &profile("3"), &FileOptions::default(), Existing::Update).unwrap();
    let left: Vec<_> = listing(&folder.volume()).into_iter().collect();
    assert_eq!(
        left,
        [
            ("config".into(), "640 file with config 3".to_owned()),
            ("credentials".into(), "640 file with credentials 3".to_owned()),
            ("eks-pod-identity-token".into(), "640 file with other".to_owned()),
            ("token".into(), "640 file with 1".to_owned()),
        ]
    );
}

#[test]
fn an_update_of_a_directory_that_is_gone_makes_it_again() {
    let folder = Folder::new();
    folder.open().apply(VOLUME, &[token("1")], &FileOptions::default(), Existing::Update).unwrap();
    assert_eq!(fs::read(folder.volume().join("token")).unwrap(), b"1");
}

#[test]
fn a_plan_without_files_still_has_its_directory() {
    // No other user can then create the files that the environment names as absent.
    let folder = Folder::new();
    folder.published(&[]);
    assert!(listing(&folder.volume()).is_empty());
    assert_eq!(mode(&folder.volume()), 0o750);
}

#[test]
fn a_reader_sees_the_old_or_the_new_bytes() {
    let folder = Folder::new();
    let contents = ["a".repeat(20_000), "b".repeat(30)];
    let write_path = folder.published(&[token(&contents[0])]);
    let path = folder.volume().join("token");
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for turn in 0..500 {
                let file = token(&contents[turn % 2]);
                write_path
                    .apply(VOLUME, &[file], &FileOptions::default(), Existing::Update)
                    .unwrap();
            }
        });
        while !writer.is_finished() {
            let seen = fs::read_to_string(&path).unwrap();
            assert!(contents.contains(&seen), "{} bytes", seen.len());
        }
    });
}

#[test]
fn a_link_in_the_prefix_of_the_write_path_is_followed() {
    let folder = Folder::new();
    symlink(folder.path(), folder.path().join("link")).unwrap();
    let write_path = WritePath::open(&folder.path().join("link/write")).unwrap();
    let written = write_path
        .apply(VOLUME, &[token("1")], &FileOptions::default(), Existing::Replace)
        .unwrap();
    assert_eq!(written.files[0].path, folder.path().join("link/write").join(VOLUME).join("token"));
    assert_eq!(fs::read(folder.volume().join("token")).unwrap(), b"1");
}

#[test]
fn a_file_that_cannot_be_written_whole_leaves_the_old_one() {
    if let Some(folder) = folder_of_child() {
        let write_path = WritePath::open(&folder).unwrap();
        let files = [
            planned(file_names::CONFIG, "2"),
            planned(file_names::CREDENTIALS, "2".repeat(100_000)),
        ];
        for (existing, volume) in [
            (Existing::Update, VOLUME),
            (Existing::Replace, VOLUME),
            (Existing::Replace, "s3cred@new"),
        ] {
            let before = listing(&folder);
            let failure =
                write_path.apply(volume, &files, &FileOptions::default(), existing).unwrap_err();
            assert!(failure.message().contains(&format!("{volume}/credentials")), "{failure}");
            assert_eq!(listing(&folder), before);
        }
        return;
    }
    let folder = Folder::new();
    folder.published(&profile("1"));
    // A limit that does not kill: a file of more than 2 to 4 KiB is refused when it has come so
    // far.
    let mut child = child(
        "apply::a_file_that_cannot_be_written_whole_leaves_the_old_one",
        &folder.write_path(),
        "trap '' XFSZ; ulimit -f 4;",
    );
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
