//! The machine's clock, against those of the services: tokens and signatures are refused by one
//! that is wrong.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::check::{Check, CheckStatus, Verdict};

/// Beyond the error of a measurement over a slow network.
const WORTH_A_WARNING: SignedDuration = SignedDuration::from_secs(30);

/// The largest clock error that AWS allows in signatures.
const TOO_FAR: SignedDuration = SignedDuration::from_mins(5);

/// The offset of a service's clock ahead of this machine's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offset {
    service: &'static str,
    ahead: SignedDuration,
}

impl Offset {
    pub(super) fn new(service: &'static str, theirs: Timestamp, ours: Timestamp) -> Self {
        Self { service, ahead: theirs.duration_since(ours) }
    }
}

/// By the service that differs most.
pub(super) fn check(offsets: &[Option<Offset>]) -> Check {
    let worst = offsets.iter().flatten().max_by_key(|offset| offset.ahead.abs());
    let verdict = match worst {
        None => Verdict::skipped("neither STS nor the Kubernetes API sends the time"),
        Some(Offset { service, ahead }) if ahead.abs() <= WORTH_A_WARNING => {
            Verdict::ok(format!("within {} s of {service}", ahead.abs().as_secs().max(1)))
        }
        Some(Offset { service, ahead }) => {
            let status =
                if ahead.abs() > TOO_FAR { CheckStatus::Failed } else { CheckStatus::Warning };
            let direction = if ahead.is_positive() { "behind" } else { "ahead of" };
            let reason = format!(
                "the clock of this machine is {:#} {direction} that of {service}",
                SignedDuration::from_secs(ahead.abs().as_secs())
            );
            Verdict::new(
                status,
                reason,
                "set the clock by NTP (chrony, systemd-timesyncd): tokens and signatures are refused by clocks that differ",
            )
        }
    };
    verdict.check("clock", Duration::ZERO)
}
