//! From the command line and the process environment to a provider and a mount target.

use std::path::{Path, PathBuf};

use s3_credential_core::{
    Consumer, Delivery, Environment, ErrorKind, Failure, MountKind, MountTarget, RoleArn,
};
use s3_credential_provider::{Provider, ProviderBuilder};

use crate::arguments::{
    self, ChoiceArguments, ConfigArgument, MountArguments, PodArguments, StateArgument,
};

/// The one place where the process environment is read: it is the driver's.
#[expect(clippy::disallowed_methods, reason = "the process environment enters here, and only here")]
pub(crate) fn environment() -> Environment {
    std::env::vars_os().collect()
}

/// A builder with what the command line says.
pub(crate) fn builder(
    config: &ConfigArgument,
    state: Option<&StateArgument>,
) -> Result<ProviderBuilder, Failure> {
    let _ = config;
    let mut builder = Provider::builder().environment(environment());
    if let Some(path) = state.and_then(|state| state.state_path.as_deref()) {
        builder = builder.state_path(absolute("--state-path", path)?);
    }
    Ok(builder)
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

/// A target from `provide`'s flags; without a write path where nothing is written.
pub(crate) fn target(
    write_path: Option<&Path>,
    mount: &MountArguments,
) -> Result<MountTarget, Failure> {
    let mut target = pod_target(write_path, &mount.pod, mount.role_arn.as_deref())?;
    if let Some(path) = &mount.env_path {
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

pub(crate) fn absolute(flag: &str, path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::new(ErrorKind::InvalidRequest, format!("{flag} is not a path")).with_cause(error)
    })
}
