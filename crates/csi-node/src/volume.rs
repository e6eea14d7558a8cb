//! What the service remembers of its volumes.

mod record;
mod store;

pub use record::{Phase, VolumeRecord};
pub use store::VolumeStore;
