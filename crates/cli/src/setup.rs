//! From the command line and the process environment to a provider and a mount target.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use s3_credential_core::{
    Consumer, Delivery, Environment, ErrorKind, Failure, MountKind, MountTarget, RoleArn,
};
use s3_credential_provider::{Config, Provider, ProviderBuilder, Registry};

use crate::arguments::{
    self, ChoiceArguments, ConfigArgument, MountArguments, PodArguments, StateArgument,
};

/// What a ConfigMap can hold.
const MAX_CONFIG_LEN: u64 = 1 << 20;

/// The one place where the process environment is read: it is the driver's.
#[expect(clippy::disallowed_methods, reason = "the process environment enters here, and only here")]
pub(crate) fn environment() -> Environment {
    std::env::vars_os().collect()
}

/// A builder with what the command line says.
pub(crate) fn builder(
    registry: &Registry,
    config: &ConfigArgument,
    state: Option<&StateArgument>,
) -> Result<ProviderBuilder, Failure> {
    let config = match given(config.config.as_deref()) {
        Some(file) => Config::parse(registry, &file.display().to_string(), &config_text(file)?)?,
        None => Config::default_of(registry)?,
    };
    let mut builder = Provider::builder().environment(environment()).config(config);
    if let Some(path) = given(state.and_then(|state| state.state_path.as_deref())) {
        builder = builder.state_path(absolute("--state-path", path)?);
    }
    Ok(builder)
}

/// The text of a configuration file; `-` is standard input.
pub(crate) fn config_text(file: &Path) -> Result<String, Failure> {
    let unreadable = |error: io::Error| {
        Failure::new(
            ErrorKind::InvalidConfiguration,
            format!("the configuration {} cannot be read: {error}", file.display()),
        )
        .with_help("let --config name a YAML file that the driver's user can read")
    };
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(MAX_CONFIG_LEN + 1).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(MAX_CONFIG_LEN + 1).read_to_end(&mut bytes))
    };
    read.map_err(unreadable)?;
    if bytes.len() as u64 > MAX_CONFIG_LEN {
        return Err(Failure::new(
            ErrorKind::InvalidConfiguration,
            "the configuration is larger than 1 MiB, the most that a ConfigMap holds",
        )
        .with_help("let --config name a smaller file"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let (line, column) = position(&error.as_bytes()[..valid]);
        Failure::new(
            ErrorKind::InvalidConfiguration,
            format!("{}:{line}:{column}: this is not UTF-8", file.display()),
        )
        .with_help("save the configuration as UTF-8")
    })
}

/// Line and column, from 1, of what follows this text.
fn position(text: &[u8]) -> (usize, usize) {
    let before = String::from_utf8_lossy(text);
    let last = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, last.chars().count() + 1)
}

/// The builder with the choices that go before the configuration's.
pub(crate) fn choose(mut builder: ProviderBuilder, choices: &ChoiceArguments) -> ProviderBuilder {
    if let Some(delivery) = choices.delivery {
        builder = builder.delivery(match delivery {
            arguments::Delivery::Delegated => Delivery::Delegated,
            arguments::Delivery::Profile => Delivery::Profile,
            arguments::Delivery::Endpoint => Delivery::Endpoint,
            arguments::Delivery::Environment => Delivery::Environment,
        });
    }
    builder.consumer(match choices.consumer {
        arguments::Consumer::Mountpoint => Consumer::Mountpoint,
        arguments::Consumer::Sdk => Consumer::Sdk,
    })
}

/// Makes a target from `provide`'s flags; without a write path for a command that does not write.
pub(crate) fn target(
    write_path: Option<&Path>,
    mount: &MountArguments,
) -> Result<MountTarget, Failure> {
    let mut target = pod_target(write_path, &mount.pod, mount.role_arn.as_deref())?;
    if let Some(path) = given(mount.env_path.as_deref()) {
        target = target.with_env_path(absolute("--env-path", path)?);
    }
    if let Some(mounted) = mount.mounted {
        target = target.with_mounted(matches!(mounted, arguments::YesNo::Yes));
    }
    Ok(target)
}

/// A target from what `process` has too.
pub(crate) fn pod_target(
    write_path: Option<&Path>,
    pod: &PodArguments,
    role_arn: Option<&str>,
) -> Result<MountTarget, Failure> {
    let write_path =
        write_path.map(|path| absolute("--write-path", path)).transpose()?.unwrap_or_default();
    let mut target = MountTarget::new(write_path).with_kind(match pod.mount_kind {
        arguments::MountKind::Pod => MountKind::Pod,
        arguments::MountKind::Systemd => MountKind::Systemd,
    });
    if let Some(uid) = &pod.mountpoint_pod_uid {
        target = target.with_mountpoint_pod_uid(uid);
    }
    if let Some(arn) = role_arn.filter(|arn| !arn.is_empty()) {
        target = target.with_role_arn(RoleArn::parse("--role-arn", arn)?);
    }
    Ok(target)
}

/// An empty path is an unset one.
pub(crate) fn given(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| !path.as_os_str().is_empty())
}

pub(crate) fn absolute(flag: &str, path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::new(ErrorKind::InvalidRequest, format!("{flag} is not a path"))
            .with_help(format!("let {flag} name a directory"))
            .with_cause(error)
    })
}
