//! `cargo xtask fuzz`: every target of `fuzz/` for a while, on the stable toolchain.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{self, Outcome, cargo, root};

/// One version everywhere: what passes here passes in CI.
const VERSION: &str = "0.13.2";

/// Above every limit of ours (a token is at most 20,000 bytes), so that each is crossed.
const LONGEST_INPUT: usize = 24 << 10;
/// No input of this length may take longer, nor all of them this much memory.
const SECONDS_EACH: usize = 10;
const MEGABYTES: usize = 2048;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long each target runs
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Targets to run; all of them where none is named
    targets: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seconds: 30, targets: Vec::new() }
    }
}

pub(crate) fn run(options: &Options) -> Outcome {
    let target = run::target()?;
    let folder = target.join("fuzz");
    let fuzzer = install(&target)?;
    let all = run::output(Command::new(&fuzzer).arg("list"))?;
    let all: Vec<&str> = all.lines().collect();
    let chosen: Vec<&str> = match options.targets.as_slice() {
        [] => all.clone(),
        names => names.iter().map(String::as_str).collect(),
    };
    if let Some(unknown) = chosen.iter().find(|name| !all.contains(name)) {
        return Err(format!("there is no target {unknown}; there are {}", all.join(", ")));
    }
    build(&fuzzer, &folder)?;
    let built = folder.join(host()?).join("release");
    let mut found = Vec::new();
    println!(
        "\ntarget                   result          runs   runs/s   inputs  MB at most  slowest, s"
    );
    for name in chosen {
        let attempt =
            Attempt { name, program: &built.join(name), folder: &folder, seconds: options.seconds };
        if !attempt.run()? {
            found.push(name);
        }
    }
    match found.as_slice() {
        [] => Ok(()),
        names => Err(format!("findings of {}", names.join(", "))),
    }
}

/// No effect if this version is installed already. Unoptimized: the fuzzers themselves are not
/// built by its settings.
fn install(target: &Path) -> Outcome<PathBuf> {
    let tools = target.join("tools");
    let mut install = cargo([
        "install",
        "--quiet",
        "--locked",
        "--debug",
        "--version",
        VERSION,
        "cargo-fuzz",
        "--root",
    ]);
    run::run(install.arg(&tools))?;
    Ok(tools.join("bin/cargo-fuzz"))
}

/// Without a sanitizer, which the stable toolchain does not have; without unsafe code there is
/// little for one to find.
fn build(fuzzer: &Path, folder: &Path) -> Outcome {
    run::output(Command::new("c++").arg("--version")).map_err(|error| {
        format!("libFuzzer is written in C++ and needs a compiler for it: {error}")
    })?;
    lock()?;
    let mut build = Command::new(fuzzer);
    build.args(["build", "--sanitizer", "none", "--codegen-units", "16", "--target-dir"]);
    run::run(build.arg(folder))
}

/// The same versions as in the product; cargo adds what only the fuzzers use, in the versions that
/// their manifest pins.
fn lock() -> Outcome {
    let read =
        |path: &Path| fs::read_to_string(path).map_err(|error| failed("reading", path, &error));
    let (product, manifest) = (root().join("Cargo.lock"), root().join("fuzz/Cargo.toml"));
    let copy = root().join("fuzz/Cargo.lock");
    fs::copy(&product, &copy).map_err(|error| failed("writing", &copy, &error))?;
    run::run(cargo(["fetch", "--quiet", "--manifest-path"]).arg(&manifest))?;
    let added = unpinned(&read(&copy)?, &read(&product)?, &read(&manifest)?);
    if added.is_empty() {
        return Ok(());
    }
    Err(format!(
        "pin in {}, as the product has none of them: {}",
        manifest.display(),
        added.join(", ")
    ))
}

/// Returns the third-party crates of a lock file that are neither in the product's lock file nor
/// pinned by the manifest.
fn unpinned(lock: &str, product: &str, manifest: &str) -> Vec<String> {
    let product: Vec<_> = packages(product).collect();
    let is_pinned = |(name, version): &(&str, &str)| {
        let begin = format!("{name} = \"={version}\"");
        manifest.lines().any(|line| line == begin)
    };
    packages(lock)
        .filter(|package| !product.contains(package) && !is_pinned(package))
        .map(|(name, version)| format!("{name} {version}"))
        .collect()
}

