//! Metrics of the engine: counted where things happen, read where they are exported.
//!
//! There is no global registry. [`Provider::metrics`] returns all families with their samples of
//! this instant; an exporter writes them in its own format. Labels are levels, sources, outcomes
//! and kinds: never a volume, a pod, a role or a secret.

mod family;
mod instruments;
mod leases;

use std::time::Duration;

use s3_credential_core::{AuthenticationLevel, ErrorKind, Failure, FormKind, Outcome};

use crate::error::ProvideError;
use crate::provider::Provider;
use crate::publish::Provided;
use crate::rotation::Event;

pub use family::{MetricFamily, MetricKind, MetricSample, MetricValue};
pub use instruments::{Counter, Histogram};

/// The bounds of the buckets of latencies of AWS calls, in seconds.
const EXCHANGE_BOUNDS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The value of the label `source` where no source is involved, and of `outcome` for a success.
const NONE: &str = "none";
const SUCCESS: &str = "success";

/// What one provider counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    provides: Counter<3>,
    exchanges: Histogram<2>,
    caches: Counter<2>,
    refreshes: Counter<2>,
    identity_changes: Counter<0>,
    adoptions: Counter<0>,
    sweeps: Counter<0>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            provides: Counter::new(["level", "source", "outcome"]),
            exchanges: Histogram::new(["form", "outcome"], EXCHANGE_BOUNDS),
            caches: Counter::new(["cache", "result"]),
            refreshes: Counter::new(["source", "outcome"]),
            identity_changes: Counter::zero(),
            adoptions: Counter::zero(),
            sweeps: Counter::zero(),
        }
    }
}

/// A cache whose hits are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cache {
    /// Keys that were exchanged for the same token and policy.
    Exchange,
    /// A republish without a change.
    Republish,
}

impl Metrics {
    pub(crate) fn provided(
        &self,
        level: AuthenticationLevel,
        result: &Result<Provided, ProvideError>,
    ) {
        let (source, outcome) = match result {
            Ok(provided) => (provided.identity.source.as_deref(), SUCCESS),
            Err(error) => {
                let mut attempts = error.attempts.iter();
                let failed = attempts.find(|attempt| attempt.outcome == Outcome::Failed);
                let provided = || error.attempts.iter().find(|a| a.outcome == Outcome::Provided);
                let source = failed.or_else(provided).map(|attempt| attempt.plugin.as_str());
                (source, error.kind().as_str())
            }
        };
        self.provides.add([level.as_str(), source.unwrap_or(NONE), outcome]);
    }

    pub(crate) fn exchanged(&self, form: FormKind, took: Duration, failure: Option<ErrorKind>) {
        let outcome = failure.map_or(SUCCESS, ErrorKind::as_str);
        self.exchanges.observe([form.as_str(), outcome], took);
    }

    pub(crate) fn looked_up(&self, cache: Cache, is_hit: bool) {
        let cache = match cache {
            Cache::Exchange => "exchange",
            Cache::Republish => "republish",
        };
        self.caches.add([cache, if is_hit { "hit" } else { "miss" }]);
    }

    /// Counts a refresh that is not put off. `None` for a success.
    pub(crate) fn refreshed(&self, source: Option<&str>, failure: Option<&Failure>) {
        let outcome = failure.map_or(SUCCESS, |failure| failure.kind().as_str());
        self.refreshes.add([source.unwrap_or(NONE), outcome]);
    }

    pub(crate) fn happened(&self, event: &Event) {
        match event {
            Event::IdentityChanged { .. } => self.identity_changes.add([]),
            Event::Adopted { .. } => self.adoptions.add([]),
            Event::Swept { .. } => self.sweeps.add([]),
            _ => {}
        }
    }

    fn families(&self) -> Vec<MetricFamily> {
        vec![
            self.provides.family(
                "s3_csi_credential_provides_total",
                "Publishes and republishes by authentication level, source and outcome: success or an error kind.",
            ),
            self.exchanges.family(
                "s3_csi_credential_exchange_duration_seconds",
                "Latency of exchanges for keys (STS, the EKS Pod Identity agent, IMDS) by form and outcome.",
            ),
            self.caches.family(
                "s3_csi_credential_cache_lookups_total",
                "Look-ups of exchanged keys and of unchanged republishes, by result.",
            ),
            self.refreshes.family(
                "s3_csi_credential_refreshes_total",
                "Refreshes between publishes by source and outcome: success or an error kind.",
            ),
            self.identity_changes.family(
                "s3_csi_credential_identity_changes_total",
                "Republishes for which the chain selects another identity than the mounted one.",
            ),
            self.adoptions.family(
                "s3_csi_credential_adoptions_total",
                "Leases of an earlier run that a start resumed.",
            ),
            self.sweeps.family(
                "s3_csi_credential_sweeps_total",
                "Leases of an earlier run that a start removed.",
            ),
        ]
    }
}

impl Provider {
    /// Returns all metrics of this provider, as they are now. Gauges are read from the leases of
    /// this process.
    pub fn metrics(&self) -> Vec<MetricFamily> {
        let mut families = self.resolver.metrics.families();
        families.extend(self.lease_families());
        families.push(self.circuit_breaker_family());
        families.push(self.endpoint_family());
        families
    }
}
