//! A record in its file: the last whole line. A new one is appended as long as there is room, which
//! is cheaper than a new file.

use rustix::fs::Mode;
use s3_credential_core::{ErrorKind, Failure};

/// The driver's alone. A umask may take away even this, so it is set.
pub(crate) const RECORD_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The longest record, in bytes. A record of ours is about one kilobyte.
pub(crate) const MAX_RECORD_LEN: usize = 1 << 20;

/// The record as a line of its own, whatever is before it.
pub(crate) fn line(record: &[u8]) -> Result<Vec<u8>, Failure> {
    if record.is_empty() || record.contains(&b'\n') {
        return Err(Failure::new(ErrorKind::Internal, "a record is one line"));
    }
    Ok([b"\n", record, b"\n"].concat())
}

/// Returns the last whole line, or the whole content where no line is whole, which is a foreign
/// file then. `None` for an empty file: the holder of its lock is about to write the first record.
pub(crate) fn last_line(mut content: Vec<u8>) -> Option<Vec<u8>> {
    if let Some(end) = last_newline(&content) {
        content.truncate(end);
    }
    while content.last() == Some(&b'\n') {
        content.pop();
    }
    if let Some(start) = last_newline(&content) {
        content.drain(..=start);
    }
    (!content.is_empty()).then_some(content)
}

fn last_newline(content: &[u8]) -> Option<usize> {
    match std::str::from_utf8(content) {
        // Many bytes at a time.
        Ok(text) => text.rfind('\n'),
        Err(_) => content.iter().rposition(|byte| *byte == b'\n'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_line_counts() {
        for (content, expected) in [
            ("", ""),
            ("\na\n", "a"),
            ("\na\n\nbc\n", "bc"),
            ("\na\n\nbc", "a"),
            ("\na\n\n", "a"),
            ("\na\n\n\n\n", "a"),
            ("a foreign file", "a foreign file"),
        ] {
            let last = last_line(content.into()).unwrap_or_default();
            assert_eq!(last, expected.as_bytes(), "{content:?}");
        }
    }
}
