//! The tokens of a request, read without a judgement, so that a deviation can be decided by their
//! content.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use s3_credential_core::{POD_IDENTITY_AUDIENCE, STS_AUDIENCE};

use crate::case::Provide;

/// The entry of an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Absent,
    /// Not an object with a text and perhaps an instant.
    Malformed,
    Token {
        text: String,
        expires_at: Option<String>,
    },
}

impl Entry {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Token { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// The entries for STS and for EKS Pod Identity; none where the whole is no JSON.
pub(crate) fn of(provide: &Provide) -> Option<[Entry; 2]> {
    let text = provide.tokens();
    let audiences: Pairs<'_> = serde_json::from_str(&text).ok()?;
    Some([STS_AUDIENCE, POD_IDENTITY_AUDIENCE].map(|audience| {
        let last = audiences.0.iter().rev().find(|(name, _)| name == audience);
        last.map_or(Entry::Absent, |(_, entry)| parse(entry))
    }))
}

fn parse(entry: &RawValue) -> Entry {
    let Ok(fields) = serde_json::from_str::<Pairs<'_>>(entry.get()) else {
        return Entry::Malformed;
    };
    let last = |name: &str| {
        let is_it = |(field, value): &&(String, &RawValue)| {
            field.replace('\u{212a}', "k").eq_ignore_ascii_case(name) && value.get() != "null"
        };
        let (_, value) = fields.0.iter().rev().find(is_it)?;
        serde_json::from_str::<Value>(value.get()).ok()
    };
    match (last("token"), last("expirationTimestamp")) {
        (None, None) => Entry::Token { text: String::new(), expires_at: None },
        (None, Some(Value::String(at))) => {
            Entry::Token { text: String::new(), expires_at: Some(at) }
        }
        (Some(Value::String(text)), None) => Entry::Token { text, expires_at: None },
        (Some(Value::String(text)), Some(Value::String(at))) => {
            Entry::Token { text, expires_at: Some(at) }
        }
        _ => Entry::Malformed,
    }
}

/// An object as written, with repeated names.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs<'de>, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
