//! Every crate as a package, made and built from a clean checkout.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use super::Release;
use super::workspaces::Workspace;
use crate::run::{self, Outcome, cargo, root};

/// Packs every crate after those that it depends on; with `verify` builds each from its package.
pub(crate) fn all(release: &Release, verify: bool) -> Outcome<String> {
    let folder = run::target()?.join("release");
    let checkout = folder.join("checkout");
    clone(&checkout)?;
    let mut count = 0;
    for workspace in &release.workspaces {
        let mut package = cargo(["package", "--workspace", "--manifest-path"]);
        package.arg(checkout.join(workspace.manifest));
        // One folder for all, so that a dependency is built once.
        package.arg("--target-dir").arg(folder.join("target"));
        for private in workspace.private() {
            package.args(["--exclude", &private.name]);
        }
        if !verify {
            package.arg("--no-verify");
        }
        for (name, path) in crates_of_other_workspaces(workspace) {
            let path = checkout.join(path);
            let patch = format!("patch.crates-io.{name}.path='{}'", path.display());
            package.args(["--config", &patch]);
        }
        run::run(&mut package)?;
        count += workspace.published().count();
    }
    let built = if verify { "each was built from its package" } else { "none was built" };
    Ok(format!("{count} crates in {}; {built}", folder.join("target/package").display()))
}

/// What this workspace takes from another one by path. The registry does not have it before the
/// upload.
fn crates_of_other_workspaces(workspace: &Workspace) -> Vec<(String, String)> {
    let members: Vec<&str> = workspace
        .published()
        .chain(workspace.private())
        .map(|package| package.name.as_str())
        .collect();
    let is_used = |name: &str| {
        let mut used = workspace.packages().iter().flat_map(|package| &package.dependencies);
        used.any(|dependency| dependency.name == name)
    };
    workspace
        .packages()
        .iter()
        .filter(|package| !members.contains(&package.name.as_str()) && is_used(&package.name))
        .filter_map(|package| {
            let folder = Path::new(&package.manifest_path).parent()?.strip_prefix(root()).ok()?;
            Some((package.name.clone(), folder.to_str()?.to_owned()))
        })
        .collect()
}

/// What is committed, and no other file.
fn clone(checkout: &Path) -> Outcome {
    match fs::remove_dir_all(checkout) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(format!("cannot remove {}: {error}", checkout.display()));
        }
        _ => {}
    }
    let mut clone = Command::new("git");
    run::run(clone.args(["clone", "--quiet", "--no-hardlinks", "."]).arg(checkout))
}
