//! From credentials in hand to files and a remembered lease. Who calls holds the lease's lock.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use s3_credential_core::{
    AuthenticationLevel, Delivery, DeliveryPlan, EnvironmentValue, ErrorKind, Failure, PlanRequest,
    PlannedFile, ProvideContext, Secret, Warning, WarningKind, file_names, names,
};
use s3_credential_delivery::{Existing, FileOptions, Stamp, WritePath};

use super::provided::{Provided, kept};
use super::write_ahead::split_older_tokens;
use crate::error::ProvideError;
use crate::lease::Lease;
use crate::lease::LockedEntry;
use crate::lease::{FileRecord, LeaseKey, LeaseRecord, MountState, pod_of_token};
use crate::provider::Provider;
use crate::resolve::{Resolved, Selected};
use crate::rotation::Event;
use crate::settings::due_at;

/// More than any bundle of root certificates has.
const CA_BUNDLE_LIMIT: usize = 4 << 20;

impl Provider {
    /// Refuses what could not be kept fresh. It is for the first publish: of a live lease, any
    /// newer keys are better than the older.
    pub(crate) fn check_life(&self, resolved: &Resolved) -> Result<(), Failure> {
        let (now, expires_at) = (self.resolver.clock.now(), resolved.form.expires_at());
        if resolved.delivery != Delivery::Profile
            || self.settings.rotation.profile_can_carry(now, expires_at)
        {
            return Ok(());
        }
        Err(Failure::new(
            ErrorKind::UnsupportedDelivery,
            "these keys end too soon for a profile file, which a running Mountpoint reads only every 15 minutes",
        )
        .with_help("use the delivery endpoint (mount kind systemd) or delegated, or let the keys last longer"))
    }

    /// Draws the plan of what was resolved.
    pub(crate) fn plan(
        &self,
        context: &ProvideContext,
        key: &LeaseKey,
        resolved: &Resolved,
    ) -> Result<DeliveryPlan, Failure> {
        let grant = match resolved.delivery {
            Delivery::Endpoint => self.endpoint_grant(key)?,
            _ => None,
        };
        DeliveryPlan::draw(&PlanRequest {
            form: &resolved.form,
            delivery: resolved.delivery,
            level: context.level(),
            mount_kind: context.target().kind,
            directory: &key.env_directory(context),
            region: resolved.region.as_ref(),
            consumer: self.settings.consumer,
            driver: &self.environment,
            service_account: context.service_account().ok(),
            ca_bundle: self.ca_bundle(key)?.as_ref(),
            endpoint: grant.as_ref(),
        })
    }

    /// The content of the driver's `AWS_CA_BUNDLE`. A lease keeps the copy that it has while the
    /// file cannot be read.
    fn ca_bundle(&self, key: &LeaseKey) -> Result<Option<Secret>, Failure> {
        let variable = names::AWS_CA_BUNDLE;
        let Some(path) = self.environment.get(variable) else {
            return Ok(None);
        };
        let failure = match s3_credential_files::read(Path::new(path), CA_BUNDLE_LIMIT) {
            Ok(content) => return Ok(Some(content)),
            Err(error) => error.failure(ErrorKind::Misconfigured, variable),
        };
        let copy = self.leases.get(&key.name).and_then(|lease| lease.files).and_then(|files| {
            let copy = files.iter().find(|file| file.name == file_names::CA_BUNDLE)?;
            Some(copy.content.clone())
        });
        match copy {
            Some(copy) => {
                tracing::warn!(%failure, "the copy of the CA bundle is kept");
                Ok(Some(copy))
            }
            None => Err(failure.with_help(format!(
                "let {variable} name a PEM file that the driver can read, or unset it"
            ))),
        }
    }

    /// Writes what was resolved, together with the lease's record. If it fails, what this call
    /// wrote is gone, and what was there before is as it was.
    pub(crate) fn deliver(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        write_path: &WritePath,
        mut resolved: Resolved,
        mount: &MountState,
        intent: Intent,
    ) -> Result<Provided, ProvideError> {
        resolved.warnings.extend(self.delivery_warning(&resolved, mount));
        match self.deliver_over(context, entry, write_path, &resolved, mount, intent) {
            Ok((record, environment)) => {
                Ok(resolved.provided(context, &entry.key, &record, environment))
            }
            Err(failure) => Err(resolved.error(failure)),
        }
    }

