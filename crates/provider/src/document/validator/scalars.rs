//! Values that have no others in them.

use serde_json::Value as Json;

use super::{Formats, Schema};
use crate::document::diagnostic::{Diagnostic, Rejection};
use crate::document::duration;
use crate::document::suggestion::{listed, nearest};
use crate::document::tree::{Node, Value};

const DURATION: &str = "a duration";
const NULL: &str = "null";

/// More words than these are listed only where none of them is meant.
const FEW: usize = 5;

/// The only words that there are.
pub(super) fn words(schema: &Schema) -> Option<Vec<&str>> {
    if let Some(word) = schema.get("const") {
        return word.as_str().map(|word| vec![word]);
    }
    schema.get("enum")?.as_array()?.iter().map(Json::as_str).collect()
}

pub(super) fn check_word(node: &Node, words: &[&str], path: &str) -> Vec<Diagnostic> {
    let Some(text) = node.as_text() else {
        return vec![mismatch(node, &["a text"], path)];
    };
    if words.contains(&text) {
        return Vec::new();
    }
    let message = if words.len() > FEW {
        "this is not known here".to_owned()
    } else {
        format!("this is none of {}", listed(words))
    };
    let nearest = nearest(text, words.iter().copied());
    let suggestion = match nearest {
        Some(word) => format!("did you mean `{word}`?"),
        None if words.len() > FEW => format!("known are {}", listed(words)),
        None => String::new(),
    };
    vec![Diagnostic::at(node.span, message).of(path).suggesting(suggestion)]
}

pub(super) fn check_text(
    node: &Node,
    text: &str,
    schema: &Schema,
    formats: Formats,
    path: &str,
) -> Vec<Diagnostic> {
    let rejection = match schema.get("format").and_then(Json::as_str) {
        Some(duration::FORMAT) => duration::parse(text).map(drop),
        Some(format) => formats(format, text),
        None => Ok(()),
    };
    if let Err(Rejection { message, help }) = rejection {
        return vec![Diagnostic::at(node.span, message).of(path).suggesting(help)];
    }
    if let Some(message) = out_of_range(text, schema) {
        return vec![Diagnostic::at(node.span, message).of(path)];
    }
    let characters = text.chars().count() as u64;
    let limit = |key: &str| schema.get(key).and_then(Json::as_u64);
    let message = if limit("minLength").is_some_and(|least| characters < least) {
        if text.is_empty() { "this is empty" } else { "this is too short" }
    } else if limit("maxLength").is_some_and(|most| characters > most) {
        "this is too long"
    } else {
        return Vec::new();
    };
    vec![Diagnostic::at(node.span, message).of(path)]
}

/// Returns what is wrong with the length of a duration.
fn out_of_range(text: &str, schema: &Schema) -> Option<String> {
    if schema.get("format").and_then(Json::as_str) != Some(duration::FORMAT) {
        return None;
    }
    let length = duration::parse(text).ok()?;
    let limit = |key: &str| {
        let text = schema.get(key)?.as_str()?;
        Some((text, duration::parse(text).ok()?))
    };
    let (longest, most) = limit(duration::LONGEST).unwrap_or(duration::MAX);
    match limit(duration::SHORTEST) {
        Some((shortest, least))
            if !(least..=most).contains(&length) && schema.contains_key(duration::LONGEST) =>
        {
            Some(format!("this is not {shortest} to {longest}"))
        }
        Some((shortest, least)) if length < least => {
            Some(format!("this is shorter than {shortest}"))
        }
        _ if length > most => Some(format!("this is longer than {longest}")),
        _ => None,
    }
}

pub(super) fn check_number(
    node: &Node,
    number: i128,
    schema: &Schema,
    path: &str,
) -> Vec<Diagnostic> {
    let limit = |key: &str| {
        let limit = schema.get(key)?;
        limit.as_i64().map(i128::from).or_else(|| limit.as_u64().map(i128::from))
    };
    let (least, most) = (limit("minimum"), limit("maximum"));
    let message = match (least, most) {
        (Some(only), Some(most)) if only == most && number != only => format!("this is not {only}"),
        (Some(least), Some(most)) if !(least..=most).contains(&number) => {
            format!("this is not {least} to {most}")
        }
        (Some(least), _) if number < least => format!("this is less than {least}"),
        (_, Some(most)) if number > most => format!("this is more than {most}"),
        _ => return Vec::new(),
    };
    vec![Diagnostic::at(node.span, message).of(path)]
}

fn types(schema: &Schema) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn is_of_type(node: &Node, schema: &Schema) -> bool {
    let types = types(schema);
    let fits = |name: &&str| match &node.value {
        Value::Null => *name == "null",
        Value::Bool(_) => *name == "boolean",
        Value::Integer(_) => ["integer", "number"].contains(name),
        Value::Float(_) => *name == "number",
        Value::Text(_) => *name == "string",
        Value::Sequence(_) => *name == "array",
        Value::Mapping(_) => *name == "object",
    };
    types.is_empty() || types.iter().any(fits)
}

/// Returns the names of the expected kinds of values for people.
pub(super) fn expected(schema: &Schema) -> Vec<&'static str> {
    let is_duration = schema.get("format").and_then(Json::as_str) == Some(duration::FORMAT);
    let name = |name: &str| match name {
        "string" if is_duration => DURATION,
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a mapping",
        _ => NULL,
    };
    types(schema).into_iter().map(name).collect()
}

pub(super) fn mismatch(node: &Node, expected: &[&'static str], path: &str) -> Diagnostic {
    let mut expected = expected.to_vec();
    expected.retain(|kind| *kind != NULL);
    expected.dedup();
    let suggestion = match (expected.as_slice(), &node.value) {
        ([DURATION], Value::Integer(number)) => {
            let diagnostic = Diagnostic::at(node.span, "a duration needs its unit").of(path);
            return diagnostic.suggesting(duration::unit_missing(number));
        }
        (["a text"], Value::Integer(_) | Value::Float(_) | Value::Bool(_)) => "put it in quotes",
        (["a whole number"], Value::Text(text)) if text.parse::<i64>().is_ok() => {
            "leave the quotes out"
        }
        (["true or false"], Value::Text(_)) => "write `true` or `false`",
        (["a list"], Value::Text(_) | Value::Integer(_)) => "write it in brackets",
        _ => "",
    };
    let message = format!("expected {}, found {}", expected.join(" or "), node.kind());
    Diagnostic::at(node.span, message).of(path).suggesting(suggestion.to_owned())
}
