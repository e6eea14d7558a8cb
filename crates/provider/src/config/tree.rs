//! The file as a tree in which every key and value knows its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, Spanned, UserMessageFormatter};

use crate::config::problem::{Finding, key_path};

/// Where something stands: line and column from 1, the length in characters (1 at least) on that line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) len: usize,
}

impl Place {
    pub(crate) const START: Self = Self { line: 1, column: 1, len: 1 };
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

/// The key of a mapping and its place. A repeated key is there as often as in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) place: Place,
    pub(crate) name: String,
}

impl Node {
    /// Parses YAML, of which JSON is a subset. Nothing at all is an empty mapping.
    pub(crate) fn parse(text: &str) -> Result<Self, Finding> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_documents: 1 },
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            merge_keys: MergeKeyPolicy::Error,
            non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        };
        let parsed: Spanned<Value> = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| unreadable(&error))?;
        let node = Self::from(parsed);
        Ok(match node.value {
            Value::Null => Self { place: Place::START, value: Value::Mapping(Vec::new()) },
            _ => node,
        })
    }

    /// The entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name.name == key).map(|(_, node)| node)
    }

    /// Whether a key has a value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some_and(|node| node.value != Value::Null)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What a person calls this kind of value.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// The same mapping without these keys.
    pub(crate) fn without(&self, keys: &[&str]) -> Self {
        let entries = self.entries().iter().filter(|(key, _)| !keys.contains(&key.name.as_str()));
        Self { place: self.place, value: Value::Mapping(entries.cloned().collect()) }
    }

    /// The same tree without the values of which something is wrong, each with the whole list that it is in.
    pub(crate) fn pruned(&self, path: &str, wrong: &[String]) -> Self {
        let Value::Mapping(entries) = &self.value else {
            return self.clone();
        };
        let sound = entries.iter().filter_map(|(key, node)| {
            let path = key_path(path, &key.name);
            let is_wrong = |wrong: &String| {
                wrong
                    .strip_prefix(&path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
            };
            (!wrong.iter().any(is_wrong)).then(|| (key.clone(), node.pruned(&path, wrong)))
        });
        Self { place: self.place, value: Value::Mapping(sound.collect()) }
    }

    /// The places of all values that are neither list nor mapping.
    pub(crate) fn scalars(&self) -> Vec<Place> {
        let nested =
            |nodes: &mut dyn Iterator<Item = &Self>| nodes.flat_map(Self::scalars).collect();
        match &self.value {
            Value::Sequence(items) => nested(&mut items.iter()),
            Value::Mapping(entries) => nested(&mut entries.iter().map(|(_, node)| node)),
            _ => vec![self.place],
        }
    }
}

fn unreadable(error: &serde_saphyr::Error) -> Finding {
    let place = error.location().map_or(Place::START, place);
    let message = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    // It is said where in our own way.
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
    Finding::at(place, format!("this is not YAML: {message}"))
}

fn place(location: serde_saphyr::Location) -> Place {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).max(1);
    Place {
        line: number(location.line()),
        column: number(location.column()),
        len: number(location.span().len()),
    }
}

impl From<Spanned<Value>> for Node {
    /// A value that stands behind an alias is where the alias is: there it counts.
    fn from(spanned: Spanned<Value>) -> Self {
        Self { place: place(spanned.referenced), value: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Value>>()? {
            items.push(item.into());
        }
        Ok(Value::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = access.next_entry::<Spanned<String>, Spanned<Value>>()? {
            let key = Key { place: place(key.referenced), name: key.value };
            entries.push((key, node.into()));
        }
        Ok(Value::Mapping(entries))
    }
}
