//! The suites, what each needs and how it is run.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use super::needs::Need;
use super::seen::Seen;
use crate::run::{self, Outcome, cargo, output};

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Name {
    /// moto as STS and S3; the AWS CLI and boto3 as clients. Needs Python 3, and PyPI for the first
    /// time
    Aws,
    /// `object_store`, OpenDAL, the AWS SDK for Rust and kube with the adapters. Builds `adapters`
    /// the first time
    Seams,
    /// The conformance kit judges s3cred, as it judges the credential code of another driver
    Kit,
    /// kubectl against the Kubernetes API of the testkit. Needs kubectl
    Kubectl,
    /// The real Helm lints and renders the chart; s3cred judges its configuration and roles. Needs
    /// Python 3, and PyPI for the first time
    Chart,
    /// The binaries s3-csi-node and s3-csi-mounter, driven by Python's grpcio; a stand-in for
    /// Mountpoint serves the FUSE mounts. Needs root, /dev/fuse and Python 3, and PyPI for the
    /// first time
    Node,
    /// A real Mountpoint file system over FUSE reads what was delivered. Needs FUSE, root, and
    /// Debian's packages cmake, clang, libclang-dev, libfuse3-dev, fuse3 and pkg-config; builds
    /// Mountpoint for some ten minutes the first time
    Mountpoint,
    /// s3cred against the real kube-apiserver, which the first run builds. Needs Debian 12 with
    /// golang-1.19-go, etcd-server and openssl
    Kubernetes,
}

const PYTHON: Need = Need::Program("python3", "python3");
const FUSE: Need = Need::File("/dev/fuse", "load the kernel module fuse");

impl Name {
    /// In the order in which all of them run, fastest first.
    pub(crate) const ALL: &[Self] = &[
        Self::Aws,
        Self::Kit,
        Self::Kubectl,
        Self::Chart,
        Self::Node,
        Self::Seams,
        Self::Mountpoint,
        Self::Kubernetes,
    ];

    /// What the machine must have.
    pub(crate) fn needs(self) -> &'static [Need] {
        match self {
            Self::Aws | Self::Chart => &[PYTHON],
            Self::Kit => &[],
            // The STS of these suites has TLS on the port 443.
            Self::Seams => &[PYTHON, Need::Root],
            Self::Kubectl => &[Need::Program("kubectl", "kubernetes-client")],
            Self::Node => &[PYTHON, Need::Root, FUSE],
            Self::Mountpoint => &[
                PYTHON,
                Need::Root,
                FUSE,
                Need::Program("cmake", "cmake"),
                Need::Program("clang", "clang"),
                Need::Program("pkg-config", "pkg-config"),
                Need::Program("fusermount3", "fuse3"),
            ],
            Self::Kubernetes => &[
                PYTHON,
                Need::Program("openssl", "openssl"),
                Need::Program("etcd", "etcd-server"),
                Need::File("/usr/lib/go-1.19/bin/go", "install Debian's package golang-1.19-go"),
            ],
        }
    }

    /// Runs it to its end.
    pub(crate) fn run(self, seen: &mut Seen, volumes: u32) -> Outcome {
        match self {
            Self::Aws => aws(seen, None),
            Self::Seams => seams(seen),
            Self::Kit => kit(seen),
            Self::Kubectl => kubectl(seen),
            Self::Chart => python(seen, "tests/e2e/chart/run.py", "e2e/chart", &[]),
            Self::Node => node(seen, volumes),
            Self::Mountpoint => mountpoint(seen),
            Self::Kubernetes => python(seen, "tests/e2e/kubernetes/run.py", "e2e/kubernetes", &[]),
        }?;
        seen.require_checks()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("hidden", |value| value.get_name()))
    }
}

/// The adapters, with the libraries that they are for.
fn seams(seen: &mut Seen) -> Outcome {
    const WORKSPACE: [&str; 4] =
        ["--locked", "--manifest-path", "adapters/Cargo.toml", "--workspace"];
    let target = run::target()?.join("seams");
    let build = |command: &str| {
        let mut cargo = cargo([command]);
        cargo.args(WORKSPACE).arg("--target-dir").arg(&target);
        cargo
    };
    seen.versions.extend(versions_of(
        "adapters/Cargo.lock",
        &["object_store", "opendal", "aws-sdk-s3", "kube"],
    )?);
    run::run(build("build").arg("--examples").arg("--bins"))?;
    seen.run(&mut build("test"))?;
    aws(seen, Some(("--reader", &target.join("debug"))))
}

