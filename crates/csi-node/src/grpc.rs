//! The gRPC services: messages to plain types and back.

mod identity;
mod node;
mod registration;

pub use identity::IdentityService;
pub use node::{NodeInfo, NodeService};
pub use registration::RegistrationService;
