//! `cargo xtask locks`: the workspaces that no other check builds have lock files that fit their
//! manifests, and ours.

use crate::run::{self, Outcome, cargo};

const MANIFESTS: [&str; 4] = [
    "adapters/Cargo.toml",
    "tests/mountpoint/Cargo.toml",
    "tests/peers/Cargo.toml",
    "xtask/proto/Cargo.toml",
];

pub(crate) fn run() -> Outcome {
    for manifest in MANIFESTS {
        // Looks versions up in the registry's index, and downloads only that.
        let mut update = cargo(["update", "--quiet", "--workspace", "--locked", "--manifest-path"]);
        run::run(update.arg(manifest)).map_err(|error| {
            format!("{error}; run `cargo update --workspace --manifest-path {manifest}`")
        })?;
    }
    Ok(())
}
