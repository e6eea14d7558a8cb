//! `s3-csi-mounter`: the mounter of this process.
//!
//! **In:** the command line. **Out:** a socket until SIGTERM and the last mount. **Fails** with one
//! line on stderr and an exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    s3_csi_mounter::run()
}
