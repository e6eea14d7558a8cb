//! The one place that assumes a role: web identity to temporary keys