/// Name and version of each package of a lock file that comes from a registry.
fn packages(lock: &str) -> impl Iterator<Item = (&str, &str)> {
    lock.split("[[package]]").filter_map(|package| {
        let value = |name: &str| {
            let mut lines = package.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        value("source").and(Some((value("name")?, value("version")?)))
    })
}

/// The platform that cargo-fuzz builds for.
fn host() -> Outcome<String> {
    let version = run::output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// One target's time.
struct Attempt<'a> {
    name: &'a str,
    program: &'a Path,
    folder: &'a Path,
    seconds: u64,
}

impl Attempt<'_> {
    /// Returns whether the target passed. A crash is shown, and its input is kept.
    fn run(&self) -> Outcome<bool> {
        // New inputs go into the first folder, and the seeds stay few.
        let corpus = self.make("corpus")?;
        let artifacts = self.make("artifacts")?;
        let log = self.folder.join("artifacts").join(format!("{}.log", self.name));
        let output = File::create(&log).map_err(|error| failed("creating", &log, &error))?;
        let mut fuzz = Command::new(self.program);
        fuzz.arg(format!("-max_total_time={}", self.seconds))
            .arg(format!("-max_len={LONGEST_INPUT}"))
            .arg(format!("-timeout={SECONDS_EACH}"))
            .arg(format!("-rss_limit_mb={MEGABYTES}"))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg("-print_final_stats=1")
            .arg(&corpus)
            .arg(root().join("fuzz/seeds").join(self.name));
        let status = fuzz
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .status()
            .map_err(|error| failed("starting", self.program, &error))?;
        let text = fs::read(&log).map_err(|error| failed("reading", &log, &error))?;
        let text = String::from_utf8_lossy(&text);
        self.report(&text, &corpus, status.success());
        Ok(status.success())
    }

    fn make(&self, kind: &str) -> Outcome<PathBuf> {
        let folder = self.folder.join(kind).join(self.name);
        fs::create_dir_all(&folder).map_err(|error| failed("creating", &folder, &error))?;
        Ok(folder)
    }

    fn report(&self, log: &str, corpus: &Path, passed: bool) {
        let number = |name: &str| statistic(log, name).unwrap_or_default();
        let inputs = fs::read_dir(corpus).map_or(0, Iterator::count);
        let verdict = if passed { "passed" } else { "FOUND" };
        println!(
            "{:<24} {verdict:<6} {:>13} {:>8} {inputs:>8} {:>11} {:>11}",
            self.name,
            number("number_of_executed_units"),
            number("average_exec_per_sec"),
            number("peak_rss_mb"),
            number("slowest_unit_time_sec"),
        );
        if !passed {
            let lines: Vec<&str> = log.lines().collect();
            println!("{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}

/// `stat::peak_rss_mb:             55`
fn statistic(log: &str, name: &str) -> Option<u64> {
    let lines = log.lines().filter_map(|line| line.strip_prefix("stat::"));
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    values.next()?.trim().parse().ok()
}

fn failed(action: &str, path: &Path, error: &io::Error) -> String {
    format!("{action} {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unpinned_version_is_found() {
        let package = |name: &str, version: &str| {
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry\"\n\n"
            )
        };
        let ours = "[[package]]\nname = \"fuzz\"\nversion = \"0.1.0\"\n\n";
        let product = package("shared", "1.2.3");
        let lock = format!("version = 4\n\n{ours}{product}{}", package("fuzzer", "0.4.13"));
        assert!(unpinned(&lock, &product, "fuzzer = \"=0.4.13\"\n").is_empty());
        assert_eq!(unpinned(&lock, &product, "fuzzer = \"0.4.13\"\n"), ["fuzzer 0.4.13"]);
        assert_eq!(unpinned(&lock, "", "fuzzer = \"=0.4.13\"\n"), ["shared 1.2.3"]);
    }

    #[test]
    fn a_statistic_of_libfuzzer_is_found_by_its_name() {
        let log = "Done 9 runs in 1 second(s)\nstat::number_of_executed_units: 9\nstat::peak_rss_mb:              55\n";
        assert_eq!(statistic(log, "peak_rss_mb"), Some(55));
        assert_eq!(statistic(log, "peak"), None);
        assert_eq!(statistic("", "peak_rss_mb"), None);
    }
}
