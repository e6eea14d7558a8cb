//! `s3-csi-node`: the node service of this process.
//!
//! **In:** the command line and the environment. **Out:** a CSI socket until SIGTERM. **Fails**
//! with one line on stderr and an exit status.

use std::process::ExitCode;

use s3_credential_provider::Environment;

fn main() -> ExitCode {
    s3_csi_node::run(environment())
}

#[expect(clippy::disallowed_methods, reason = "the process environment enters here, and only here")]
fn environment() -> Environment {
    std::env::vars_os().collect()
}
