//! The public API is compatible with that of the last release.

use super::tag;
use super::{Release, Workspace};
use crate::run::{self, Outcome, cargo};

pub(crate) fn is_compatible(release: &Release) -> Outcome<String> {
    let Some(last) = tag::tags()?.pop() else {
        return Ok("no release exists, so there is no API to be compatible with".to_owned());
    };
    for package in release.workspaces.iter().flat_map(Workspace::published) {
        let mut check = cargo(["semver-checks", "check-release", "--baseline-rev"]);
        check.arg(&last).args(["--manifest-path", &package.manifest_path]);
        run::run(&mut check).map_err(|error| {
            format!("{error}; run `cargo install cargo-semver-checks` if the command is missing")
        })?;
    }
    Ok(format!("no breaking change since {last} that the version does not announce"))
}
