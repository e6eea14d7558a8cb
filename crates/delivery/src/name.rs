//! Names of directories and files: ours to choose, so that no input can choose them.

use std::ffi::CStr;
use std::hash::{BuildHasher as _, RandomState};

use ring::digest::{Context, SHA256};
use s3_credential_core::{ErrorKind, Failure};

/// The prefix of every directory's name; other entries under a write path are foreign.
const PREFIX: &str = "s3cred";

/// Between the parts of a name; in none of them.
const SEPARATOR: char = '@';

/// The longest name, in bytes. It leaves room below the file system's 255 for what locks and
/// temporary files add.
pub(crate) const MAX_LEN: usize = 200;

const HASH_LEN: usize = 64;
const TEMPORARY_SUFFIX: &str = ".tmp";

/// The name of the directory of a pod's volume: injective, one path component, at most 200 bytes,
/// whatever the input.
///
/// `s3cred@<volume>` or `s3cred@<pod>@<volume>` where both are short and plain (ASCII letters,
/// digits, `-`, `_` and `.`), else `s3cred@@` and the SHA-256 of both.
///
/// ```
/// use s3_credential_delivery::directory_name;
///
/// assert_eq!(directory_name(Some("4a5d"), "s3-volume"), "s3cred@4a5d@s3-volume");
/// assert_eq!(directory_name(None, "a/b").len(), 72);
/// ```
pub fn directory_name(pod: Option<&str>, volume_id: &str) -> String {
    let readable = match pod {
        Some(pod) => format!("{PREFIX}{SEPARATOR}{pod}{SEPARATOR}{volume_id}"),
        None => format!("{PREFIX}{SEPARATOR}{volume_id}"),
    };
    if readable.len() <= MAX_LEN && pod.is_none_or(is_plain) && is_plain(volume_id) {
        readable
    } else {
        hashed(pod, volume_id)
    }
}

fn is_plain(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !part.is_empty() && part.bytes().all(plain)
}

fn hashed(pod: Option<&str>, volume_id: &str) -> String {
    let mut context = Context::new(&SHA256);
    // The length first: no two pairs are the same bytes.
    match pod {
        Some(pod) => {
            context.update(&[1]);
            context.update(&(pod.len() as u64).to_be_bytes());
            context.update(pod.as_bytes());
        }
        None => context.update(&[0]),
    }
    context.update(volume_id.as_bytes());
    let mut name = format!("{PREFIX}{SEPARATOR}{SEPARATOR}");
    let digits = context.finish();
    let digits = digits.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    name.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
    name
}

/// Returns whether [`directory_name`] gives this name for some pod and volume.
pub(crate) fn is_directory_name(name: &str) -> bool {
    let mut parts = name.split(SEPARATOR);
    if parts.next() != Some(PREFIX) || name.len() > MAX_LEN {
        return false;
    }
    match (parts.next(), parts.next(), parts.next()) {
        (Some(volume_id), None, None) => is_plain(volume_id),
        (Some(""), Some(hash), None) => {
            hash.len() == HASH_LEN
                && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }
        (Some(pod), Some(volume_id), None) => is_plain(pod) && is_plain(volume_id),
        _ => false,
    }
}

/// Refuses what is not one short path component, or would be taken for a file of our own workings.
pub(crate) fn check(name: &str) -> Result<(), Failure> {
    if name.is_empty()
        || name.len() > MAX_LEN
        || name.starts_with('.')
        || name.contains(['/', '\0'])
    {
        return Err(Failure::new(
            ErrorKind::Internal,
            format!("{name:?} is not a name for a file or a directory"),
        ));
    }
    Ok(())
}

/// A new name for the time until the file has its own: unlike any other of any process, and not to
/// be guessed.
pub(crate) fn temporary_for(name: &str) -> String {
    let unique = RandomState::new().hash_one(name);
    format!(".{name}.{unique:016x}{TEMPORARY_SUFFIX}")
}

/// Returns the name that a temporary file was to get.
pub(crate) fn of_temporary(name: &str) -> Option<&str> {
    let (name, unique) =
        name.strip_prefix('.')?.strip_suffix(TEMPORARY_SUFFIX)?.rsplit_once('.')?;
    (unique.len() == 16 && unique.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
}

/// Returns whether an entry is a temporary file.
pub(crate) fn is_temporary(name: &CStr) -> bool {
    name.to_str().is_ok_and(|name| of_temporary(name).is_some())
}
