//! The file as a tree in which every key and value knows its place.

use crate::document::diagnostic::key_path;

/// A place in a file: line and column from 1, the length in characters (1 at least) on that line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) len: usize,
}

impl Span {
    pub(crate) const START: Self = Self { line: 1, column: 1, len: 1 };
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
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
    pub(crate) span: Span,
    pub(crate) name: String,
}

impl Node {
    /// The tree of an empty file.
    pub(crate) fn empty() -> Self {
        Self { span: Span::START, value: Value::Mapping(Vec::new()) }
    }

    /// Returns the entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a sequence; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name.name == key).map(|(_, node)| node)
    }

    /// Returns the entries of a mapping, to be changed.
    pub(crate) fn entries_mut(&mut self) -> &mut [(Key, Self)] {
        match &mut self.value {
            Value::Mapping(entries) => entries,
            _ => &mut [],
        }
    }

    /// Returns the value of a key, to be changed.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let mut entries = self.entries_mut().iter_mut();
        entries.find(|(name, _)| name.name == key).map(|(_, node)| node)
    }

    /// Returns whether a key has a value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some_and(|node| node.value != Value::Null)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the name of this kind of value for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// Returns the same mapping with these keys only.
    pub(crate) fn with_only(&self, keys: &[&str]) -> Self {
        let entries = self.entries().iter().filter(|(key, _)| keys.contains(&key.name.as_str()));
        Self { span: self.span, value: Value::Mapping(entries.cloned().collect()) }
    }

    /// Returns the same mapping without these keys.
    pub(crate) fn without(&self, keys: &[&str]) -> Self {
        let entries = self.entries().iter().filter(|(key, _)| !keys.contains(&key.name.as_str()));
        Self { span: self.span, value: Value::Mapping(entries.cloned().collect()) }
    }

    /// Returns the same tree without the values of which something is wrong, each with the whole
    /// list that it is in.
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
        Self { span: self.span, value: Value::Mapping(sound.collect()) }
    }

    /// Returns the places of all values that are neither list nor mapping.
    pub(crate) fn scalars(&self) -> Vec<Span> {
        let nested =
            |nodes: &mut dyn Iterator<Item = &Self>| nodes.flat_map(Self::scalars).collect();
        match &self.value {
            Value::Sequence(items) => nested(&mut items.iter()),
            Value::Mapping(entries) => nested(&mut entries.iter().map(|(_, node)| node)),
            _ => vec![self.span],
        }
    }
}
