//! From the tree to a type: a serde deserializer whose errors know their place.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use crate::document::diagnostic::Diagnostic;
use crate::document::duration;
use crate::document::tree::{Key, Node, Span, Value};

/// The error of a type about a value, with the value's place. It never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeError {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) span: Option<Span>,
}

impl TreeError {
    /// The innermost place counts.
    fn within(self, span: Span) -> Self {
        Self { span: self.span.or(Some(span)), ..self }
    }

    pub(crate) fn into_diagnostic(self, path: &str) -> Diagnostic {
        Diagnostic::at(self.span.unwrap_or(Span::START), self.message)
            .of(path)
            .suggesting(self.help)
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TreeError {}

impl de::Error for TreeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), help: None, span: None }
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("this is not {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("this is not {expected}"))
    }
}

impl<'de> IntoDeserializer<'de, TreeError> for &'de Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> IntoDeserializer<'de, TreeError> for &'de Key {
    type Deserializer = de::value::BorrowedStrDeserializer<'de, TreeError>;

    fn into_deserializer(self) -> Self::Deserializer {
        de::value::BorrowedStrDeserializer::new(&self.name)
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = TreeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            // Serde's own types refuse 128 bits.
            Value::Integer(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => visitor.visit_u64(value),
                (_, Ok(value)) => visitor.visit_i64(value),
                _ => visitor.visit_i128(*value),
            },
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Sequence(items) => {
                let mut items = SeqDeserializer::new(items.iter());
                visitor.visit_seq(&mut items).and_then(|value| items.end().map(|()| value))
            }
            Value::Mapping(entries) => {
                // A key without a value is as good as none.
                let set = entries.iter().filter(|(_, node)| node.value != Value::Null);
                let mut entries = MapDeserializer::new(set.map(|(key, node)| (key, node)));
                visitor.visit_map(&mut entries).and_then(|value| entries.end().map(|()| value))
            }
        }
        .map_err(|error: TreeError| error.within(self.span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match &self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        visitor.visit_newtype_struct(self).map_err(|error| error.within(self.span))
    }

    /// A unit variant is its name, any other a mapping with one key.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        match &self.value {
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            _ => visitor.visit_enum(de::value::MapAccessDeserializer::new(MapDeserializer::new(
                self.entries().iter().map(|(key, node)| (key, node)),
            ))),
        }
        .map_err(|error: TreeError| error.within(self.span))
    }

    /// A duration is a text here; serde's own form of it is a mapping of seconds and nanoseconds.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        if (name, fields) != ("Duration", &["secs", "nanos"]) {
            return self.deserialize_any(visitor);
        }
        let duration = match &self.value {
            Value::Text(text) => duration::parse(text).map_err(|rejection| rejection.message),
            _ => Err(format!("expected a duration, found {}", self.kind())),
        };
        match duration {
            Ok(duration) => {
                let parts = [duration.as_secs(), u64::from(duration.subsec_nanos())];
                visitor.visit_seq(SeqDeserializer::new(parts.into_iter()))
            }
            Err(message) => Err(de::Error::custom(message)),
        }
        .map_err(|error: TreeError| error.within(self.span))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}
