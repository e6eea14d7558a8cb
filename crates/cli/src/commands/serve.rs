//! `s3cred serve`: a driver without CSI, for tests and for systemd units. Request files are its volumes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use s3_credential_core::{ErrorKind, Failure, MountTarget};
use s3_credential_provider::{
    CleanupContext, Event, ProvideError, Provider, PublishRequest, Registry, ResumeOptions,
    UnpublishRequest,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::arguments::ServeArguments;
use crate::error::report_line;
use crate::output::{self, ErrorObject, ProvidedObject};
use crate::{error, request, setup};

/// How often request files are looked at.
const POLL: Duration = Duration::from_millis(500);

/// How long a volume that failed waits for its next try, unless its request changes.
const RETRY: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    arguments: ServeArguments,
    registry: &Registry,
) -> Result<(), ProvideError> {
    let cannot_listen = |cause| error::internal("signals cannot be listened to", cause);
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot_listen)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_listen)?;

    let builder = setup::builder(registry, &arguments.config, Some(&arguments.state))?;
    let provider = setup::choose(builder, &arguments.choices).build()?;
    let target = setup::target(Some(&arguments.write_path.write_path), &arguments.mount)?;
    let mut events = provider.events();
    if provider.needs_endpoint() {
        provider.serve_endpoint()?;
    }
    provider.resume(ResumeOptions::default()).await?;
    let _fresh = provider.keep_fresh();

    let mut volumes =
        Volumes { provider, target, reveal: arguments.reveal, served: BTreeMap::new() };
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = poll.tick() => volumes.follow(&arguments.request)?,
            event = events.recv() => tell(event),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
        volumes.publish_what_is_due().await;
    }
    if arguments.keep { Ok(()) } else { volumes.unpublish_all().await }
}

/// The volumes, by request file.
struct Volumes {
    provider: Provider,
    target: MountTarget,
    reveal: bool,
    served: BTreeMap<PathBuf, Volume>,
}

#[derive(Default)]
struct Volume {
    seen: Option<Fingerprint>,
    /// What an unpublish needs, once the volume was published.
    published: Option<UnpublishRequest>,
    due_at: Option<Instant>,
    is_gone: bool,
}

/// What changes when a file does.
type Fingerprint = (SystemTime, u64);

impl Volumes {
    /// Notices new, changed and removed request files.
    fn follow(&mut self, requests: &[PathBuf]) -> Result<(), ProvideError> {
        let files = request_files(requests)?;
        for (path, volume) in &mut self.served {
            volume.is_gone = !files.contains_key(path);
        }
        for (path, fingerprint) in files {
            let volume = self.served.entry(path).or_default();
            if volume.seen != Some(fingerprint) {
                volume.seen = Some(fingerprint);
                volume.due_at = Some(Instant::now());
            }
        }
        Ok(())
    }

    async fn publish_what_is_due(&mut self) {
        let now = Instant::now();
        for (path, volume) in &mut self.served {
            if volume.is_gone {
                if let Some(unpublish) = volume.published.take()
                    && let Err(error) = cleanup(&self.provider, &self.target, &unpublish).await
                {
                    report_line(&error);
                    volume.published = Some(unpublish);
                }
            } else if volume.due_at.is_some_and(|at| at <= now) {
                volume.due_at = None;
                if let Err(error) =
                    publish(&self.provider, &self.target, self.reveal, path, volume).await
                {
                    output::print_json(&ErrorObject::new(&error));
                    report_line(&error);
                    volume.due_at = Some(now + RETRY);
                }
            }
        }
        self.served.retain(|_, volume| !volume.is_gone || volume.published.is_some());
    }

    /// Tries all, and fails with the first failure.
    async fn unpublish_all(self) -> Result<(), ProvideError> {
        let mut result = Ok(());
        for unpublish in self.served.into_values().filter_map(|volume| volume.published) {
            let cleaned = cleanup(&self.provider, &self.target, &unpublish).await;
            result = result.and(cleaned);
        }
        result
    }
}

async fn publish(
    provider: &Provider,
    target: &MountTarget,
    reveal: bool,
    path: &Path,
    volume: &mut Volume,
) -> Result<(), ProvideError> {
    let request: PublishRequest = request::read(path)?;
    let unpublish = UnpublishRequest::new(&request.volume_id, &request.target_path);
    let context = provider.context(request, target.clone())?;
    let provided = provider.provide(&context).await?;
    volume.published = Some(unpublish);
    output::print_json(&ProvidedObject::new(&provided, reveal));
    Ok(())
}

async fn cleanup(
    provider: &Provider,
    target: &MountTarget,
    unpublish: &UnpublishRequest,
) -> Result<(), ProvideError> {
    let pod = target.mountpoint_pod_uid.as_deref();
    let context = CleanupContext::from_unpublish_request(unpublish, &target.write_path, pod)?;
    provider.cleanup(&context).await.map(drop)
}

/// The request files that there are: each that was named, and each `*.json` of a folder that was named.
fn request_files(requests: &[PathBuf]) -> Result<BTreeMap<PathBuf, Fingerprint>, Failure> {
    let mut files = BTreeMap::new();
    for path in requests {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|error| {
                Failure::new(
                    ErrorKind::InvalidRequest,
                    format!("the folder {} cannot be read: {error}", path.display()),
                )
            })?;
            let requests = entries.flatten().map(|entry| entry.path());
            files.extend(
                requests
                    .filter(|path| path.extension().is_some_and(|end| end == "json"))
                    .filter_map(with_fingerprint),
            );
        } else {
            files.extend(with_fingerprint(path.clone()));
        }
    }
    Ok(files)
}

fn with_fingerprint(path: PathBuf) -> Option<(PathBuf, Fingerprint)> {
    let metadata = std::fs::metadata(&path).ok()?;
    let fingerprint = (metadata.modified().ok()?, metadata.len());
    Some((path, fingerprint))
}

/// What happens to leases between publishes goes to the log.
fn tell(event: Result<Event, RecvError>) {
    match event {
        Ok(event) => tracing::info!(?event, "lease"),
        Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "events were missed"),
        Err(RecvError::Closed) => {}
    }
}
