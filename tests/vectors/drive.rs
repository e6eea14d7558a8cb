//! One step, through the facade: what Go's contexts hold, as a CSI request and a mount target.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use s3_credential_core::{Environment, Failure, MountKind, RoleArn, TOKENS_KEY};
use s3_credential_provider::{
    CleanupContext, MountTarget, ProvideError, Provided, Provider, PublishRequest, UnpublishRequest,
};
use s3_credential_testkit::clock::ManualClock;

use crate::case::{Cleanup, Provide};
use crate::outcome::{Answer, Refusal};

/// The time of the cases: before their tokens expire.
const NOW: &str = "2026-01-01T00:00:00Z";

/// A driver that starts for this one call, with this environment.
pub(crate) fn provider(environment: Environment, state_path: PathBuf) -> Provider {
    let now: Timestamp = NOW.parse().unwrap();
    let builder = Provider::builder().environment(environment).state_path(state_path);
    builder.clock(ManualClock::new(now)).build().unwrap()
}

pub(crate) async fn provide(provider: &Provider, step: &Provide, write_path: &str) -> Answer {
    match try_provide(provider, step, write_path).await {
        Ok(provided) => Answer::Provided {
            level: provided.level.as_str().to_owned(),
            variables: variables(&provided, &step.env_path),
        },
        Err(error) => refused(&error),
    }
}

async fn try_provide(
    provider: &Provider,
    step: &Provide,
    write_path: &str,
) -> Result<Provided, ProvideError> {
    let target = target(step, write_path)?;
    let again = target.clone().with_mounted(false);
    let provided = provider.provide(&provider.context(request(step), target)?).await?;
    if !provided.identity_changed {
        return Ok(provided);
    }
    // The Go driver hands out the other identity's environment, which can only be for a mount that
    // is to come. We keep a running one's, report it, and give the new one when the request says
    // that the volume is not mounted.
    provider.provide(&provider.context(request(step), again)?).await
}

pub(crate) async fn cleanup(
    provider: &Provider,
    step: &Cleanup,
    of: Option<&Provide>,
    write_path: &str,
) -> Answer {
    // The unpublish of what was provided: of the workload's path, with the Mountpoint pod where one
    // was shared.
    let (workload, shared) = match of {
        Some(provide) if !provide.mountpoint_pod.is_empty() => {
            (&provide.workload_pod, Some(provide.mountpoint_pod.as_str()))
        }
        _ => (&step.pod, None),
    };
    let request = UnpublishRequest::new(&step.volume, target_path(workload));
    let context = CleanupContext::from_unpublish_request(&request, write_path, shared);
    let cleaned = match context {
        Ok(context) => provider.cleanup(&context).await,
        Err(failure) => Err(failure.into()),
    };
    match cleaned {
        Ok(_) => Answer::CleanupReport,
        Err(error) => refused(&error),
    }
}

fn refused(error: &ProvideError) -> Answer {
    Answer::Refused(Refusal::Kind(error.kind()))
}

fn request(step: &Provide) -> PublishRequest {
    let attributes = [
        ("authenticationSource", step.authentication_source.clone()),
        ("stsRegion", step.sts_region.clone()),
        ("csi.storage.k8s.io/pod.uid", step.workload_pod.clone()),
        ("csi.storage.k8s.io/pod.namespace", step.pod_namespace.clone()),
        ("csi.storage.k8s.io/serviceAccount.name", step.service_account_name.clone()),
        (TOKENS_KEY, step.tokens()),
    ];
    let region = Some(&step.bucket_region).filter(|region| !region.is_empty());
    PublishRequest::new(&step.volume, target_path(&step.workload_pod))
        .with_volume_context(attributes)
        .with_mount_flags(region.map(|region| format!("--region={region}")))
}

fn target(step: &Provide, write_path: &str) -> Result<MountTarget, Failure> {
    let kind: MountKind = step.mount_kind.parse()?;
    let target = MountTarget::new(write_path)
        .with_env_path(&step.env_path)
        .with_kind(kind)
        .with_mountpoint_pod_uid(&step.mountpoint_pod);
    Ok(match step.role_arn.as_str() {
        "" => target,
        arn => target.with_role_arn(arn.parse::<RoleArn>()?),
    })
}

/// Returns a target path in the kubelet's layout.
fn target_path(pod: &str) -> String {
    let pods = if pod.is_empty() { "plugins".to_owned() } else { format!("pods/{pod}/volumes") };
    format!("/var/lib/kubelet/{pods}/kubernetes.io~csi/pv/mount")
}

/// Returns the variables, with cleaned paths under the env path, like Go's.
fn variables(provided: &Provided, env_path: &str) -> BTreeMap<String, String> {
    let value = |value: &str| {
        if value.starts_with(env_path) { clean(value) } else { value.to_owned() }
    };
    let environment = provided.environment.iter();
    environment.map(|(name, it)| (name.clone(), value(it.expose()))).collect()
}

/// Go's `filepath.Clean`, by the words alone.
pub(crate) fn clean(path: &str) -> String {
    let mut cleaned = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            component => cleaned.push(component),
        }
    }
    cleaned.to_str().unwrap().to_owned()
}
