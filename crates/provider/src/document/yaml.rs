//! From the text of a file to the tree.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{DuplicateKeyPolicy, Error, MergeKeyPolicy, Spanned, UserMessageFormatter};

use crate::document::diagnostic::Diagnostic;
use crate::document::tree::{Key, Node, Span, Value};

impl Node {
    /// Parses YAML, of which JSON is a subset. An empty text is an empty mapping.
    pub(crate) fn parse(text: &str) -> Result<Self, Diagnostic> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_documents: 2 },
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            merge_keys: MergeKeyPolicy::Error,
            non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        };
        let parsed: Spanned<Value> = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| unreadable(&error))?;
        let node = Self::from(parsed);
        Ok(match node.value {
            Value::Null => Self::empty(),
            _ => node,
        })
    }
}

fn unreadable(error: &Error) -> Diagnostic {
    let span = error.location().map_or(Span::START, span);
    if let Error::MultipleDocuments { .. } = error.without_snippet() {
        return Diagnostic::at(span, "a second document begins here: a configuration is one");
    }
    let message = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    // It is said where in our own way.
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
    Diagnostic::at(span, format!("this is not YAML: {message}"))
}

fn span(location: serde_saphyr::Location) -> Span {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).max(1);
    Span {
        line: number(location.line()),
        column: number(location.column()),
        len: number(location.span().len()),
    }
}

impl From<Spanned<Value>> for Node {
    /// A value that stands behind an alias is where the alias is: there it counts.
    fn from(spanned: Spanned<Value>) -> Self {
        Self { span: span(spanned.referenced), value: spanned.value }
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
            let key = Key { span: span(key.referenced), name: key.value };
            entries.push((key, node.into()));
        }
        Ok(Value::Mapping(entries))
    }
}
