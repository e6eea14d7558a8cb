//! `s3cred serve`: a driver without CSI, for tests and for systemd units. Request files are its
//! volumes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure, MountTarget};
use s3_credential_provider::{
    CleanupContext, Event, ProvideContext, ProvideError, Provided, Provider, PublishRequest,
    Registry, ResumeOptions, UnpublishRequest,
};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::arguments::ServeArguments;
use crate::error::{report_line, report_line_about};
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
    let mut volumes = Volumes::new(provider.clone(), target, arguments.reveal);
    let requests = &arguments.request;
    requests.iter().try_for_each(|path| must_exist(path))?;
    volumes.follow(requests)?;

    let mut events = provider.events();
    let running = provider.start(ResumeOptions::default()).await?;
    running.provider().endpoint_warnings().iter().for_each(output::warn);
    for failure in &running.resumed().failures {
        report_line(&failure.clone().into());
    }

    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = poll.tick() => {
                // What cannot be looked at now is as it was.
                if let Err(failure) = volumes.follow(requests) {
                    tracing::warn!(%failure, "requests cannot be looked at");
                }
            }
            Some(ended) = volumes.work.join_next() => volumes.ended(ended),
            event = events.recv() => log_event(event),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
        volumes.begin_what_is_due();
    }
    let ended = volumes.end(arguments.keep).await;
    running.stop().await;
    ended
}

/// The volumes, by request file, and the work on them: at most one task for each.
struct Volumes {
    provider: Provider,
    target: MountTarget,
    reveal: bool,
    served: BTreeMap<PathBuf, Volume>,
    work: JoinSet<Ended>,
}

#[derive(Default)]
struct Volume {
    seen: Option<Fingerprint>,
    /// What is published by this file, or may be: a changed file may be of another volume.
    held: Vec<UnpublishRequest>,
    due_at: Option<Instant>,
    is_gone: bool,
    is_busy: bool,
}

/// What changes when a file does: inode, time of change to the nanosecond, length.
type Fingerprint = (u64, i64, i64, u64);

/// The end of a task; `None` as the result of an unpublish.
struct Ended {
    path: PathBuf,
    volume_id: Option<String>,
    result: Result<Option<Box<Provided>>, ProvideError>,
    /// What it leaves published, where it succeeded.
    left: Option<UnpublishRequest>,
}

impl Volumes {
    fn new(provider: Provider, target: MountTarget, reveal: bool) -> Self {
        let (served, work) = (BTreeMap::new(), JoinSet::new());
        Self { provider, target, reveal, served, work }
    }

    /// Notices new, changed and removed request files.
    fn follow(&mut self, requests: &[PathBuf]) -> Result<(), Failure> {
        let files = request_files(requests)?;
        let now = Instant::now();
        for (path, volume) in &mut self.served {
            if !volume.is_gone && !files.contains_key(path) {
                (volume.is_gone, volume.seen, volume.due_at) = (true, None, Some(now));
            }
        }
        for (path, fingerprint) in files {
            let volume = self.served.entry(path).or_default();
            volume.is_gone = false;
            if volume.seen != Some(fingerprint) {
                (volume.seen, volume.due_at) = (Some(fingerprint), Some(now));
            }
        }
        Ok(())
    }

    /// Volumes that hang do not keep others from their credentials.
    fn begin_what_is_due(&mut self) {
        let now = Instant::now();
        for (path, volume) in &mut self.served {
            if volume.is_busy || volume.due_at.is_none_or(|at| at > now) {
                continue;
            }
            volume.due_at = None;
            let (provider, target, path) =
                (self.provider.clone(), self.target.clone(), path.clone());
            if volume.is_gone {
                let held = volume.held.clone();
                volume.is_busy = true;
                self.work.spawn(async move {
                    let result = cleanup(&provider, &target, &held).await.map(|()| None);
                    let volume_id = held.first().map(|held| held.volume_id.clone());
                    Ended { path, volume_id, result, left: None }
                });
                continue;
            }
            let (context, unpublish) = match read(&provider, &target, &path) {
                Ok(read) => read,
                Err(error) => {
                    let held = volume.held.first().map(|held| held.volume_id.as_str());
                    report_error(&error, &path, held);
                    volume.due_at = Some(now + RETRY);
                    continue;
                }
            };
            let others: Vec<_> =
                volume.held.iter().filter(|held| **held != unpublish).cloned().collect();
            if others.len() == volume.held.len() {
                volume.held.push(unpublish.clone());
            }
            volume.is_busy = true;
            self.work.spawn(async move {
                let result = publish(&provider, &target, &context, &others).await;
                Ended {
                    path,
                    volume_id: Some(unpublish.volume_id.clone()),
                    result: result.map(|provided| Some(Box::new(provided))),
                    left: Some(unpublish),
                }
            });
        }
        self.served
            .retain(|_, volume| !volume.is_gone || volume.is_busy || !volume.held.is_empty());
    }

