//! Messages and services of CSI 1.x and of the kubelet's plugin registration, for tonic.
//!
//! **In:** `proto/csi.proto` and `proto/pluginregistration.proto`. **Out:** the types that
//! `cargo xtask proto` generates from them (on `prost_types` and `tonic_prost`), checked in, so
//! that a build needs no protoc. **Fails** with a `tonic::Status`.
//!
//! `Debug` never prints a field that the specification marks as `csi_secret`, nor the
//! service-account tokens of a volume context.
//!
//! ```
//! use s3_csi_proto::csi::v1::NodePublishVolumeRequest;
//!
//! let secrets = [("access_key".to_owned(), "canary".to_owned())].into();
//! let request = NodePublishVolumeRequest { secrets, ..Default::default() };
//! assert!(!format!("{request:?}").contains("canary"));
//! ```

mod redact;

/// Encodes and decodes every message.
pub use prost::Message;

/// The Container Storage Interface.
pub mod csi {
    /// CSI 1.x: services `Identity`, `Node`, `Controller` and `GroupController`.
    #[allow(
        missing_docs,
        unused_qualifications,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        reason = "generated from proto/csi.proto"
    )]
    pub mod v1 {
        include!("generated/csi.v1.rs");
        include!("generated/secrets.rs");
    }
}

/// The kubelet's registration of plugins.
pub mod pluginregistration {
    /// Version 1: the service `Registration`. Its name on the wire has no version.
    #[allow(
        missing_docs,
        unused_qualifications,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        reason = "generated from proto/pluginregistration.proto"
    )]
    pub mod v1 {
        include!("generated/pluginregistration.rs");
    }
}