fn node(seen: &mut Seen, volumes: u32) -> Outcome {
    let volumes = volumes.to_string();
    let words = ["--mount-program", "tests/e2e/node/stand_in.py", "--volumes", &volumes];
    node_service(seen, &words.map(OsStr::new))
}

/// The scenarios of `tests/e2e/node`, with the program that the words name as Mountpoint.
fn node_service(seen: &mut Seen, words: &[&OsStr]) -> Outcome {
    let packages = ["--package", "s3-csi-node", "--package", "s3-csi-mounter"];
    run::run(cargo(["build", "--locked"]).args(packages))?;
    let target = run::target()?;
    let mut python = Command::new("python3");
    python.arg("tests/e2e/node/run.py").arg("--node").arg(target.join("debug/s3-csi-node"));
    python.arg("--mounter").arg(target.join("debug/s3-csi-mounter"));
    python.args(words);
    seen.run(python.arg("--cache").arg(target.join("e2e/node")))
}

fn mountpoint(seen: &mut Seen) -> Outcome {
    let target = run::target()?.join("mountpoint");
    let mut build = cargo(["build", "--locked", "--manifest-path", "tests/mountpoint/Cargo.toml"]);
    run::run(build.arg("--target-dir").arg(&target))?;
    seen.versions.extend(versions_of("tests/mountpoint/Cargo.lock", &["mountpoint-s3-fs"])?);
    let program = target.join("debug/mount");
    aws(seen, Some(("--mountpoint", &program)))?;
    node_service(seen, &["--real".as_ref(), "--mount-program".as_ref(), program.as_os_str()])
}

/// The scenarios of `tests/e2e/aws`: those of the AWS CLI and boto3, or those of the program that
/// the flag names.
fn aws(seen: &mut Seen, program: Option<(&str, &Path)>) -> Outcome {
    let program = program.map(|(flag, path)| [OsStr::new(flag), path.as_os_str()]);
    let program = program.as_ref().map_or(&[][..], |words| &words[..]);
    python(seen, "tests/e2e/aws/run.py", "e2e", program)
}

/// A suite in Python, with the present binary and a cache in the target directory.
fn python(seen: &mut Seen, suite: &str, cache: &str, more: &[&OsStr]) -> Outcome {
    let binary = s3cred()?;
    let mut python = Command::new("python3");
    python.arg(suite).arg("--s3cred").arg(binary).args(more);
    seen.run(python.arg("--cache").arg(run::target()?.join(cache)))
}

/// Builds the binary and returns its path.
fn s3cred() -> Outcome<PathBuf> {
    const BUILD: [&str; 6] =
        ["build", "--locked", "--package", "s3-credential-cli", "--bin", "s3cred"];
    run::run(&mut cargo(BUILD))?;
    Ok(run::target()?.join("debug/s3cred"))
}

fn kit(seen: &mut Seen) -> Outcome {
    const BUILD: [&str; 6] =
        ["build", "--locked", "--package", "s3-credential-testkit", "--example", "kit"];
    run::run(&mut cargo(BUILD))?;
    let binary = s3cred()?;
    let mut kit = Command::new(run::target()?.join("debug/examples/kit"));
    seen.run(kit.args(["check", "sh", "tests/e2e/kit/s3cred.sh"]).arg(binary))
}

fn kubectl(seen: &mut Seen) -> Outcome {
    let version = output(Command::new("kubectl").args(["version", "--client"]))?;
    let version = version.lines().next().unwrap_or_default();
    seen.versions.push(version.replace("Client Version: v", "kubectl "));
    seen.run(&mut cargo([
        "test",
        "--locked",
        "--package",
        "s3-credential-testkit",
        "--features",
        "e2e-kubectl",
    ]))
}

/// The versions of these packages in a lock file.
fn versions_of(lock: &str, packages: &[&str]) -> Outcome<Vec<String>> {
    let text = std::fs::read_to_string(run::root().join(lock))
        .map_err(|error| format!("cannot read {lock}: {error}"))?;
    Ok(locked(&text, packages))
}

fn locked(lock: &str, packages: &[&str]) -> Vec<String> {
    let version = |package: &str| {
        let (_, entry) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
        Some(format!("{package} {}", entry.split_once('"')?.0))
    };
    packages.iter().filter_map(|package| version(package)).collect()
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn versions_are_read_from_a_lock_file() {
        let lock = "[[package]]\nname = \"kube\"\nversion = \"5.0.0\"\n\n[[package]]\nname = \"kube-client\"\nversion = \"5.0.1\"\n";
        assert_eq!(locked(lock, &["kube", "absent"]), ["kube 5.0.0"]);
    }
}
