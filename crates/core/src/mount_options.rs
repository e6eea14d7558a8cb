//! Mountpoint's arguments, as a volume's mount flags carry them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The mount flags of a volume, parsed as Mountpoint and the Go driver do.
///
/// `region us-east-1`, `region=us-east-1`, `--region us-east-1` and `--region=us-east-1` are the same. Of a repeated option the
/// last one counts.
///
/// ```
/// use s3_credential_core::MountOptions;
///
/// let options = MountOptions::parse(["region us-east-1", "--prefix=a/b/", "read-only"]);
/// assert_eq!(options.value("region"), Some("us-east-1"));
/// assert_eq!(options.value("prefix"), Some("a/b/"));
/// assert!(options.has("read-only"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountOptions(BTreeMap<String, String>);

impl MountOptions {
    /// Parses the flags; nothing here can fail, since Mountpoint itself judges what an option means.
    pub fn parse<S: AsRef<str>>(flags: impl IntoIterator<Item = S>) -> Self {
        Self(flags.into_iter().filter_map(|flag| parse_flag(flag.as_ref())).collect())
    }

    /// The value of an option, by its name without dashes; empty for a switch.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether the option is there, with a value or without.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

fn parse_flag(flag: &str) -> Option<(String, String)> {
    let flag = flag.trim_matches(' ');
    let (name, value) = flag.split_once('=').or_else(|| flag.split_once(' ')).unwrap_or((flag, ""));
    let name = name.trim_matches(' ').trim_start_matches('-');
    (!name.is_empty()).then(|| (name.to_owned(), value.trim_matches(' ').to_owned()))
}
