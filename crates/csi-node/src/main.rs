//! `s3-csi-node`: the node service of this process.

use std::process::ExitCode;

use s3_credential_provider::Environment;

fn main() -> ExitCode {
    s3_csi_node::run(environment())
}

#[expect(clippy::disallowed_methods, reason = "the process environment enters here, and only here")]
fn environment() -> Environment {
    std::env::vars_os().collect()
}
