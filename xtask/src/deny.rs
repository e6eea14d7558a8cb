//! `cargo xtask deny`: cargo-deny with `deny.toml`, and with that of the adapters.

use crate::run::{self, Outcome, cargo};
use std::process::Command;

/// One version everywhere: what passes here passes in CI.
const VERSION: &str = "0.20.2";

pub(crate) fn run() -> Outcome {
    let tools = run::target()?.join("tools");
    // No effect if this version is installed already. Unoptimized: a check takes seconds, an
    // optimized build takes minutes.
    let mut install = cargo([
        "install",
        "--quiet",
        "--locked",
        "--debug",
        "--version",
        VERSION,
        "cargo-deny",
        "--root",
    ]);
    run::run(install.arg(&tools))?;
    // Why not `advisories`: see deny.toml.
    for (manifest, config) in
        [("Cargo.toml", "deny.toml"), ("adapters/Cargo.toml", "adapters/deny.toml")]
    {
        let mut deny = Command::new(tools.join("bin/cargo-deny"));
        deny.args(["--locked", "--manifest-path", manifest, "--config", config]);
        run::run(deny.args([
            "check",
            "--deny",
            "warnings",
            "--hide-inclusion-graph",
            "licenses",
            "bans",
            "sources",
        ]))?;
    }
    Ok(())
}
