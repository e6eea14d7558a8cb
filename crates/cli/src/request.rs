//! The CSI request, from a file or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use s3_credential_core::{ErrorKind, Failure};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// What gRPC lets through by default.
const MAX_LEN: u64 = 4 << 20;

/// Reads a request. The error says where the JSON is wrong and never what stands there, which may be a secret.
pub(crate) fn read<R: DeserializeOwned>(path: &Path) -> Result<R, Failure> {
    let text = read_text(path)?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(
            ErrorKind::InvalidRequest,
            format!(
                "the request is not a CSI request as JSON: wrong at line {}, column {}",
                error.line(),
                error.column()
            ),
        )
    })
}

fn read_text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let unreadable = |error: io::Error| {
        Failure::new(
            ErrorKind::InvalidRequest,
            format!("the request {} cannot be read: {error}", path.display()),
        )
    };
    let mut text = Zeroizing::new(String::new());
    let read = if path == Path::new("-") {
        io::stdin().lock().take(MAX_LEN + 1).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(MAX_LEN + 1).read_to_string(&mut text))
    };
    read.map_err(unreadable)?;
    if text.len() as u64 > MAX_LEN {
        return Err(Failure::new(ErrorKind::InvalidRequest, "the request is larger than 4 MiB"));
    }
    Ok(text)
}
