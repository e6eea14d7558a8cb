//! `cargo xtask release --dry-run`: what an upload of every crate needs, checked without an upload.

mod api;
mod changelog;
mod manifests;
mod packages;
mod tag;
mod workspaces;

use crate::run::Outcome;

use workspaces::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Check everything, upload no crate. An upload is a command of cargo: `cargo publish
    /// --workspace`
    #[arg(long)]
    dry_run: bool,
    /// Do not build each crate from its own package
    #[arg(long)]
    no_verify: bool,
}

/// A check prints what it saw in one line; an error says what to change.
type Check = fn(&Release) -> Outcome<String>;

const CHECKS: [(&str, Check); 6] = [
    ("version", manifests::one_version),
    ("metadata", manifests::complete),
    ("msrv", manifests::rust_version),
    ("changelog", changelog::has_the_release),
    ("tag", tag::is_new),
    ("api", api::is_compatible),
];

/// What a release consists of.
#[derive(Debug)]
pub(crate) struct Release {
    version: String,
    workspaces: Vec<Workspace>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    if !options.dry_run {
        return Err("--dry-run is missing: this command uploads no crate; \
                    run `cargo publish --workspace` once the dry run has passed"
            .to_owned());
    }
    let workspaces = workspaces::read()?;
    let version = workspaces
        .iter()
        .flat_map(Workspace::published)
        .map(|package| package.version.clone())
        .next()
        .ok_or("no crate is to be published")?;
    let release = Release { version, workspaces };
    println!("release {}", release.version);
    let mut failures = Vec::new();
    for (name, check) in CHECKS {
        match check(&release) {
            Ok(line) => println!("{name:<10} ok      {line}"),
            Err(reason) => {
                println!("{name:<10} FAILED  {reason}");
                failures.push(format!("{name}: {reason}"));
            }
        }
    }
    if !failures.is_empty() {
        return Err(failures.join("\n       "));
    }
    let line = packages::all(&release, !options.no_verify)?;
    println!("{:<10} ok      {line}", "packages");
    Ok(())
}
