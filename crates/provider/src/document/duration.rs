//! Durations, as Go and Kubernetes write them: `30s`, `1h30m`, `500ms`.
//!
//! A type that is read from a document has a plain [`Duration`]: the deserializer reads the text,
//! and [`describe`] makes the schema say so.

use std::fmt;
use std::time::Duration;

use jiff::fmt::friendly::{Designator, Spacing, SpanParser, SpanPrinter};
use serde_json::{Value as Json, json};

use crate::document::diagnostic::Rejection;

/// The name of the format in the schema.
pub(crate) const FORMAT: &str = "go-duration";

/// In a schema: the shortest and the longest duration that are allowed, written as in a file.
pub(crate) const SHORTEST: &str = "x-shortest";
pub(crate) const LONGEST: &str = "x-longest";

/// The longest duration of any key, unless its schema sets another one.
pub(crate) const MAX: (&str, Duration) = ("8760h", Duration::from_hours(8760));

const PATTERN: &str = r"^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$";

/// Parses a duration.
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

/// Returns what to write instead of a bare number.
pub(crate) fn unit_missing(number: impl fmt::Display) -> String {
    format!("write `{number}s`, or another unit: ms, s, m, h")
}

/// Makes a schema that `schemars` generated describe durations as texts, at every depth.
pub(crate) fn describe(schema: &mut Json) {
    if let Some(definitions) = schema.get_mut("$defs").and_then(Json::as_object_mut) {
        definitions.remove("Duration");
    }
    replace(schema);
}

fn replace(schema: &mut Json) {
    const REFERENCE: &str = "#/$defs/Duration";
    let is_duration = |schema: &Json| schema["$ref"] == REFERENCE;
    match schema {
        Json::Array(items) => items.iter_mut().for_each(replace),
        Json::Object(_) => {
            let optional =
                schema["anyOf"].as_array().is_some_and(|any| any.iter().any(is_duration));
            if optional || is_duration(schema) {
                schema["type"] = if optional { json!(["string", "null"]) } else { json!("string") };
                schema["format"] = json!(FORMAT);
                schema["pattern"] = json!(PATTERN);
            }
            let default = default_text(&schema["default"]);
            let Some(entries) = schema.as_object_mut() else { return };
            entries.retain(|_, value| !value.is_null());
            if entries.get("format").is_some_and(|format| format == FORMAT) {
                entries.remove("$ref");
                entries.remove("anyOf");
            }
            entries.extend(default.map(|text| ("default".to_owned(), json!(text))));
            entries.values_mut().for_each(replace);
        }
        _ => {}
    }
}

/// Returns the text of a default, if it is a duration.
fn default_text(default: &Json) -> Option<String> {
    const PRINTER: SpanPrinter =
        SpanPrinter::new().spacing(Spacing::None).designator(Designator::Compact);
    let nanos = u32::try_from(default["nanos"].as_u64()?).ok()?;
    let duration = Duration::new(default["secs"].as_u64()?, nanos);
    Some(PRINTER.unsigned_duration_to_string(&duration))
}
