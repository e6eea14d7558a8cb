//! `s3cred` with the plug-ins of this workspace. **In**, **out** and how it **fails**: see the
//! library.

use std::process::ExitCode;

fn main() -> ExitCode {
    s3cred::run(|_| Ok(()))
}
