//! The Prometheus text format, version 0.0.4.

use std::fmt::Write as _;

use s3_credential_provider::{MetricFamily, MetricSample, MetricValue};

/// The media type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns the page. A family without samples has its help and type all the same, so that the page
/// names every metric.
pub(crate) fn exposition(families: &[MetricFamily]) -> String {
    let mut page = String::new();
    for family in families {
        let name = family.name;
        let _ = writeln!(page, "# HELP {name} {}", escaped_help(family.help));
        let _ = writeln!(page, "# TYPE {name} {}", family.kind.as_str());
        for sample in &family.samples {
            write_sample(&mut page, name, sample);
        }
    }
    page
}

fn write_sample(page: &mut String, name: &str, sample: &MetricSample) {
    let labels = &sample.labels;
    match &sample.value {
        MetricValue::Number(number) => {
            let _ = writeln!(page, "{name}{} {number}", labels_of(labels, None));
        }
        MetricValue::Buckets { bounds, counts, sum } => {
            let mut total = 0;
            let bounds = bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
            for (bound, count) in bounds.zip(counts) {
                total += count;
                let labels = labels_of(labels, Some(&bound));
                let _ = writeln!(page, "{name}_bucket{labels} {total}");
            }
            let labels = labels_of(labels, None);
            let _ = writeln!(page, "{name}_sum{labels} {sum}\n{name}_count{labels} {total}");
        }
        _ => {}
    }
}

/// `{a="1",le="0.1"}`; empty without labels.
fn labels_of(labels: &[(&str, String)], bound: Option<&str>) -> String {
    let mut pairs: Vec<_> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    pairs.extend(bound.map(|bound| format!("le=\"{bound}\"")));
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

fn escaped_help(help: &str) -> String {
    help.replace('\\', r"\\").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use s3_credential_provider::{Counter, Histogram};

    use super::*;

    #[test]
    fn a_histogram_is_cumulative_and_ends_with_sum_and_count() {
        let histogram = Histogram::new(["code"], &[0.1, 1.0]);
        for milliseconds in [50, 500, 750, 2_000] {
            histogram.observe(["OK"], Duration::from_millis(milliseconds));
        }
        assert_eq!(
            exposition(&[histogram.family("a_seconds", "How long.")]),
            "# HELP a_seconds How long.\n# TYPE a_seconds histogram\n\
             a_seconds_bucket{code=\"OK\",le=\"0.1\"} 1\n\
             a_seconds_bucket{code=\"OK\",le=\"1\"} 3\n\
             a_seconds_bucket{code=\"OK\",le=\"+Inf\"} 4\n\
             a_seconds_sum{code=\"OK\"} 3.3\na_seconds_count{code=\"OK\"} 4\n"
        );
    }

    #[test]
    fn what_would_end_a_label_is_escaped() {
        let counter = Counter::new(["source"]);
        counter.add(["a\"b\\c\nd"]);
        let page = exposition(&[counter.family("a_total", "x\ny")]);
        assert!(page.contains("# HELP a_total x\\ny\n"), "{page}");
        assert!(page.ends_with("a_total{source=\"a\\\"b\\\\c\\nd\"} 1\n"), "{page}");
    }

    #[test]
    fn a_family_without_samples_has_its_help_and_type() {
        let page = exposition(&[Counter::new(["a"]).family("a_total", "x")]);
        assert_eq!(page, "# HELP a_total x\n# TYPE a_total counter\n");
    }
}
