//! Messages and services of CSI 1.x and of the kubelet's plugin registration, for tonic.
//!
//! **In:** `proto/csi.proto` and `proto/pluginregistration.proto`. **Out:** the types that tonic-prost-build generates from
//! them (on `prost_types` and `tonic_prost`), checked in, so that a build needs no protoc. **Fails** with a `tonic::Status`. Fields that the
//! specification marks `csi_secret` must never be logged: `Debug` of a request prints them.
//!
//! ```
//! use s3_csi_proto::csi::v1::NodeUnpublishVolumeRequest;
//!
//! let request = NodeUnpublishVolumeRequest { volume_id: "s3-volume".to_owned(), ..Default::default() };
//! assert!(request.target_path.is_empty());
//! ```

/// The Container Storage Interface.
pub mod csi {
    /// CSI 1.x: services `Identity`, `Node`, `Controller`.
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
    }
}

/// The kubelet's registration of plugins.
pub mod pluginregistration {
    /// Version 1: the service `Registration`.
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
        include!("generated/pluginregistration.v1.rs");
    }
}
