//! `s3cred` with the plug-ins of the workspace and one of a third party, `process`. **In**, **out**
//! and how it **fails**: as `s3cred`.

use std::process::ExitCode;

use process_source::{NAME, ProcessSettings, ProcessSource};
use s3_credential_provider::PluginContext;

fn main() -> ExitCode {
    s3cred::run(|registry| {
        registry.register(NAME, |settings: &ProcessSettings, _: &PluginContext| {
            ProcessSource::try_new(settings.clone())
        })?;
        Ok(())
    })
}