    fn ended(&mut self, ended: Result<Ended, JoinError>) {
        let Ended { path, volume_id, result, left } = match ended {
            Ok(ended) => ended,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => return,
            },
        };
        let Some(volume) = self.served.get_mut(&path) else { return };
        volume.is_busy = false;
        match result {
            Ok(provided) => {
                volume.held = left.into_iter().collect();
                if let Some(provided) = provided {
                    let object = ProvidedObject::new(&provided, self.reveal);
                    output::print_json(&OfRequest::new(&path, volume_id.as_deref(), object));
                }
            }
            Err(error) => {
                report_error(&error, &path, volume_id.as_deref());
                // A file that has changed meanwhile is due already.
                volume.due_at.get_or_insert(Instant::now() + RETRY);
            }
        }
    }

    /// Ends what is under way, and cleans up what may be published: all of it, to fail with the
    /// first failure.
    async fn end(mut self, keep: bool) -> Result<(), ProvideError> {
        self.work.shutdown().await;
        let mut result = Ok(());
        for volume in self.served.into_values().filter(|_| !keep) {
            let cleaned = cleanup(&self.provider, &self.target, &volume.held).await;
            result = result.and(cleaned);
        }
        result
    }
}

fn read(
    provider: &Provider,
    target: &MountTarget,
    path: &Path,
) -> Result<(ProvideContext, UnpublishRequest), ProvideError> {
    let request: PublishRequest = request::read(path)?;
    let unpublish = UnpublishRequest::new(&request.volume_id, &request.target_path);
    Ok((provider.context(request, target.clone())?, unpublish))
}

/// What the file no longer names goes first.
async fn publish(
    provider: &Provider,
    target: &MountTarget,
    context: &ProvideContext,
    others: &[UnpublishRequest],
) -> Result<Provided, ProvideError> {
    cleanup(provider, target, others).await?;
    provider.provide(context).await
}

async fn cleanup(
    provider: &Provider,
    target: &MountTarget,
    held: &[UnpublishRequest],
) -> Result<(), ProvideError> {
    let pod = target.mountpoint_pod_uid.as_deref();
    let mut result = Ok(());
    for unpublish in held {
        let context = CleanupContext::from_unpublish_request(unpublish, &target.write_path, pod)?;
        result = result.and(provider.cleanup(&context).await.map(drop));
    }
    result
}

/// Refuses a missing file: a request with a misspelt name would be waited for without end.
fn must_exist(path: &Path) -> Result<(), Failure> {
    fs::metadata(path).map(drop).map_err(|error| {
        let path = path.display();
        Failure::new(
            ErrorKind::InvalidRequest,
            format!("the request {path} cannot be read: {error}"),
        )
        .with_help("let --request name a file or a folder that is there at the start")
    })
}

/// The request files that there are: each that was named, and each `*.json` of a folder that was
/// named.
fn request_files(requests: &[PathBuf]) -> Result<BTreeMap<PathBuf, Fingerprint>, Failure> {
    let mut files = BTreeMap::new();
    for path in requests {
        if path.is_dir() {
            let unreadable = |error| {
                Failure::new(
                    ErrorKind::InvalidRequest,
                    format!("the folder {} cannot be read: {error}", path.display()),
                )
            };
            for entry in fs::read_dir(path).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                if path.extension().is_some_and(|end| end == "json") {
                    files.extend(with_fingerprint(path));
                }
            }
        } else {
            files.extend(with_fingerprint(path.clone()));
        }
    }
    Ok(files)
}

fn with_fingerprint(path: PathBuf) -> Option<(PathBuf, Fingerprint)> {
    let data = fs::metadata(&path).ok()?;
    Some((path, (data.ino(), data.ctime(), data.ctime_nsec(), data.len())))
}

/// An object of the output, with the request file and the volume that it is about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfRequest<'a, T> {
    request: Cow<'a, str>,
    volume_id: Option<&'a str>,
    #[serde(flatten)]
    object: T,
}

impl<'a, T> OfRequest<'a, T> {
    fn new(path: &'a Path, volume_id: Option<&'a str>, object: T) -> Self {
        Self { request: path.to_string_lossy(), volume_id, object }
    }
}

fn report_error(error: &ProvideError, path: &Path, volume_id: Option<&str>) {
    output::print_json(&OfRequest::new(path, volume_id, ErrorObject::new(error)));
    let volume = volume_id.map(|id| format!(" of volume {id}")).unwrap_or_default();
    report_line_about(&format!("request {}{volume}: ", path.display()), error);
}

/// Logs the events of leases between publishes.
fn log_event(event: Result<Event, RecvError>) {
    match event {
        Ok(event) => tracing::info!(?event, "lease"),
        Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "events were missed"),
        Err(RecvError::Closed) => {}
    }
}
