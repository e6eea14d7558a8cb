//! Generates Rust from the protocol definitions of `crates/csi`, without protoc.
//!
//! What goes in: the directory of the definitions, and the directory for the generated files. What
//! comes out: one file for each package, and `secrets.rs`. How it fails: exit status 1, with the
//! error of the compiler.

mod secrets;

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

const FILES: [&str; 2] = ["csi.proto", "pluginregistration.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(definitions), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: proto DEFINITIONS TARGET".into());
    };
    let mut compiler = protox::Compiler::new([&definitions])?;
    compiler.include_imports(true).open_files(FILES)?;
    let redacted = secrets::redacted(&compiler.descriptor_pool())?;

    fs::create_dir_all(&target)?;
    tonic_prost_build::configure()
        .out_dir(&target)
        .client_mod_attribute(".", "#[cfg(feature = \"client\")]")
        .server_mod_attribute(".", "#[cfg(feature = \"server\")]")
        .skip_debug(redacted.iter().map(|message| format!(".{}", message.descriptor.full_name())))
        .compile_fds_with_config(compiler.file_descriptor_set(), config())?;
    fs::write(target.join("secrets.rs"), secrets::source(&redacted))?;
    Ok(())
}

/// The comments stay in the definitions.
fn config() -> prost_build::Config {
    let mut config = prost_build::Config::new();
    config.disable_comments(["."]);
    config
}
