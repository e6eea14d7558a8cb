//! Counters and histograms with a fixed set of label names.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::family::{MetricFamily, MetricKind, MetricSample, MetricValue};

/// Values of labels, each with what is counted for it. The values come from small fixed sets, so a
/// search from the front is the fastest, and a known combination does not allocate.
#[derive(Debug)]
struct Table<const N: usize, V>(Mutex<Vec<([String; N], V)>>);

impl<const N: usize, V> Table<N, V> {
    fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn rows(&self) -> MutexGuard<'_, Vec<([String; N], V)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, values: [&str; N], new: impl FnOnce() -> V, change: impl FnOnce(&mut V)) {
        let mut rows = self.rows();
        let found = rows.iter().position(|(known, _)| known.iter().eq(values.iter()));
        let index = found.unwrap_or_else(|| {
            rows.push((values.map(str::to_owned), new()));
            rows.len() - 1
        });
        if let Some((_, value)) = rows.get_mut(index) {
            change(value);
        }
    }

    fn samples(
        &self,
        names: [&'static str; N],
        value: impl Fn(&V) -> MetricValue,
    ) -> Vec<MetricSample> {
        let rows = self.rows();
        let sample = |(values, counted): &([String; N], V)| MetricSample {
            labels: names.into_iter().zip(values.iter().cloned()).collect(),
            value: value(counted),
        };
        rows.iter().map(sample).collect()
    }
}

/// Counts by the values of `N` labels.
#[derive(Debug)]
pub struct Counter<const N: usize> {
    names: [&'static str; N],
    counts: Table<N, u64>,
}

impl<const N: usize> Counter<N> {
    /// Returns a counter without samples.
    pub fn new(names: [&'static str; N]) -> Self {
        Self { names, counts: Table::new() }
    }

    /// Counts one.
    pub fn add(&self, values: [&str; N]) {
        self.counts.change(values, || 0, |count| *count += 1);
    }

    /// Returns the samples as a family.
    pub fn family(&self, name: &'static str, help: &'static str) -> MetricFamily {
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
        let value = |count: &u64| MetricValue::Number(*count as f64);
        let samples = self.counts.samples(self.names, value);
        MetricFamily { name, help, kind: MetricKind::Counter, samples }
    }
}

impl Counter<0> {
    /// Returns a counter without labels, at zero.
    pub fn zero() -> Self {
        let counter = Self::new([]);
        counter.counts.change([], || 0, |_| {});
        counter
    }
}

/// Counts durations by size and by the values of `N` labels.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    names: [&'static str; N],
    bounds: &'static [f64],
    observations: Table<N, Observations>,
}

#[derive(Debug)]
struct Observations {
    counts: Vec<u64>,
    sum: Duration,
}

impl<const N: usize> Histogram<N> {
    /// Returns a histogram with buckets of these upper bounds, in seconds and ascending.
    pub fn new(names: [&'static str; N], bounds: &'static [f64]) -> Self {
        Self { names, bounds, observations: Table::new() }
    }

    /// Counts a duration.
    pub fn observe(&self, values: [&str; N], duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        let new = || Observations { counts: vec![0; self.bounds.len() + 1], sum: Duration::ZERO };
        self.observations.change(values, new, |observed| {
            observed.sum += duration;
            if let Some(count) = observed.counts.get_mut(bucket) {
                *count += 1;
            }
        });
    }

    /// Returns the samples as a family.
    pub fn family(&self, name: &'static str, help: &'static str) -> MetricFamily {
        let value = |observed: &Observations| MetricValue::Buckets {
            bounds: self.bounds,
            counts: observed.counts.clone(),
            sum: observed.sum.as_secs_f64(),
        };
        let samples = self.observations.samples(self.names, value);
        MetricFamily { name, help, kind: MetricKind::Histogram, samples }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a failed expectation stops the test")]

    use super::*;

    fn labels(values: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    #[test]
    fn a_counter_has_one_sample_for_each_combination_of_labels() {
        let counter = Counter::new(["source", "outcome"]);
        for values in [["irsa", "success"], ["irsa", "throttled"], ["irsa", "success"]] {
            counter.add(values);
        }
        let samples = counter.family("a_total", "help").samples;
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[0].labels, labels(&[("source", "irsa"), ("outcome", "success")]));
        assert_eq!(samples[0].value, MetricValue::Number(2.0));
        assert_eq!(Counter::zero().family("b_total", "help").samples.len(), 1);
    }

    #[test]
    fn a_duration_at_a_bound_is_in_the_bucket_below() {
        let histogram = Histogram::new([], &[0.1, 1.0]);
        for milliseconds in [100, 101, 1_000, 5_000] {
            histogram.observe([], Duration::from_millis(milliseconds));
        }
        let family = histogram.family("a_seconds", "help");
        let MetricValue::Buckets { counts, sum, .. } = &family.samples[0].value else {
            unreachable!("a histogram has buckets")
        };
        assert_eq!(counts, &[1, 2, 1]);
        assert!((sum - 6.201).abs() < 1e-9, "{sum}");
    }
}
