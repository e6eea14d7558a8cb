//! Plug-ins of chains: what they are built with, the name under which they run, and the default
//! chains.
//!
//! No configuration file is needed here: the default chains are plain Rust.

#[cfg(any(feature = "pod-token", all(feature = "kube", feature = "secret", feature = "yaml")))]
mod retried;
mod built_in;
mod context;
mod default_chains;
mod instantiate;
mod left_out;
mod named;
mod retired;
mod services;

use std::sync::Arc;

use s3_credential_core::Failure;

#[allow(unused_imports, reason = "a build without sources makes none")]
pub(crate) use built_in::*;
pub use context::PluginContext;
#[cfg(feature = "yaml")]
pub(crate) use default_chains::{REGION_CHAIN, source_chain};
pub(crate) use instantiate::{ChainSteps, Slots, Step};
pub(crate) use left_out::LeftOut;
#[cfg(feature = "yaml")]
pub(crate) use left_out::{LEFT_OUT_RESOLVERS, LEFT_OUT_SOURCES, build_with};
pub(crate) use retired::RetiredSources;
#[cfg(all(feature = "kube", feature = "secret", feature = "yaml"))]
pub(crate) use retried::or_retried;
pub(crate) use services::ServiceSettings;
#[cfg(feature = "doctor")]
pub(crate) use services::Services;

/// Makes a plug-in whose settings are known.
pub(crate) type Factory<P> = Arc<dyn Fn(&PluginContext) -> Result<Arc<P>, Failure> + Send + Sync>;
