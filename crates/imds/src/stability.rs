//! Static stability: keys outlive an IMDS that is down.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{Failure, Keys};

/// By how much keys are extended past their expiry: this, and up to [`EXTENSION_JITTER`] more.
/// Below the 15 minutes that the SDKs agree on as the most (aws-config, `imds/credentials.rs`;
/// botocore, `InstanceMetadataFetcher`).
const EXTENSION: SignedDuration = SignedDuration::from_mins(10);
const EXTENSION_JITTER: SignedDuration = SignedDuration::from_mins(5);

/// The keys that IMDS gave last, with the expiry that it gave.
#[derive(Debug, Default)]
pub(crate) struct LastKeys(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    keys: Option<Keys>,
    extended_until: Option<Timestamp>,
}

impl LastKeys {
    /// Until when the keys that were handed out last are extended past their own expiry.
    pub(crate) fn extended_until(&self) -> Option<Timestamp> {
        self.state().extended_until
    }

    /// Keeps what IMDS gave. Where that is past its expiry, IMDS itself lives on old keys: they are
    /// extended.
    pub(crate) fn renew(&self, keys: Keys, now: Timestamp) -> Keys {
        let mut state = self.state();
        state.keys = Some(keys.clone());
        state.hand_out(now, true).unwrap_or(keys)
    }

    /// Returns the keys to hand out where IMDS gave none: unexpired keys, whatever went wrong.
    /// Expired ones only where IMDS is down, not where it answers that there are none.
    pub(crate) fn outlive(&self, failure: Failure, now: Timestamp) -> Result<Keys, Failure> {
        self.state().hand_out(now, failure.is_retryable()).ok_or(failure)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No update can be half-done here, so a poisoned lock can be used like any other.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hand_out(&mut self, now: Timestamp, may_extend: bool) -> Option<Keys> {
        let keys = self.keys.clone()?;
        self.extended_until = None;
        if keys.expires_at.is_none_or(|at| now < at) {
            return Some(keys);
        }
        if !may_extend {
            return None;
        }
        let jitter = EXTENSION_JITTER.mul_f64(fastrand::f64());
        let until = now.checked_add(EXTENSION + jitter).ok()?;
        // Whole seconds, as an expiry of IMDS has.
        let until = Timestamp::from_second(until.as_second()).unwrap_or(until);
        tracing::warn!(%until, "the instance profile's keys have expired and IMDS has no newer ones: going on with them");
        self.extended_until = Some(until);
        Some(keys.with_expires_at(until))
    }
}
