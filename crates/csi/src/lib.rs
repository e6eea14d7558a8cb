#![allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod csi { pub mod v1 { include!("csi.v1.rs"); } }
pub mod pluginregistration { pub mod v1 { include!("pluginregistration.v1.rs"); } }
