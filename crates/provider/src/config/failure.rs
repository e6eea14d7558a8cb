//! A report as an error of the provider.

use s3_credential_core::{ErrorKind, Failure};

use crate::document::{ConfigProblem, ConfigReport};
use crate::error::ProvideError;

impl ConfigReport {
    /// Returns the first error on one line, and how many more there are. `None` without an error.
    pub fn failure(&self) -> Option<Failure> {
        let mut errors = self.errors();
        let first = errors.next()?;
        let more = match errors.count() {
            0 => String::new(),
            1 => " (and 1 more problem)".to_owned(),
            more => format!(" (and {more} more problems)"),
        };
        let ConfigProblem { line, column, path, message, .. } = first;
        let key = if path.is_empty() { String::new() } else { format!("{path}: ") };
        let message = format!("{}:{line}:{column}: {key}{message}{more}", self.file());
        let help = match &first.suggestion {
            Some(suggestion) => {
                format!("{suggestion}; `s3cred config check` shows each problem with its line")
            }
            None => "`s3cred config check` shows each problem with its line".to_owned(),
        };
        Some(Failure::new(ErrorKind::InvalidConfiguration, message).with_help(help))
    }
}

impl From<ConfigReport> for Failure {
    fn from(report: ConfigReport) -> Self {
        report.failure().unwrap_or_else(|| {
            Self::new(ErrorKind::InvalidConfiguration, format!("{} cannot be used", report.file()))
        })
    }
}

impl From<ConfigReport> for ProvideError {
    fn from(report: ConfigReport) -> Self {
        Failure::from(report).into()
    }
}
