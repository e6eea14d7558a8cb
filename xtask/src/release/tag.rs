//! The tag of the release is new, and what is released is committed.

use std::process::Command;

use super::Release;
use crate::run::{Outcome, output};

pub(crate) fn is_new(release: &Release) -> Outcome<String> {
    let changes = output(Command::new("git").args(["status", "--porcelain"]))?;
    if !changes.is_empty() {
        return Err("the checkout has changes that are not committed; commit or remove them".into());
    }
    let tag = format!("v{}", release.version);
    if tags()?.contains(&tag) {
        return Err(format!("the tag {tag} exists; raise `version` in both manifests"));
    }
    Ok(format!("{tag} does not exist; the checkout has no change that is not committed"))
}

/// Returns the tags of releases, the oldest first.
pub(crate) fn tags() -> Outcome<Vec<String>> {
    let tags =
        output(Command::new("git").args(["tag", "--list", "v*", "--sort", "version:refname"]))?;
    Ok(tags.lines().map(str::to_owned).collect())
}
