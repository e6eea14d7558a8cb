//! The version of this binary.

/// The release, with the commit and time of the build where the build sets `S3_CSI_VERSION`, as the
/// image's does.
pub(crate) const VERSION: &str = match option_env!("S3_CSI_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};
