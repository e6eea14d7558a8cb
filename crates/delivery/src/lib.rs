//! The one place that writes and removes credential files, and the loopback credentials endpoint
