//! `cargo xtask e2e`: real clients and servers instead of our own emulators and parsers.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::run::{self, Outcome, cargo};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Which
    name: Name,

    /// How many volumes `node` publishes at once
    #[arg(long, default_value_t = 200)]
    volumes: u32,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Name {
    /// moto as STS and S3; the AWS CLI and boto3 as clients. Needs Python 3, and PyPI for the first
    /// time
    Aws,
    /// kubectl against the Kubernetes API of the testkit. Needs kubectl
    Kubectl,
    /// A real Mountpoint file system over FUSE reads what was delivered. Needs FUSE, root, and
    /// Debian's packages cmake, clang, libclang-dev, libfuse3-dev, fuse3 and pkg-config; builds
    /// Mountpoint for some ten minutes the first time
    Mountpoint,
    /// s3cred against the real kube-apiserver, which the first run builds. Needs Debian 12 with
    /// golang-1.19-go, etcd-server and openssl
    Kubernetes,
    /// The real Helm lints and renders the chart; s3cred judges its configuration and roles. Needs
    /// Python 3, and PyPI for the first time
    Chart,
    /// The binaries s3-csi-node and s3-csi-mounter, driven by Python's grpcio; a stand-in for Mountpoint serves the FUSE mounts.
    /// Needs root, /dev/fuse and Python 3, and PyPI for the first time
    Node,
    /// All of them
    All,
}

pub(crate) fn run(options: &Options) -> Outcome {
    match options.name {
        Name::Aws => aws(),
        Name::Kubectl => kubectl(),
        Name::Mountpoint => mountpoint(),
        Name::Kubernetes => kubernetes(),
        Name::Chart => chart(),
        Name::Node => node(options.volumes),
        Name::All => {
            let all = [aws, kubectl, chart, mountpoint, kubernetes];
            all.into_iter().try_for_each(|suite| suite())?;
            node(options.volumes)
        }
    }
}

pub(crate) fn aws() -> Outcome {
    suite(None)
}

fn mountpoint() -> Outcome {
    let target = run::target()?.join("mountpoint");
    let mut build = cargo(["build", "--locked", "--manifest-path", "tests/mountpoint/Cargo.toml"]);
    run::run(build.arg("--target-dir").arg(&target))?;
    suite(Some(&target.join("debug/mount")))
}

fn chart() -> Outcome {
    python("tests/e2e/chart/run.py", "e2e/chart", &[])
}

fn node(volumes: u32) -> Outcome {
    let packages = ["--package", "s3-csi-node", "--package", "s3-csi-mounter"];
    run::run(cargo(["build", "--locked"]).args(packages))?;
    let target = run::target()?;
    let mut python = Command::new("python3");
    python.arg("tests/e2e/node/run.py").arg("--node").arg(target.join("debug/s3-csi-node"));
    python.arg("--mounter").arg(target.join("debug/s3-csi-mounter"));
    python.args(["--mount-program", "tests/e2e/node/stand_in.py"]);
    python.args(["--volumes", &volumes.to_string()]);
    run::run(python.arg("--cache").arg(target.join("e2e/node")))
}

fn kubernetes() -> Outcome {
    python("tests/e2e/kubernetes/run.py", "e2e/kubernetes", &[])
}

/// The scenarios of `tests/e2e/aws`: those of the AWS CLI and boto3, or those of Mountpoint.
fn suite(mountpoint: Option<&Path>) -> Outcome {
    let mountpoint = mountpoint.map(|path| [OsStr::new("--mountpoint"), path.as_os_str()]);
    python("tests/e2e/aws/run.py", "e2e", mountpoint.as_ref().map_or(&[], |words| &words[..]))
}

/// A suite in Python, with a fresh build of the binary and a cache in the target directory.
fn python(suite: &str, cache: &str, more: &[&OsStr]) -> Outcome {
    run::run(&mut cargo([
        "build",
        "--locked",
        "--package",
        "s3-credential-cli",
        "--bin",
        "s3cred",
    ]))?;
    let target = run::target()?;
    let mut python = Command::new("python3");
    python.arg(suite).arg("--s3cred").arg(target.join("debug/s3cred"));
    run::run(python.args(more).arg("--cache").arg(target.join(cache)))
}

fn kubectl() -> Outcome {
    run::run(&mut cargo([
        "test",
        "--locked",
        "--package",
        "s3-credential-testkit",
        "--features",
        "e2e-kubectl",
    ]))
}
