//! Checks that every text from outside passes. The message names the field, never the value.

use crate::error::{ErrorKind, Failure};

/// The longest name that a message shows, in characters: that of a Kubernetes object.
const MAX_SHOWN: usize = 253;

/// A name from outside as it may stand in a message: short and on one line.
pub(crate) fn printable(name: &str) -> String {
    name.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect()
}

/// Refuses what no field may hold: nothing at all, more than `max` bytes, control characters, and bytes that were not Unicode.
pub(crate) fn check(kind: ErrorKind, field: &str, text: &str, max: usize) -> Result<(), Failure> {
    if text.trim().is_empty() {
        return Err(Failure::new(kind, format!("{field} is empty")));
    }
    if text.len() > max {
        return Err(Failure::new(kind, format!("{field} is longer than {max} bytes")));
    }
    if text.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
        return Err(Failure::new(
            kind,
            format!("{field} holds control characters or bytes that are not UTF-8"),
        ));
    }
    Ok(())
}
