//! A document layer for configuration files: a tree whose values know their places, its validation
//! by a schema, and problems with line, column and the line itself.
//!
//! It knows no credentials: formats and the meaning of keys come from its caller.

// In the order in which data flows.
mod tree;
mod yaml;
mod diagnostic;
mod suggestion;
mod duration;
mod validator;
mod deserializer;
mod snippet;
mod report;

pub(crate) use deserializer::TreeError;
pub use diagnostic::Severity;
pub(crate) use diagnostic::{Diagnostic, Rejection, item_path, key_path};
pub(crate) use duration::describe as describe_durations;
pub use report::{ConfigProblem, ConfigReport};
pub(crate) use suggestion::{did_you_mean, listed};
pub(crate) use tree::{Key, Node, Span, Value};
pub(crate) use validator::{REFUSED, SchemaValidator, UNAVAILABLE};
