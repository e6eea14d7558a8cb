//! `/proc/self/mountinfo` (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use super::MountEntry;

/// Parses the mount table. A line that does not parse is left out: it is not one of ours.
pub fn parse_mountinfo(table: &[u8]) -> Vec<MountEntry> {
    table.split(|byte| *byte == b'\n').filter_map(parse_line).collect()
}

/// `36 35 98:0 / /mount/point rw,noatime master:1 - fuse source rw`
fn parse_line(line: &[u8]) -> Option<MountEntry> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = fields.nth(2)?;
    let path = fields.nth(1)?;
    let mut after_options = fields.skip_while(|field| *field != b"-").skip(1);
    let (file_system, source) = (after_options.next()?, after_options.next()?);
    Some(MountEntry {
        path: PathBuf::from(OsString::from_vec(unescape(path))),
        file_system: String::from_utf8_lossy(file_system).into_owned(),
        source: String::from_utf8_lossy(&unescape(source)).into_owned(),
        device: String::from_utf8_lossy(device).into_owned(),
    })
}

/// Blank, tab, newline and backslash are written as three octal digits.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'\\').then(|| octal(tail.get(..3)?)).flatten();
        plain.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[3..] } else { tail };
    }
    plain
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_blanks_optional_fields_and_broken_lines_are_parsed() {
        let table = b"36 35 98:0 / /a\\040b\\134 rw shared:1 master:2 - fuse mountpoint-s3 rw\n\
            garbage\n\
            37 35 0:44 / /c rw - tmpfs tmpfs rw\n";
        let entries = parse_mountinfo(table);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].path, PathBuf::from("/a b\\"));
        assert_eq!((&*entries[0].file_system, &*entries[0].device), ("fuse", "98:0"));
        assert_eq!(entries[0].source, "mountpoint-s3");
        assert_eq!((&*entries[1].file_system, &*entries[1].device), ("tmpfs", "0:44"));
    }
}
