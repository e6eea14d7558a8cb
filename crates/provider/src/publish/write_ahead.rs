//! The journal's record of a delivery: before it, and once the files are there.

use std::collections::BTreeMap;

use s3_credential_core::{DeliveryPlan, EnvironmentValue, PlannedFile, ProvideContext, TokenAge};

use crate::lease::{FileRecord, IdentityReasons, LeaseKey, LeaseRecord, Phase};
use crate::provider::Provider;
use crate::resolve::Resolved;

impl Provider {
    /// Returns the record for the journal while files are written. A crash then leaves an
    /// unanswered first publish, or a live lease that may have the old or the new files: it is due
    /// at once, and expires with the older ones. `None` for a live lease with an unchanged expiry,
    /// whose record stays true.
    pub(crate) fn write_ahead_record(
        &self,
        record: &LeaseRecord,
        live: Option<&LeaseRecord>,
        mounted: bool,
    ) -> Option<LeaseRecord> {
        match live {
            Some(live) if live.expires_at != record.expires_at => Some(LeaseRecord {
                expires_at: live.expires_at,
                refresh_at: Some(self.resolver.clock.now()),
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
        resolved: &Resolved,
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
                .or(resolved.form.expires_at()),
        };
        let refresh_at = match old {
            // The same credentials are due when they were due.
            Some(old) if old.expires_at == age.expires_at => old.refresh_at,
            _ => self.settings.rotation.refresh_at(plan.delivery, self.resolver.clock.now(), age),
        };
        // The identity is that of the publish which decided it, and so are its reasons.
        let reasons = old
            .filter(|old| old.identity == resolved.identity)
            .and_then(|old| old.reasons.clone())
            .unwrap_or_else(|| Box::new(IdentityReasons::new(context, resolved)));
        LeaseRecord {
            write_path: key.write_path.clone(),
            directory: key.directory.clone(),
            context: context.clone(),
            holders: old.map(|old| old.holders.clone()).unwrap_or_default(),
            identity: resolved.identity.clone(),
            delivery: plan.delivery.as_str().into(),
            environment: plain_variables(&plan.environment),
            files,
            expires_at: age.expires_at,
            refresh_at,
            phase: Phase::Live,
            region: resolved.region.as_ref().map(Into::into),
            reasons: Some(reasons),
            last_failure: None,
        }
    }
}

/// Returns what is to be written, and what of a live lease stays because it is newer and still of
/// use.
pub(crate) fn split_older_tokens(
    planned: &[PlannedFile],
    live: Option<&LeaseRecord>,
    pod: Option<&str>,
    is_usable: impl Fn(&FileRecord) -> bool,
) -> (Vec<PlannedFile>, Vec<FileRecord>) {
    let newer = |file: &PlannedFile| {
        let there = live?.files.iter().find(|there| there.name == file.name)?;
        if there.pod.as_deref() != pod {
            return None;
        }
        (file.age?.is_older_than(&there.age()) && is_usable(there)).then(|| there.clone())
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
