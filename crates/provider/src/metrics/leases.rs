//! Gauges: the leases, the circuit breakers and the endpoint, as they are when they are read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::NONE;
use super::family::{MetricFamily, MetricKind};
use crate::provider::Provider;

/// The states of leases.
const OK: &str = "ok";
const FAILING: &str = "failing";
const EXPIRED: &str = "expired";

impl Provider {
    /// The leases by level, source and state, and the least time to expiry of each source.
    pub(super) fn lease_families(&self) -> [MetricFamily; 2] {
        let now = self.resolver.clock.now();
        let mut counts = BTreeMap::<_, u32>::new();
        let mut expiries = BTreeMap::<String, Timestamp>::new();
        for (record, is_failing) in self.leases.states() {
            let source = record.identity.source.as_deref().unwrap_or(NONE);
            let state = match record.expires_at {
                Some(at) if at <= now => EXPIRED,
                _ if is_failing => FAILING,
                _ => OK,
            };
            let level = record.identity.level.as_str();
            *counts.entry((level, source.to_owned(), state)).or_default() += 1;
            if let Some(at) = record.expires_at {
                let least = expiries.entry(source.to_owned()).or_insert(at);
                *least = (*least).min(at);
            }
        }
        let leases = MetricFamily::new(
            "s3_csi_credential_leases",
            "Leases by authentication level, source and state: ok, failing (the last refresh failed) or expired.",
            MetricKind::Gauge,
        );
        let leases = counts.into_iter().fold(leases, |family, ((level, source, state), count)| {
            let state = ("state", state.to_owned());
            family.with(
                vec![("level", level.to_owned()), ("source", source), state],
                f64::from(count),
            )
        });
        let expiry = MetricFamily::new(
            "s3_csi_credential_expiry_seconds",
            "Time until the first credentials of a source expire. Negative for credentials that have expired.",
            MetricKind::Gauge,
        );
        let expiry = expiries.into_iter().fold(expiry, |family, (source, at)| {
            family.with(vec![("source", source)], at.duration_since(now).as_secs_f64())
        });
        [leases, expiry]
    }

    /// The sources whose service gives no answer.
    pub(super) fn circuit_breaker_family(&self) -> MetricFamily {
        let family = MetricFamily::new(
            "s3_csi_credential_circuit_breakers_open",
            "Sources whose service gave no answer when it was last asked; one lease asks for all of them.",
            MetricKind::Gauge,
        );
        let open = self.circuit_breaker.open_sources();
        open.into_iter().fold(family, |family, source| family.with(vec![("source", source)], 1.0))
    }

    /// The answers of the loopback endpoint.
    pub(super) fn endpoint_family(&self) -> MetricFamily {
        let family = MetricFamily::new(
            "s3_csi_credential_endpoint_answers_total",
            "Answers of the loopback credentials endpoint by HTTP status.",
            MetricKind::Counter,
        );
        self.endpoint_answers().into_iter().fold(family, |family, (status, count)| {
            #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
            let count = count as f64;
            family.with(vec![("status", status.to_string())], count)
        })
    }
}
