//! The options of Mountpoint 1.24 and of the drivers that start it.

/// An option of Mountpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its long name, without dashes.
    pub(crate) name: &'static str,
    /// Whether a value follows. Otherwise it is a switch.
    pub(crate) takes_value: bool,
}

const fn switch(name: &'static str) -> Known {
    Known { name, takes_value: false }
}

const fn valued(name: &'static str) -> Known {
    Known { name, takes_value: true }
}

/// `mount-s3 --help`; `aws-max-attempts` is the CSI driver's own.
const KNOWN: &[Known] = &[
    switch("allow-delete"),
    switch("allow-other"),
    switch("allow-overwrite"),
    switch("allow-root"),
    switch("auto-unmount"),
    valued("aws-max-attempts"),
    valued("bind"),
    valued("bucket-type"),
    valued("cache"),
    valued("cache-block-size"),
    valued("cache-xz"),
    switch("debug"),
    switch("debug-crt"),
    valued("dir-mode"),
    switch("dual-stack"),
    valued("endpoint-url"),
    valued("expected-bucket-owner"),
    valued("file-mode"),
    switch("force-path-style"),
    switch("foreground"),
    valued("gid"),
    switch("incremental-upload"),
    valued("log-directory"),
    switch("log-metrics"),
    valued("max-cache-size"),
    valued("max-memory-target"),
    valued("max-threads"),
    valued("maximum-throughput-gbps"),
    valued("metadata-ttl"),
    valued("negative-metadata-ttl"),
    switch("no-log"),
    switch("no-sign-request"),
    valued("otlp-endpoint"),
    valued("otlp-export-interval"),
    valued("part-size"),
    valued("prefix"),
    valued("profile"),
    switch("read-only"),
    valued("read-part-size"),
    valued("region"),
    switch("requester-pays"),
    valued("sse"),
    valued("sse-kms-key-id"),
    valued("storage-class"),
    switch("transfer-acceleration"),
    valued("uid"),
    valued("upload-checksums"),
    valued("user-agent-prefix"),
    valued("write-part-size"),
];

/// Short forms.
const SHORT: [(&str, &str); 3] = [("d", "debug"), ("f", "foreground"), ("l", "log-directory")];

/// The option of this name, without dashes.
pub(crate) fn known(name: &str) -> Option<&'static Known> {
    let long = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| *long);
    KNOWN.iter().find(|option| option.name == long)
}

/// Returns whether an option has this name, by its long name alone.
pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|option| option.name == name)
}

/// The option whose name differs only in case, dashes and underscores, or in a letter or two.
pub(super) fn near_miss(name: &str) -> Option<&'static str> {
    let names = KNOWN.iter().map(|option| option.name);
    crate::text::near_miss(name, names)
}
