//! The CSI request, from a file or standard input.

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
use zeroize::Zeroizing;

/// What gRPC lets through by default.
const MAX_LEN: usize = 4 << 20;

/// More than most requests are long.
const FIRST_LEN: usize = 64 << 10;

/// Reads a request. The error says where the JSON is wrong and never what stands there, which may be a secret.
pub(crate) fn read<R: DeserializeOwned>(path: &Path) -> Result<R, Failure> {
    let text = open(path).and_then(read_whole).map_err(|error| {
        let path = path.display();
        invalid(format!("the request {path} cannot be read: {error}"))
    })?;
    if text.len() > MAX_LEN {
        return Err(invalid("the request is larger than 4 MiB".to_owned()));
    }
    serde_json::from_slice(&text).map(|Object(request)| request).map_err(|error| {
        invalid(format!(
            "the request is not a CSI request as JSON: wrong at line {}, column {}",
            error.line(),
            error.column()
        ))
    })
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

/// All of it, or a little more than is allowed. A buffer that is too small is replaced and zeroised: one that grows leaves a copy behind.
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