    fn deliver_over(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        write_path: &WritePath,
        resolved: &Resolved,
        mount: &MountState,
        intent: Intent,
    ) -> Result<(Arc<LeaseRecord>, BTreeMap<String, EnvironmentValue>), Failure> {
        let key = entry.key.clone();
        let key = &key;
        let plan = self.plan(context, key, resolved)?;
        let old = entry.record();
        let old = old.as_deref();
        let (live, mounted) = (mount.live(), mount.may_be_mounted());
        if live.is_none() {
            self.check_life(resolved)?;
        }
        self.check_same_volume(context, write_path, key, &plan, live, intent)?;
        check_same_kind(context, write_path, key, &plan, mount)?;
        let now = self.resolver.clock.now();
        let is_there = |name: &String| {
            write_path.file_names(&key.directory).is_ok_and(|there| there.contains(name))
        };
        let is_usable = |file: &FileRecord| file.is_valid_at(now) && is_there(&file.name);
        let pod = pod_of_token(context);
        let (files, kept) = split_older_tokens(&plan.files, live, pod.as_deref(), is_usable);
        // The holders of a lease that was never answered, or is gone, do not count.
        let old_holders = old.filter(|old| old.is_live());
        let mut record = self.record(context, key, resolved, &plan, &kept, old_holders);
        if intent == Intent::Publish {
            record.holders.insert(context.target_path().to_owned());
        }

        // The record goes first: whatever a crash leaves under the write path is then known to the
        // journal.
        if let Some(first) = self.write_ahead_record(&record, live, mounted) {
            match entry.write(&first) {
                // A state path that is full stops no renewal: the record of before still knows the
                // directory.
                Err(failure) if live.is_some() => {
                    tracing::warn!(%failure, "the journal cannot record a renewal");
                }
                recorded => recorded?,
            }
        }
        let written = self.write_files(context, write_path, &key.directory, &files, mounted);
        let recorded = written.and_then(|stamp| {
            self.serve_and_record(entry, &record, &plan, resolved, mounted)
                .map(|()| stamp)
                .inspect_err(|_| {
                    if !mounted {
                        self.take_back(write_path, key);
                    }
                })
        });
        let stamp = recorded.inspect_err(|_| {
            if let Err(restoring) = entry.restore() {
                tracing::error!(%restoring, "the journal keeps an entry of a failed provide");
            }
        })?;
        // A file that is newer than the plan's was not looked at.
        let stamp = stamp.filter(|_| kept.is_empty());
        let fingerprint = self.fingerprint(stamp, entry.generation(), resolved, &plan);
        let record = Arc::new(record.without_environment());
        let DeliveryPlan { files, environment, .. } = plan;
        let lease = Lease {
            context: context.clone(),
            due_at: due_at(self.resolver.reading(), record.refresh_at, record.expires_at),
            record: Arc::clone(&record),
            files: Some(files.into()),
            exchange: resolved.exchange.clone(),
            fingerprint,
            failures: 0,
            last_error: None,
            identity_changed: live.is_some() && self.leases.identity_changed(&key.name),
        };
        self.leases.put(&key.name, lease);
        Ok((record, environment))
    }

    fn write_files(
        &self,
        context: &ProvideContext,
        write_path: &WritePath,
        directory: &str,
        files: &[PlannedFile],
        mounted: bool,
    ) -> Result<Option<Stamp>, Failure> {
        if files.is_empty() {
            // No files to deliver: those that an earlier volume may have left are removed all the
            // same.
            return if mounted { Ok(None) } else { write_path.remove(directory).map(|_| None) };
        }
        let existing = if mounted { Existing::Update } else { Existing::Replace };
        write_path
            .apply(directory, files, &self.file_options(context), existing)
            .map(|applied| applied.stamp)
    }

    fn serve_and_record(
        &self,
        entry: &mut LockedEntry,
        record: &LeaseRecord,
        plan: &DeliveryPlan,
        resolved: &Resolved,
        mounted: bool,
    ) -> Result<(), Failure> {
        self.grant(&entry.key.name, plan, &resolved.form)?;
        match entry.write(record) {
            // The files are there, and what the journal says is no worse for a crash than before.
            Err(failure) if mounted => {
                tracing::warn!(%failure, "the journal does not record when a lease is due");
                Ok(())
            }
            recorded => recorded,
        }
    }

