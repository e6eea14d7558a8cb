//! The CSI request, from a file or standard input.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::marker::PhantomData;
use std::os::fd::AsFd as _;
use std::path::Path;

use s3_credential_core::{ErrorKind, Failure};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::text::printable;

/// What gRPC lets through by default.
const MAX_LEN: usize = 4 << 20;

/// More than most requests are long.
const FIRST_LEN: usize = 64 << 10;

/// Reads a request. The error says where the JSON is wrong and never what stands there, which may
/// be a secret.
pub(crate) fn read<R: DeserializeOwned>(path: &Path) -> Result<R, Failure> {
    let text = open(path).and_then(read_whole).map_err(|error| {
        let path = path.display();
        invalid(format!("the request {path} cannot be read: {error}"))
    })?;
    if text.len() > MAX_LEN {
        return Err(invalid("the request is larger than 4 MiB".to_owned()));
    }
    serde_json::from_slice(&text).map(|Object(request)| request).map_err(|error| {
        let what = match wrong_field::<R>(&text).filter(|_| error.is_data()) {
            Some(wrong) => format!("{wrong}, "),
            None => "wrong ".to_owned(),
        };
        invalid(format!(
            "the request is not a CSI request as JSON: {what}at line {}, column {}",
            error.line(),
            error.column()
        ))
    })
}

/// The innermost field that has another type than it must have, and the type that it has.
fn wrong_field<R: DeserializeOwned>(text: &[u8]) -> Option<String> {
    let mut path = Vec::new();
    search::<R>(serde_json::from_slice(text).ok()?, &mut path)?;
    (!path.is_empty()).then(|| path.join("."))
}

fn search<R: DeserializeOwned>(value: &RawValue, path: &mut Vec<String>) -> Option<()> {
    if fits::<R>(value, path) {
        return None;
    }
    let empty = |text: &str| RawValue::from_string(text.to_owned()).ok();
    let may_be_object = value.get().starts_with('{') && fits::<R>(&empty("{}")?, path);
    let fields: BTreeMap<String, &RawValue> =
        if may_be_object { serde_json::from_str(value.get()).ok()? } else { BTreeMap::new() };
    for (name, field) in fields {
        path.push(name);
        if search::<R>(field, path).is_some() {
            return Some(());
        }
        path.pop();
    }
    let wrong = match type_of(value) {
        "a list" if fits::<R>(&empty("[]")?, path) => "holds an entry of the wrong type".to_owned(),
        other => format!("is {other}"),
    };
    if let Some(name) = path.last_mut() {
        *name = format!("{} {wrong}", printable(name));
    }
    Some(())
}

/// Whether a request with this one value can be read. Its text is zeroised, since the value may be
/// a secret.
fn fits<R: DeserializeOwned>(value: &RawValue, path: &[String]) -> bool {
    let names: Vec<String> =
        path.iter().map(|name| Json::from(name.as_str()).to_string()).collect();
    let around: usize = names.iter().map(|name| name.len() + 3).sum();
    let mut text = Zeroizing::new(String::with_capacity(value.get().len() + around));
    for name in names {
        text.extend(["{", &name, ":"]);
    }
    text.push_str(value.get());
    text.extend(path.iter().map(|_| '}'));
    serde_json::from_str::<Object<R>>(&text).is_ok()
}

fn type_of(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// What stands in braces. A derived type alone would take a list for one with unnamed fields.
struct Object<R>(R);

impl<'de, R: Deserialize<'de>> Deserialize<'de> for Object<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<R>(PhantomData<R>);

        impl<'de, R: Deserialize<'de>> Visitor<'de> for Fields<R> {
            type Value = Object<R>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
                R::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// Standard input without its buffer, in which a copy would stay.
fn open(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        io::stdin().as_fd().try_clone_to_owned().map(File::from)
    } else {
        File::open(path)
    }
}

/// All of it, or a little more than is allowed. A buffer that is too small is replaced and
/// zeroised: one that grows leaves a copy behind.
fn read_whole(mut file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; FIRST_LEN]);
    let mut filled = 0;
    while filled <= MAX_LEN {
        if filled == bytes.len() {
            let mut larger = Zeroizing::new(vec![0; 4 * filled]);
            larger[..filled].copy_from_slice(&bytes);
            bytes = larger;
        }
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn invalid(message: String) -> Failure {
    Failure::new(ErrorKind::InvalidRequest, message).with_help(
        "let --request name a NodePublishVolumeRequest or NodeUnpublishVolumeRequest as JSON, or be - for standard input",
    )
}
