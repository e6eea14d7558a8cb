//! Durations, as the file has them: with their unit.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::fmt::friendly::{Designator, Spacing, SpanParser, SpanPrinter};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::document::diagnostic::Rejection;

/// A duration that is written as Go and Kubernetes write it: `30s`, `1h30m`, `500ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Period(pub(crate) Duration);

/// The name of the format in the schema.
pub(crate) const FORMAT: &str = "go-duration";

/// In a schema: the shortest and the longest duration that are allowed, written as in a file.
pub(crate) const SHORTEST: &str = "x-shortest";
pub(crate) const LONGEST: &str = "x-longest";

const PATTERN: &str = r"^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$";

/// The duration of a text.
pub(crate) fn parse(text: &str) -> Result<Duration, Rejection> {
    let refuse = |problem: &str, help: String| Err(Rejection::new(problem, help));
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return refuse("a duration needs its unit", unit_missing(text));
    }
    // Less than what jiff reads: no signs, spaces, days, or words.
    let allowed = |b: u8| b.is_ascii_digit() || b"hms.".contains(&b);
    let parsed = SpanParser::new().parse_unsigned_duration(text).ok();
    match parsed.filter(|_| text.bytes().all(allowed)) {
        Some(Duration::ZERO) => refuse("this is zero", "write a longer time".to_owned()),
        Some(duration) => Ok(duration),
        None => refuse(
            "this is no duration",
            "write numbers with their units, h, m, s or ms, such as `30s` or `1h30m`".to_owned(),
        ),
    }
}

/// What to write in the place of a bare number.
pub(crate) fn unit_missing(number: impl fmt::Display) -> String {
    format!("write `{number}s`, or another unit: ms, s, m, h")
}

impl From<Duration> for Period {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<Period> for Duration {
    fn from(period: Period) -> Self {
        period.0
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PRINTER: SpanPrinter =
            SpanPrinter::new().spacing(Spacing::None).designator(Designator::Compact);
        f.write_str(&PRINTER.unsigned_duration_to_string(&self.0))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        parse(&text).map(Self).map_err(|rejection| D::Error::custom(rejection.message))
    }
}

impl JsonSchema for Period {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": FORMAT, "pattern": PATTERN })
    }
}