    /// Removes what a provide wrote that then failed. Only that failure is reported.
    fn take_back(&self, write_path: &WritePath, key: &LeaseKey) {
        let files = write_path.remove(&key.directory).map(drop);
        if let Err(left) = files.and(self.revoke_grant(&key.name)) {
            tracing::error!(%left, "files of a failed provide are left");
        }
    }

    /// Returns the owner and mode of the volume's files: the owner that the driver names for this
    /// mount, else the configured one.
    fn file_options(&self, context: &ProvideContext) -> FileOptions {
        let files = self.settings.files;
        FileOptions { owner: context.target().owner.or(files.owner), ..files }
    }

    /// A running Mountpoint reads credentials the way it was started, so another delivery waits for
    /// the next mount.
    fn delivery_warning(&self, resolved: &Resolved, mount: &MountState) -> Option<Warning> {
        let wanted = self.settings.delivery.filter(|wanted| *wanted != resolved.delivery)?;
        mount.live()?;
        let message = format!(
            "the mounted volume keeps the delivery {}: {wanted} takes effect with its next mount",
            resolved.delivery
        );
        Some(Warning::new(WarningKind::Delivery, message))
    }

    /// Refuses a second volume of one pod that has the same `volumeHandle`: it would share the
    /// directory of the first, and overwrite its keys.
    fn check_same_volume(
        &self,
        context: &ProvideContext,
        write_path: &WritePath,
        key: &LeaseKey,
        plan: &DeliveryPlan,
        live: Option<&LeaseRecord>,
        intent: Intent,
    ) -> Result<(), Failure> {
        let Some(live) = live.filter(|_| intent == Intent::Publish) else { return Ok(()) };
        if live.holders.contains(context.target_path())
            || context.target().mountpoint_pod_uid.is_some()
        {
            return Ok(());
        }
        let is_same = live.context.bucket() == context.bucket()
            && live.context.mount_options() == context.mount_options()
            && (context.level() != AuthenticationLevel::Secret
                || write_path.has(&key.directory, &plan.files, &self.file_options(context)));
        if is_same {
            return Ok(());
        }
        Err(Failure::new(
            ErrorKind::InvalidRequest,
            "volumeId names a volume that this pod mounts already, with another bucket, other options or other keys",
        )
        .with_help("give each PersistentVolume a `volumeHandle` of its own"))
    }

    /// Notes whether the chain would now choose another identity than the lease has, and emits an
    /// event where that is new.
    pub(crate) fn note_identity_changed(&self, name: &str, record: &LeaseRecord, changed: bool) {
        if !self.leases.set_identity_changed(name, changed) && changed {
            self.emit(Event::IdentityChanged { lease: record.id() });
        }
    }

    /// Keeps a live lease, with one more holder: its source no longer applies, and a running
    /// Mountpoint cannot see another one.
    pub(crate) fn keep(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        live: &LeaseRecord,
        other: Selected,
    ) -> Result<Provided, ProvideError> {
        let mut record = live.clone();
        record.holders.insert(context.target_path().to_owned());
        entry.write(&record)?;
        self.leases.set_record(&entry.key.name, &record);
        self.note_identity_changed(&entry.key.name, &record, true);
        Ok(kept(&record, context, &entry.key, other))
    }
}

/// Refuses, for a mount that the caller knows of and no record describes, files of another kind
/// than it has: a running Mountpoint would not read them.
fn check_same_kind(
    context: &ProvideContext,
    write_path: &WritePath,
    key: &LeaseKey,
    plan: &DeliveryPlan,
    mount: &MountState,
) -> Result<(), Failure> {
    if !matches!(mount, MountState::Unknown) || context.target().mounted != Some(true) {
        return Ok(());
    }
    let there = write_path.file_names(&key.directory)?;
    let mut planned: Vec<&str> = plan.files.iter().map(|file| file.name).collect();
    planned.sort_unstable();
    if there.is_empty() || there == planned {
        return Ok(());
    }
    Err(Failure::new(
        ErrorKind::Unavailable,
        "the record of the mounted volume is lost, and its files are of another kind of credentials than the chain selects now",
    )
    .with_help("restart the pods that use the volume, or restore the source that it was published with"))
}

/// Whether a delivery is for a publish, which adds its target path to the holders, or renews what
/// is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Publish,
    Refresh,
}
