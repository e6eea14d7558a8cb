//! Checks that every text from outside passes. The message names the field, never the value.

use crate::error::{ErrorKind, Failure};

/// The longest name that a message shows, in characters: that of a Kubernetes object.
const MAX_SHOWN: usize = 253;

/// A name from outside as it may stand in a message: short and on one line.
pub(crate) fn printable(name: &str) -> String {
    name.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect()
}

/// Refuses what no field may hold: empty text, more than `max` bytes, control characters, and bytes
/// that were not Unicode.
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

/// Letters and digits alone, in lower case.
pub(crate) fn simplified(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The known name that this one is meant to be: the same but for case and punctuation, or for up to
/// two letters.
pub(crate) fn near_miss(
    name: &str,
    known: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    // No known name is longer, and the comparison is quadratic.
    if name.len() > 64 {
        return None;
    }
    let simple = simplified(name);
    let allowed = match simple.chars().count() {
        0..=4 => 0,
        5..=7 => 1,
        _ => 2,
    };
    known
        .into_iter()
        .map(|known| (distance(&simple, &simplified(known)), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein distance, in which two letters that changed places count once.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}
