//! Protobuf bodies: `kubectl` and other Go clients send what they create in it, and read JSON all
//! the same.
//!
//! A body is `k8s\0` and a `runtime.Unknown` message that holds the object. The field numbers are
//! those of the `generated.proto` files of `k8s.io/apimachinery` and `k8s.io/api`. A field that is
//! not in the tables is refused unless it is empty.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

pub(super) const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";

const MAGIC: &[u8] = b"k8s\0";

type Message = &'static [(u64, &'static str, Shape)];

/// The JSON form of a field.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Texts,
    Integer,
    Object(Message),
    TextMap,
    /// Values are bytes, in JSON as base64.
    BytesMap,
    /// A field that the server sets; Go sends it all the same, with empty texts.
    Ours,
}

use Shape::{BytesMap, Integer, Object, Ours, Text, TextMap, Texts};

const UNKNOWN: Message = &[(1, "typeMeta", Object(&[(1, "apiVersion", Text), (2, "kind", Text)]))];
const UNKNOWN_RAW: u64 = 2;

const METADATA: Message = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (11, "labels", TextMap),
    (12, "annotations", TextMap),
];
const BOUND_OBJECT: Message =
    &[(1, "kind", Text), (2, "apiVersion", Text), (3, "name", Text), (4, "uid", Text)];
const TOKEN_REQUEST: Message = &[
    (1, "audiences", Texts),
    (3, "boundObjectRef", Object(BOUND_OBJECT)),
    (4, "expirationSeconds", Integer),
];
const RESOURCE_ATTRIBUTES: Message = &[
    (1, "namespace", Text),
    (2, "verb", Text),
    (3, "group", Text),
    (4, "version", Text),
    (5, "resource", Text),
    (6, "subresource", Text),
    (7, "name", Text),
];
const ACCESS_REVIEW: Message = &[
    (1, "resourceAttributes", Object(RESOURCE_ATTRIBUTES)),
    (2, "nonResourceAttributes", Object(&[(1, "path", Text), (2, "verb", Text)])),
];

const HEAD: (u64, &str, Shape) = (1, "metadata", Object(METADATA));
const STATUS: (u64, &str, Shape) = (3, "status", Ours);

fn message_of(kind: &str) -> Option<Message> {
    Some(match kind {
        "TokenRequest" => &[HEAD, (2, "spec", Object(TOKEN_REQUEST)), STATUS],
        "SelfSubjectAccessReview" => &[HEAD, (2, "spec", Object(ACCESS_REVIEW)), STATUS],
        "SelfSubjectRulesReview" => &[HEAD, (2, "spec", Object(&[(1, "namespace", Text)])), STATUS],
        "SelfSubjectReview" => &[HEAD, (2, "status", Ours)],
        "Namespace" => &[HEAD, STATUS],
        "ServiceAccount" => &[HEAD],
        "Secret" => &[HEAD, (2, "data", BytesMap), (3, "type", Text), (4, "stringData", TextMap)],
        _ => return None,
    })
}

/// The JSON form of a protobuf body, or none for a body or a kind that is not understood.
pub(super) fn decode(body: &[u8]) -> Option<Value> {
    let unknown = body.strip_prefix(MAGIC)?;
    let raw = fields(unknown)?.into_iter().find(|(number, _)| *number == UNKNOWN_RAW);
    let Some((_, Field::Bytes(raw))) = raw else {
        return None;
    };
    let without_raw: Vec<_> =
        fields(unknown)?.into_iter().filter(|(number, _)| *number != UNKNOWN_RAW).collect();
    let type_meta = object(UNKNOWN, without_raw)?;
    let type_meta = type_meta.get("typeMeta")?;
    let mut decoded = object(message_of(type_meta.get("kind")?.as_str()?)?, fields(raw)?)?;
    decoded.extend(type_meta.as_object()?.clone());
    Some(Value::Object(decoded))
}

fn object(message: Message, fields: Vec<(u64, Field<'_>)>) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    for (number, field) in fields {
        match message.iter().find(|(known, _, _)| *known == number) {
            Some((_, name, shape)) => add(&mut object, name, *shape, &field)?,
            None if field.is_empty() => {}
            None => return None,
        }
    }
    Some(object)
}

/// Go sends every field that is no pointer, so an empty text is an absent one.
fn add(object: &mut Map<String, Value>, name: &str, shape: Shape, field: &Field<'_>) -> Option<()> {
    match (shape, field) {
        (Ours, _) => {}
        (_, field) if field.is_empty() => {}
        (Text, Field::Bytes(bytes)) => {
            object.insert(name.to_owned(), text(bytes)?);
        }
        (Integer, Field::Integer(value)) => {
            // Two's complement in 64 bits, whatever the sign.
            object.insert(name.to_owned(), json!(value.cast_signed()));
        }
        (Object(message), Field::Bytes(bytes)) => {
            object.insert(name.to_owned(), Value::Object(self::object(message, fields(bytes)?)?));
        }
        (Texts, Field::Bytes(bytes)) => {
            let list = object.entry(name).or_insert_with(|| json!([]));
            list.as_array_mut()?.push(text(bytes)?);
        }
        (TextMap | BytesMap, Field::Bytes(entry)) => {
            let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
            for (number, field) in fields(entry)? {
                match (number, field) {
                    (1, Field::Bytes(bytes)) => key = bytes,
                    (2, Field::Bytes(bytes)) => value = bytes,
                    _ => return None,
                }
            }
            let value = match shape {
                BytesMap => json!(STANDARD.encode(value)),
                _ => text(value)?,
            };
            let map = object.entry(name).or_insert_with(|| json!({}));
            map.as_object_mut()?.insert(str::from_utf8(key).ok()?.to_owned(), value);
        }
        _ => return None,
    }
    Some(())
}

fn text(bytes: &[u8]) -> Option<Value> {
    str::from_utf8(bytes).ok().map(Value::from)
}

/// A field's content, by the two wire types that these messages use.
enum Field<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
}

impl Field<'_> {
    fn is_empty(&self) -> bool {
        matches!(self, Field::Integer(0) | Field::Bytes([]))
    }
}

fn fields(mut message: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        let value = varint(&mut message)?;
        let field = match tag & 7 {
            0 => Field::Integer(value),
            2 => {
                let (bytes, rest) = message.split_at_checked(usize::try_from(value).ok()?)?;
                message = rest;
                Field::Bytes(bytes)
            }
            _ => return None,
        };
        fields.push((tag >> 3, field));
    }
    Some(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
