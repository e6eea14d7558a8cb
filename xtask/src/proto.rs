//! `cargo xtask proto`: the messages and services of `crates/csi`, from their definitions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{self, Outcome, cargo, root};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only check; fail if a generated file is not current
    #[arg(long)]
    check: bool,
}

const GENERATED: &str = "crates/csi/src/generated";

pub(crate) fn run(options: &Options) -> Outcome {
    let target = if options.check { fresh()? } else { root().join(GENERATED) };
    // A workspace of its own, so that no other build compiles a compiler of definitions.
    let mut generate =
        cargo(["run", "--quiet", "--locked", "--manifest-path", "xtask/proto/Cargo.toml"]);
    generate.arg("--target-dir").arg(run::target()?.join("proto")).arg("--");
    run::run(generate.arg("crates/csi/proto").arg(&target))?;
    if options.check { compare(&target) } else { Ok(()) }
}

pub(crate) fn check() -> Outcome {
    run(&Options { check: true })
}

/// Returns an empty directory.
fn fresh() -> Outcome<PathBuf> {
    let path = run::target()?.join("proto/generated");
    if path.exists() {
        fs::remove_dir_all(&path)
            .map_err(|error| format!("cannot remove {}: {error}", path.display()))?;
    }
    Ok(path)
}

fn compare(generated: &Path) -> Outcome {
    let (new, old) = (read(generated)?, read(&root().join(GENERATED))?);
    let names = new.keys().chain(old.keys());
    let mut stale: Vec<&str> =
        names.filter(|name| new.get(*name) != old.get(*name)).map(String::as_str).collect();
    stale.sort_unstable();
    stale.dedup();
    match stale.as_slice() {
        [] => Ok(()),
        stale => Err(format!(
            "files of {GENERATED} are not current: {}; run `cargo xtask proto`",
            stale.join(", ")
        )),
    }
}

fn read(directory: &Path) -> Outcome<BTreeMap<String, String>> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", directory.display());
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read_to_string(entry.path()).map_err(failed)?);
    }
    Ok(files)
}
