//! Publishing a volume: the decision about it, what is written for it, and what is returned.

mod deliver;
mod explain;
mod fast_path;
mod provide;
mod provided;
mod write_ahead;

pub(crate) use deliver::Intent;
pub use explain::{Explanation, Reasons};
pub(crate) use provide::RepublishDecision;
pub use provided::{CleanupReport, Provided, ProvidedFile};
