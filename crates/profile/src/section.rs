//! One profile of an AWS config or credentials file.
//!
//! The format is that of the SDKs (AWS SDKs and Tools Reference Guide, "Shared config and
//! credentials files"): sections in brackets, a property on each line, and lines with a deeper
//! indentation that continue the property above.

use s3_credential_core::Secret;
use zeroize::Zeroizing;

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Sections are called `[default]` and `[profile NAME]`.
    Config,
    /// Sections are called `[NAME]`.
    Credentials,
}

/// The profile that is used unless another one is named.
pub(crate) const DEFAULT: &str = "default";

/// The lines of one profile in one file.
pub(crate) struct Section<'a> {
    kind: FileKind,
    name: &'a str,
    lines: Vec<&'a str>,
    size: usize,
    /// Whether the file has such a section.
    pub(crate) is_found: bool,
}

impl<'a> Section<'a> {
    /// Finds the profile `name` in the text. A profile that the file has several times is all of
    /// them together.
    pub(crate) fn find(kind: FileKind, text: &'a str, name: &'a str) -> Self {
        // In a config file `[profile default]` goes before `[default]`.
        let prefixed = Self::collect(kind, text, name, |header| match kind {
            FileKind::Config => header
                .strip_prefix("profile")
                .filter(|rest| rest.starts_with([' ', '\t']))
                .is_some_and(|rest| unquoted(rest.trim()) == name),
            FileKind::Credentials => header == name,
        });
        if prefixed.is_found || kind == FileKind::Credentials || name != DEFAULT {
            return prefixed;
        }
        Self::collect(kind, text, name, |header| header == DEFAULT)
    }

    fn collect(
        kind: FileKind,
        text: &'a str,
        name: &'a str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Self {
        let mut section = Self { kind, name, lines: Vec::new(), size: 0, is_found: false };
        let mut is_inside = false;
        for line in text.lines() {
            if let Some(header) = header(line) {
                is_inside = is_wanted(header);
                section.is_found |= is_inside;
            } else if is_inside && !is_blank_or_comment(line) {
                section.lines.push(line.trim_end());
                section.size += line.len() + 1;
            }
        }
        section
    }

    /// Returns the properties, without the lines that continue one.
    fn properties(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.marked().filter(|(_, is_property)| *is_property).map(|(line, _)| {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            (key.trim(), value.trim())
        })
    }

    /// Returns each line, and whether it is a property rather than the continuation of one.
    fn marked(&self) -> impl Iterator<Item = (&'a str, bool)> {
        let mut indentation = usize::MAX;
        self.lines.iter().map(move |line| {
            let depth = line.len() - line.trim_start().len();
            let is_property = depth <= indentation;
            if is_property {
                indentation = depth;
            }
            (*line, is_property)
        })
    }

    /// Returns the value of a property. `None` if it is missing or empty.
    pub(crate) fn get(&self, wanted: &str) -> Option<&'a str> {
        let found =
            |(key, value): (&str, &'a str)| key.eq_ignore_ascii_case(wanted).then_some(value);
        self.properties().filter_map(found).last().filter(|value| !value.is_empty())
    }

    /// Writes the section as a file of its own.
    pub(crate) fn to_file(&self) -> Secret {
        // Of the right size at once, so that no partial copy stays behind.
        let mut text = Zeroizing::new(String::with_capacity(self.name.len() + 16 + self.size));
        text.push('[');
        if self.kind == FileKind::Config && self.name != DEFAULT {
            text.push_str("profile ");
        }
        text.push_str(self.name);
        text.push_str("]\n");
        for (line, is_property) in self.marked() {
            text.push_str(if is_property { line.trim_start() } else { line });
            text.push('\n');
        }
        Secret::new(std::mem::take(&mut *text))
    }
}

/// Returns what is in the brackets of a line that begins a section. A bracket that is not closed
/// ends the section above all the same: what follows belongs to another profile.
fn header(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('[')?;
    Some(rest.split_once(']').map_or("", |(header, _)| header.trim()))
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with(['#', ';'])
}

fn unquoted(name: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| name.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(name)
}
