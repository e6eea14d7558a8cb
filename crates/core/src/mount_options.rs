//! Mountpoint's arguments, as a volume's mount flags carry them.

mod known;
mod parse;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use known::{Known, is_known, known};
use parse::Parsed;

/// The mount flags of a volume, parsed as Mountpoint gets them.
///
/// `region us-east-1`, `region=us-east-1`, `--region us-east-1` and `--region=us-east-1` are the
/// same. One flag may hold several options, separated by white space or commas. Of a repeated
/// option the last one counts.
///
/// ```
/// use s3_credential_core::MountOptions;
///
/// let options = MountOptions::parse(["region us-east-1", "--allow-delete --prefix=a/b/"]);
/// assert_eq!(options.value("region"), Some("us-east-1"));
/// assert_eq!(options.value("prefix"), Some("a/b/"));
/// assert!(options.has("allow-delete") && options.problems().is_empty());
/// assert_eq!(options.arguments(), ["--allow-delete", "--prefix=a/b/", "--region=us-east-1"]);
/// assert_eq!(MountOptions::parse(["red-only"]).problems().len(), 1);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct MountOptions {
    values: BTreeMap<String, String>,
    problems: Vec<MountOptionProblem>,
}

impl MountOptions {
    /// Parses the flags. A flag that is not understood becomes one of [`problems`](Self::problems);
    /// the options that can be recognised in it count all the same.
    pub fn parse<S: AsRef<str>>(flags: impl IntoIterator<Item = S>) -> Self {
        let mut options = Self::default();
        for (index, flag) in flags.into_iter().enumerate() {
            match parse::flag(flag.as_ref()) {
                Parsed::Understood(found) => {
                    for (option, value) in found {
                        options.insert(index, option, value);
                    }
                }
                Parsed::Unclear { reason, found } => {
                    options.problems.push(MountOptionProblem { index, reason });
                    for (option, value) in found {
                        options.values.entry(option.name.to_owned()).or_insert(value);
                    }
                }
            }
        }
        options
    }

    fn insert(&mut self, index: usize, option: &Known, value: String) {
        let earlier = self.values.insert(option.name.to_owned(), value);
        if earlier.is_some_and(|earlier| earlier != self.values[option.name]) {
            let reason = format!("`--{}` is there twice with different values", option.name);
            self.problems.push(MountOptionProblem { index, reason });
        }
    }

    /// Returns the value of an option, by its name without dashes; empty for a switch.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Returns whether the option is there, with a value or without.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Returns the flags that are not understood as options of Mountpoint, in their order.
    pub fn problems(&self) -> &[MountOptionProblem] {
        &self.problems
    }

    /// Returns the options as arguments of `mount-s3`: one word for each, sorted by name.
    pub fn arguments(&self) -> Vec<String> {
        self.values
            .iter()
            .map(|(name, value)| match known(name) {
                Some(Known { takes_value: true, .. }) => format!("--{name}={value}"),
                _ => format!("--{name}"),
            })
            .collect()
    }
}

/// Makes options from the journal, which were parsed when they were recorded.
impl From<BTreeMap<String, String>> for MountOptions {
    fn from(values: BTreeMap<String, String>) -> Self {
        Self { values, problems: Vec::new() }
    }
}

impl From<MountOptions> for BTreeMap<String, String> {
    fn from(options: MountOptions) -> Self {
        options.values
    }
}

/// A mount flag that is not understood. Its text is not repeated, since it may hold anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MountOptionProblem {
    /// The position of the flag in `mountOptions`, from 0.
    pub index: usize,
    /// The problem.
    pub reason: String,
}

impl fmt::Display for MountOptionProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot understand mountOptions[{}]: {}", self.index, self.reason)
    }
}
