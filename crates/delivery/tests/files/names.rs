//! The names of directories.

use std::path::{Component, Path};

use proptest::prelude::*;
use s3_credential_delivery::directory_name;

/// Ids as they are, as hostile as they come, and as long.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9-]{1,40}",
        "[ab/~.@%\\n-]{0,4}",
        "\\PC{0,20}",
        any::<String>(),
        "[a-z/]{1,4096}",
        Just("..".to_owned()),
    ]
}

fn pair() -> impl Strategy<Value = (Option<String>, String)> {
    (proptest::option::of(id()), id())
}

fn name((pod, volume_id): &(Option<String>, String)) -> String {
    directory_name(pod.as_deref(), volume_id)
}

proptest! {
    #[test]
    fn a_name_is_one_safe_component(pair in pair()) {
        let name = name(&pair);
        prop_assert!(name.len() <= 200);
        prop_assert!(!name.starts_with('.') && !name.contains(['\0', '\n']));
        let components: Vec<_> = Path::new(&name).components().collect();
        prop_assert_eq!(components, [Component::Normal(name.as_ref())]);
    }

    #[test]
    fn different_volumes_have_different_names(one in pair(), other in pair()) {
        prop_assert_eq!(one == other, name(&one) == name(&other));
    }

    #[test]
    fn moving_a_boundary_makes_another_name(text in "[a-c@/-]{2,8}", one in 0_usize..8, other in 0_usize..8) {
        let split = |at: usize| {
            let (pod, volume_id) = text.split_at(at.min(text.len()));
            (Some(pod.to_owned()), volume_id.to_owned())
        };
        let (one, other) = (split(one), split(other));
        prop_assert_eq!(one == other, name(&one) == name(&other));
    }
}

#[test]
fn pairs_that_other_drivers_confuse_have_different_names() {
    for (one, other) in [
        ((Some("p-a"), "b"), (Some("p"), "a-b")),
        ((Some("p"), "a/b"), (Some("p"), "a~b")),
        ((Some(""), "v"), (None, "v")),
        ((None, "p@v"), (Some("p"), "v")),
        ((None, ""), (Some(""), "")),
    ] {
        assert_ne!(
            directory_name(one.0, one.1),
            directory_name(other.0, other.1),
            "{one:?} {other:?}"
        );
    }
}

#[test]
fn a_hash_cannot_be_imitated_by_an_id() {
    let hashed = directory_name(None, "a/b");
    let (_, hash) = hashed.rsplit_once('@').unwrap();
    for pod in [None, Some(""), Some("@")] {
        for volume_id in [hash.to_owned(), format!("@{hash}")] {
            assert_ne!(directory_name(pod, &volume_id), hashed);
        }
    }
}

#[test]
fn a_plain_name_can_be_read() {
    assert_eq!(
        directory_name(Some("2f8b1d9e-6c1b-4f65-9d38-7b1c2a3d4e5f"), "s3-csi-driver-volume"),
        "s3cred@2f8b1d9e-6c1b-4f65-9d38-7b1c2a3d4e5f@s3-csi-driver-volume"
    );
}
