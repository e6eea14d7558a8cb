//! Mount flags of a volume as Mountpoint's arguments, as the Go driver maps them.

use std::collections::BTreeMap;

use crate::error::CallError;

/// Options that the service owns, with what to do instead.
const REFUSED: &[(&str, &str)] = &[
    ("-o", "use Mountpoint's own options, one for each mount flag"),
    ("--ca-bundle", "set AWS_CA_BUNDLE for the node service"),
    ("--foreground", "leave it out: Mountpoint runs in the foreground"),
    ("-f", "leave it out: Mountpoint runs in the foreground"),
    ("--profile", "use the volume attribute `authenticationSource`"),
    ("--log-directory", "leave it out: Mountpoint logs to the mounter's output"),
    ("-l", "leave it out: Mountpoint logs to the mounter's output"),
    ("--help", "leave it out"),
    ("-h", "leave it out"),
    ("-V", "leave it out"),
    ("--version", "leave it out"),
];

/// Whom Mountpoint answers. The kernel asks for all users; without an option Mountpoint answers its
/// own user alone.
const ALLOW_OTHER: &str = "--allow-other";
const ALLOW_ROOT: &str = "--allow-root";

/// An option of mount(2), which Mountpoint refuses where it is given a descriptor.
const AUTO_UNMOUNT: &str = "--auto-unmount";

/// Modes of a volume that belongs to the workload's group (`fsGroup`).
const GROUP_MODES: [(&str, &str); 2] = [("--dir-mode", "770"), ("--file-mode", "660")];

/// Mountpoint's arguments without the bucket and the descriptor, and what the kernel enforces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MountpointArguments {
    options: BTreeMap<String, Option<String>>,
    /// Whether the kernel refuses every write.
    pub read_only: bool,
    /// `--aws-max-attempts`, which is a variable where Mountpoint reads it.
    pub max_attempts: Option<String>,
    is_for_root: bool,
    is_for_all: bool,
}

impl MountpointArguments {
    /// Maps mount flags. Of a repeated option the last one counts.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for an option that the service owns, named, with what to do, and for
    /// control characters.
    pub fn parse<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Self, CallError> {
        let mut arguments = Self::default();
        for flag in flags {
            let Some((name, value)) = parse_flag(flag) else { continue };
            if name
                .chars()
                .chain(value.iter().flat_map(|value| value.chars()))
                .any(char::is_control)
            {
                return Err(CallError::invalid("a mount flag holds control characters"));
            }
            if let Some((_, help)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
                return Err(CallError::invalid(format!(
                    "the mount option `{name}` is not allowed; {help}"
                )));
            }
            match name.as_str() {
                "--aws-max-attempts" => arguments.max_attempts = value,
                "--read-only" => arguments.read_only = true,
                ALLOW_ROOT => arguments.is_for_root = true,
                ALLOW_OTHER => arguments.is_for_all = true,
                AUTO_UNMOUNT => {}
                "--user-agent-prefix" => {
                    tracing::warn!(
                        "the mount option `--user-agent-prefix` is replaced by the service's own"
                    );
                }
                _ => {
                    arguments.options.insert(name, value);
                }
            }
        }
        Ok(arguments)
    }

    /// Gives the volume's files to the workload's group, but for what the volume says itself.
    pub fn set_group(&mut self, group: &str) {
        self.set_absent("--gid", group);
        for (name, mode) in GROUP_MODES {
            self.set_absent(name, mode);
        }
    }

    /// Returns the option for whom Mountpoint answers: all users, unless the volume asks for root
    /// alone.
    pub fn allow(&self) -> &'static str {
        if self.is_for_root && !self.is_for_all { ALLOW_ROOT } else { ALLOW_OTHER }
    }

    /// Sets an option unless the volume has it.
    pub fn set_absent(&mut self, name: &str, value: &str) {
        self.options.entry(name.to_owned()).or_insert_with(|| Some(value.to_owned()));
    }

    /// Returns the arguments as words.
    pub fn words(&self) -> Vec<String> {
        self.options
            .iter()
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            })
            .collect()
    }
}

/// `region us-east-1`, `region=us-east-1` and `--region us-east-1` are the same option.
fn parse_flag(flag: &str) -> Option<(String, Option<String>)> {
    let flag = flag.trim();
    let (name, value) = match flag.split_once(['=', ' ', '\t']) {
        Some((name, value)) => (name.trim(), Some(value.trim().to_owned())),
        None => (flag, None),
    };
    let bare = name.trim_start_matches('-');
    if bare.is_empty() {
        return None;
    }
    let name = if bare.len() == 1 { format!("-{bare}") } else { format!("--{bare}") };
    Some((name, value.filter(|value| !value.is_empty())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a failed expectation stops the test")]

    use super::*;

    #[test]
    fn flags_become_words_and_what_the_kernel_enforces() {
        let flags =
            ["region us-east-1", "--prefix=a=b/", "allow-delete", "read-only", "--allow-other"];
        let mut arguments =
            MountpointArguments::parse(flags.into_iter().chain(["aws-max-attempts 5", ""]))
                .unwrap();
        arguments.set_group("2000");
        assert!(arguments.read_only);
        assert_eq!(arguments.max_attempts.as_deref(), Some("5"));
        assert_eq!(
            arguments.words(),
            [
                "--allow-delete",
                "--dir-mode=770",
                "--file-mode=660",
                "--gid=2000",
                "--prefix=a=b/",
                "--region=us-east-1"
            ]
        );
    }

    #[test]
    fn every_user_is_answered_unless_root_alone_is_asked_for() {
        for (flags, word) in [
            (&[][..], "--allow-other"),
            (&["allow-root"], "--allow-root"),
            (&["allow-root", "--allow-other"], "--allow-other"),
        ] {
            let arguments = MountpointArguments::parse(flags.iter().copied()).unwrap();
            assert_eq!(arguments.allow(), word);
            assert!(arguments.words().is_empty());
        }
    }

    #[test]
    fn what_the_service_owns_is_refused_by_name() {
        for flag in ["-o allow_other", "--foreground", "f", "profile x", "--ca-bundle=/x"] {
            let error = MountpointArguments::parse([flag]).unwrap_err();
            assert_eq!(error.code, tonic::Code::InvalidArgument, "{flag}");
            let name = flag.trim_start_matches('-').split(['=', ' ']).next().unwrap();
            assert!(error.message.contains(name), "{}", error.message);
        }
    }

    #[test]
    fn the_volumes_own_group_and_modes_go_first() {
        let mut arguments = MountpointArguments::parse(["gid 7", "dir-mode 755"]).unwrap();
        arguments.set_group("2000");
        assert_eq!(arguments.words(), ["--dir-mode=755", "--file-mode=660", "--gid=7"]);
    }
}
