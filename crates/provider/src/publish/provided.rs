//! What `provide` gives back: all that Mountpoint is started with, and how it was decided.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use s3_credential_core::{
    Attempt, AuthenticationLevel, Delivery, EnvironmentValue, ProvideContext, ResolvedRegion,
    Warning,
};

use crate::identity::Identity;
use crate::lease::{LeaseKey, LeaseRecord};
use crate::resolve::{Resolved, Selected};

/// A volume's credentials, delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provided {
    /// Whose credentials they are.
    pub level: AuthenticationLevel,
    /// The source, form and role.
    pub identity: Identity,
    /// How they were delivered.
    pub delivery: Delivery,
    /// The region, where one is known.
    pub region: Option<ResolvedRegion>,
    /// The environment to start Mountpoint with, without any other `AWS_*` variable.
    pub environment: BTreeMap<String, EnvironmentValue>,
    /// The files that the environment names, as Mountpoint sees them.
    pub files: Vec<ProvidedFile>,
    /// When what was delivered ends.
    pub expires_at: Option<Timestamp>,
    /// When it is due for renewal.
    pub refresh_at: Option<Timestamp>,
    /// How each source of the chain fared.
    pub attempts: Vec<Attempt>,
    /// How each region resolver fared.
    pub region_attempts: Vec<Attempt>,
    /// On a live lease: the chain would now choose another identity, which the running Mountpoint
    /// could not see. Only the old identity was refreshed.
    pub identity_changed: bool,
    /// What of the volume's definition or the driver's set-up works, and is perhaps not meant.
    pub warnings: Vec<Warning>,
}

/// A file that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvidedFile {
    /// Its path as Mountpoint sees it.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

/// What `cleanup` did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CleanupReport {
    /// The paths that are gone, under the write path.
    pub removed: Vec<PathBuf>,
    /// How many target paths still hold the lease; its files stay until there is none.
    pub remaining_holders: usize,
}

impl Resolved {
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
            files: provided_files(record, &key.env_directory(context)),
            expires_at: record.expires_at,
            refresh_at: record.refresh_at,
            attempts: self.attempts,
            region_attempts: self.region_attempts,
            identity_changed: false,
            warnings: self.warnings,
        }
    }
}

/// Returns what an unchanged live lease was provided with, when the chain would choose another
/// identity.
pub(crate) fn kept(
    record: &LeaseRecord,
    context: &ProvideContext,
    key: &LeaseKey,
    other: Selected,
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
        files: provided_files(record, &key.env_directory(context)),
        expires_at: record.expires_at,
        refresh_at: record.refresh_at,
        attempts: other.attempts,
        region_attempts: other.region.attempts,
        identity_changed: true,
        warnings: context.warnings().to_vec(),
    }
}

pub(crate) fn provided_files(record: &LeaseRecord, directory: &Path) -> Vec<ProvidedFile> {
    let files = record.files.iter();
    files.map(|file| ProvidedFile { path: directory.join(&file.name), mode: file.mode }).collect()
}
