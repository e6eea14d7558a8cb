//! The weight of a library for a program: crates, the time of a fresh build, and the program's
//! size.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::MANIFEST;
use super::rows::Row;
use crate::run::{self, Outcome, cargo};

struct Program {
    /// The column, and what distinguishes it there.
    subject: &'static str,
    what: &'static str,
    manifest: &'static str,
    package: &'static str,
    profile: &'static str,
    binary: &'static str,
    /// At most this many crates.
    crates: Option<usize>,
}

/// A least program of the peers' workspace.
const fn least(
    subject: &'static str,
    what: &'static str,
    package: &'static str,
    crates: Option<usize>,
) -> Program {
    Program {
        subject,
        what,
        manifest: MANIFEST,
        package,
        profile: "weight",
        binary: package,
        crates,
    }
}

const PROGRAMS: [Program; 8] = [
    least("s3-credential", "core", "weight-core", Some(25)),
    least("s3-credential", "the library with the source `secret` alone", "weight-secret", Some(60)),
    least("s3-credential", "the library with every source", "weight-library", Some(240)),
    Program {
        subject: "s3-credential",
        what: "`s3cred`",
        manifest: "Cargo.toml",
        package: "s3-credential-cli",
        profile: "release",
        binary: "s3cred",
        crates: Some(275),
    },
    least("aws-config", "aws-config, with STS, without kube", "weight-aws-config", None),
    least("aws-config", "aws-config, with STS and kube", "weight-aws-config-kube", None),
    least("reqsign", "reqsign", "weight-reqsign", None),
    least("object_store", "object_store", "weight-object-store", None),
];

pub(crate) fn rows(target: &Path) -> Outcome<Vec<Row>> {
    PROGRAMS.iter().map(|program| program.row(&target.join("weight"))).collect()
}

impl Program {
    #[allow(clippy::disallowed_methods, reason = "how long a build takes is what is asked")]
    fn row(&self, target: &Path) -> Outcome<Row> {
        let crates = self.count_crates()?;
        // What an earlier build has left would make this one faster.
        let target = target.join(self.package);
        let _ = fs::remove_dir_all(&target);
        let mut build = cargo(["build", "--locked", "--manifest-path"]);
        build.args([self.manifest, "--package", self.package, "--profile", self.profile]);
        let start = Instant::now();
        run::output(build.env("CARGO_TARGET_DIR", &target))?;
        let seconds = start.elapsed().as_secs_f64();
        let binary = target.join(self.profile).join(self.binary);
        let bytes =
            fs::metadata(&binary).map_err(|error| format!("{}: {error}", binary.display()))?.len();
        let tenths = bytes / 100_000;
        let _ = fs::remove_dir_all(&target);
        let cell = format!("{crates}; {seconds:.0} s; {}.{} MB", tenths / 10, tenths % 10);
        Ok(Row {
            what: format!("weight, {}: crates; fresh build; size", self.what),
            goal: self.crates.map(|most| format!("{most} crates, at most")).unwrap_or_default(),
            cells: [(self.subject.to_owned(), cell)].into(),
            met: self.crates.map(|most| crates <= most),
        })
    }

    /// Returns the number of linked crates, without the program itself.
    fn count_crates(&self) -> Outcome<usize> {
        let mut tree = Command::new("cargo");
        tree.args(["tree", "--locked", "--edges", "normal", "--prefix", "none"]);
        tree.args(["--manifest-path", self.manifest, "--package", self.package]);
        let listed = run::output(tree.args(["--format", "{p}"]))?;
        let crates: BTreeSet<_> =
            listed.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        Ok(crates.len() - 1)
    }
}
