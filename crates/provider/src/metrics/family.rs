//! A metric with its samples, in no format of any monitoring system.

/// A metric, and the samples of all its label values.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MetricFamily {
    /// The name, with its unit.
    pub name: &'static str,
    /// What it measures, in a sentence.
    pub help: &'static str,
    /// How it is read.
    pub kind: MetricKind,
    /// The samples, one for each combination of label values.
    pub samples: Vec<MetricSample>,
}

/// How a metric is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts observations by size.
    Histogram,
}

/// The value of a metric for one combination of label values.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MetricSample {
    /// Names and values of the labels.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: MetricValue,
}

/// The value of a sample.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MetricValue {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram.
    Buckets {
        /// The upper bounds of the buckets, but for the last, which has none.
        bounds: &'static [f64],
        /// The observations of each bucket alone; one more than there are bounds.
        counts: Vec<u64>,
        /// The sum of all observations.
        sum: f64,
    },
}

impl MetricFamily {
    /// Returns a family without samples.
    pub fn new(name: &'static str, help: &'static str, kind: MetricKind) -> Self {
        Self { name, help, kind, samples: Vec::new() }
    }

    /// Adds a number.
    #[must_use]
    pub fn with(mut self, labels: Vec<(&'static str, String)>, number: f64) -> Self {
        self.samples.push(MetricSample { labels, value: MetricValue::Number(number) });
        self
    }
}

impl MetricKind {
    /// The word of the Prometheus text format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}
