//! From credentials in hand to files and a remembered lease. Who calls holds the lease's lock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use s3_credential_core::{
    Delivery, DeliveryPlan, EnvironmentValue, ErrorKind, Failure, PlanRequest, PlannedFile,
    ProvideContext, TokenAge,
};
use s3_credential_delivery::{Existing, FileOptions, WritePath};

use crate::error::ProvideError;
use crate::events::Event;
use crate::journal::LockedEntry;
use crate::lease::{FileRecord, LeaseKey, LeaseRecord, Phase, pod_of_token};
use crate::leases::Lease;
use crate::preparation::{Chosen, Prepared};
use crate::provided::{Provided, ProvidedFile};
use crate::provider::Provider;
use crate::settings::due_at;

impl Provider {
    /// Refuses what could not be kept fresh. It is for the first publish: of a live lease, any newer keys are better than the older.
    pub(crate) fn check_life(&self, prepared: &Prepared) -> Result<(), Failure> {
        let (now, expires_at) = (self.wiring.clock.now(), prepared.form.expires_at());
        if prepared.delivery != Delivery::Profile
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

    /// Draws the plan of what was prepared.
    pub(crate) fn plan(
        &self,
        context: &ProvideContext,
        key: &LeaseKey,
        prepared: &Prepared,
    ) -> Result<DeliveryPlan, Failure> {
        let grant = match prepared.delivery {
            Delivery::Endpoint => self.endpoint_grant(key)?,
            _ => None,
        };
        DeliveryPlan::draw(&PlanRequest {
            form: &prepared.form,
            delivery: prepared.delivery,
            level: context.level(),
            mount_kind: context.target().kind,
            directory: &env_directory(context, key),
            region: prepared.region.as_ref(),
            consumer: self.settings.consumer,
            driver: &self.environment,
            service_account: context.service_account().ok(),
            endpoint: grant.as_ref(),
        })
    }

    /// Writes what was prepared, together with the lease's record. If it fails, what this call wrote is gone, and what was there
    /// before is as it was.
    pub(crate) fn deliver(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        write_path: &WritePath,
        prepared: Prepared,
        intent: Intent,
    ) -> Result<Provided, ProvideError> {
        match self.deliver_over(context, entry, write_path, &prepared, intent) {
            Ok((record, environment)) => {
                Ok(prepared.provided(context, &entry.key, &record, environment))
            }
            Err(failure) => Err(prepared.error(failure)),
        }
    }

    fn deliver_over(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        write_path: &WritePath,
        prepared: &Prepared,
        intent: Intent,
    ) -> Result<(Arc<LeaseRecord>, BTreeMap<String, EnvironmentValue>), Failure> {
        let key = entry.key.clone();
        let key = &key;
        let plan = self.plan(context, key, prepared)?;
        let old = entry.record();
        let old = old.as_deref();
        // What a refresh renews is live, whatever was said at the publish.
        let unmounted = intent == Intent::Publish && context.target().mounted == Some(false);
        let live = old.filter(|old| old.is_live() && !unmounted);
        if live.is_none() {
            self.check_life(prepared)?;
        }
        let (files, kept) = split_older_tokens(&plan.files, live, pod_of_token(context).as_deref());
        // Holders of what has never been answered, or is gone, hold nothing.
        let old_holders = old.filter(|old| old.is_live());
        let mut record = self.record(context, key, prepared, &plan, &kept, old_holders);
        if intent == Intent::Publish {
            record.holders.insert(context.target_path().to_owned());
        }

        // The caller may know of a mount that the journal has lost: then nothing that is there is taken away.
        let mounted =
            live.is_some() || context.target().mounted.unwrap_or_else(|| entry.is_unreadable());
        // The record goes first: whatever a crash leaves under the write path is then known to the journal.
        if let Some(first) = self.record_of_intent(&record, live, mounted) {
            entry.write(&first)?;
        }
        let written = match (files.is_empty(), mounted) {
            (true, true) => Ok(None),
            // Nothing to hand over: what an earlier volume may have left there goes all the same.
            (true, false) => write_path.remove(&key.directory).map(|_| None),
            (false, _) => {
                let existing = if mounted { Existing::Update } else { Existing::Replace };
                write_path
                    .apply(&key.directory, &files, &self.file_options(context), existing)
                    .map(|applied| applied.stamp)
            }
        };
        let recorded = written.and_then(|stamp| {
            let served = self.serve_keys(&key.name, &plan, &prepared.form);
            let recorded = served.and_then(|()| match entry.write(&record) {
                // The files are there, and what the journal says is no worse for a crash than before.
                Err(failure) if mounted => {
                    tracing::warn!(%failure, "the journal does not tell when a lease is due");
                    Ok(())
                }
                recorded => recorded,
            });
            if recorded.is_err() && !mounted {
                let files = write_path.remove(&key.directory).map(drop);
                if let Err(left) = files.and(self.serve_no_longer(&key.name)) {
                    tracing::error!(%left, "files of a failed provide are left");
                }
            }
            recorded.map(|()| stamp)
        });
        let stamp = recorded.inspect_err(|_| {
            if let Err(restoring) = entry.restore() {
                tracing::error!(%restoring, "the journal keeps an entry of a failed provide");
            }
        })?;
        // A file that is newer than the plan's was not looked at.
        let stamp = stamp.filter(|_| kept.is_empty());
        let seal = self.seal(stamp, entry.generation(), prepared, &plan);
        let record = Arc::new(record.without_environment());
        let DeliveryPlan { files, environment, .. } = plan;
        let lease = Lease {
            context: context.clone(),
            due_at: due_at(self.wiring.clock.now(), record.refresh_at, record.expires_at),
            record: Arc::clone(&record),
            files: Some(files.into()),
            exchange: prepared.exchange.clone(),
            seal,
            failures: 0,
            last_error: None,
        };
        self.leases.put(&key.name, lease);
        Ok((record, environment))
    }

    /// Whose the volume's files are: whom the driver names for this mount, else the configuration, else the pod's group.
    fn file_options(&self, context: &ProvideContext) -> FileOptions {
        let files = self.settings.files;
        FileOptions {
            owner: context.target().owner.or(files.owner),
            group: context.mount_group().or(files.group),
            ..files
        }
    }

    /// What the journal says while files are written. A crash then leaves a first publish that nobody was answered, or a live lease
    /// of which it is not known which files it has: it is due at once, and ends with the older ones. Of a live lease that ends when
    /// it did the journal tells the truth as it is.
    fn record_of_intent(
        &self,
        record: &LeaseRecord,
        live: Option<&LeaseRecord>,
        mounted: bool,
    ) -> Option<LeaseRecord> {
        match live {
            Some(live) if live.expires_at != record.expires_at => Some(LeaseRecord {
                expires_at: live.expires_at,
                refresh_at: Some(self.wiring.clock.now()),
                ..record.clone()
            }),
            Some(_) => None,
            None if mounted => Some(record.clone()),
            None => Some(LeaseRecord { phase: Phase::Publishing, ..record.clone() }),
        }
    }

    pub(crate) fn record(
        &self,
        context: &ProvideContext,
        key: &LeaseKey,
        prepared: &Prepared,
        plan: &DeliveryPlan,
        kept: &[FileRecord],
        old: Option<&LeaseRecord>,
    ) -> LeaseRecord {
        let mode = self.settings.files.file_mode();
        let files: Vec<FileRecord> = plan
            .files
            .iter()
            .map(|file| {
                kept.iter()
                    .find(|kept| kept.name == file.name)
                    .cloned()
                    .unwrap_or_else(|| FileRecord::of(file, mode, context))
            })
            .collect();
        let age = TokenAge {
            issued_at: files.iter().find_map(|file| file.issued_at),
            expires_at: files
                .iter()
                .filter_map(|file| file.expires_at)
                .min()
                .or(prepared.form.expires_at()),
        };
        let refresh_at = match old {
            // The same credentials are due when they were due.
            Some(old) if old.expires_at == age.expires_at => old.refresh_at,
            _ => self.settings.rotation.refresh_at(plan.delivery, self.wiring.clock.now(), age),
        };
        LeaseRecord {
            write_path: key.write_path.clone(),
            directory: key.directory.clone(),
            context: context.clone(),
            holders: old.map(|old| old.holders.clone()).unwrap_or_default(),
            identity: prepared.identity.clone(),
            delivery: plan.delivery.as_str().to_owned(),
            environment: plain_variables(&plan.environment),
            files,
            expires_at: age.expires_at,
            refresh_at,
            phase: Phase::Live,
        }
    }

    /// Leaves a live lease as it is, but for one more holder: its source no longer applies, and a running Mountpoint cannot see
    /// another one.
    pub(crate) fn keep(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        live: &LeaseRecord,
        other: Chosen,
    ) -> Result<Provided, ProvideError> {
        let mut record = live.clone();
        record.holders.insert(context.target_path().to_owned());
        entry.write(&record)?;
        self.leases.set_record(&entry.key.name, &record);
        self.tell(Event::IdentityChanged { lease: record.id() });
        Ok(kept(&record, context, &entry.key, other))
    }
}

impl Prepared {
    /// What is answered, once it is there.
    pub(crate) fn provided(
        self,
        context: &ProvideContext,
        key: &LeaseKey,
        record: &LeaseRecord,
        environment: BTreeMap<String, EnvironmentValue>,
    ) -> Provided {
        Provided {
            level: context.level(),
            identity: self.identity,
            delivery: record.delivery(),
            region: self.region,
            environment,
            files: provided_files(record, &env_directory(context, key)),
            expires_at: record.expires_at,
            refresh_at: record.refresh_at,
            attempts: self.attempts,
            region_attempts: self.region_attempts,
            identity_changed: false,
        }
    }
}

/// What a live lease that is left as it is was provided with, when the chain would choose another identity.
pub(crate) fn kept(
    record: &LeaseRecord,
    context: &ProvideContext,
    key: &LeaseKey,
    other: Chosen,
) -> Provided {
    let plain = |value: &String| EnvironmentValue::Plain(value.clone());
    Provided {
        level: context.level(),
        identity: record.identity.clone(),
        delivery: record.delivery(),
        region: other.region.result.ok(),
        environment: record
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        files: provided_files(record, &env_directory(context, key)),
        expires_at: record.expires_at,
        refresh_at: record.refresh_at,
        attempts: other.attempts,
        region_attempts: other.region.attempts,
        identity_changed: true,
    }
}

/// Whether a delivery is for a publish, which adds its target path to the holders, or renews what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Publish,
    Refresh,
}

/// The volume's directory, as Mountpoint sees it.
pub(crate) fn env_directory(context: &ProvideContext, key: &LeaseKey) -> PathBuf {
    let target = context.target();
    target.env_path.as_deref().unwrap_or(&target.write_path).join(&key.directory)
}

pub(crate) fn provided_files(record: &LeaseRecord, directory: &Path) -> Vec<ProvidedFile> {
    record
        .files
        .iter()
        .map(|file| ProvidedFile { path: directory.join(&file.name), mode: file.mode })
        .collect()
}

/// What is to be written, and what of a live lease stays because it is newer.
fn split_older_tokens(
    planned: &[PlannedFile],
    live: Option<&LeaseRecord>,
    pod: Option<&str>,
) -> (Vec<PlannedFile>, Vec<FileRecord>) {
    let newer = |file: &PlannedFile| {
        let there = live?.files.iter().find(|there| there.name == file.name)?;
        if there.pod.as_deref() != pod {
            return None;
        }
        file.age?.is_older_than(&there.age()).then(|| there.clone())
    };
    let kept: Vec<FileRecord> = planned.iter().filter_map(newer).collect();
    let files = planned
        .iter()
        .filter(|file| !kept.iter().any(|kept| kept.name == file.name))
        .cloned()
        .collect();
    (files, kept)
}

/// Without the values of key variables: they are secrets, and the journal holds none.
fn plain_variables(environment: &BTreeMap<String, EnvironmentValue>) -> BTreeMap<String, String> {
    environment
        .iter()
        .filter_map(|(name, value)| match value {
            EnvironmentValue::Plain(text) => Some((name.clone(), text.clone())),
            EnvironmentValue::Secret(_) => None,
        })
        .collect()
}
