//! Answers of the Kubernetes API about a Secret, for the fuzz targets.

use s3_credential_core::{Failure, Keys};

use crate::keys::{Reader, Values};
use crate::watch::{values_in_event, values_in_list};

/// Returns the keys in a list of Secrets with that name; `None` where the text is no such list.
pub fn listed(text: &str, name: &str) -> Option<Result<Option<Keys>, Failure>> {
    values_in_list(text, name).map(|values| read(&values))
}

/// Returns the keys in one event of a watch; `None` where the line is no such event.
pub fn watched(line: &str) -> Option<Result<Option<Keys>, Failure>> {
    values_in_event(line).map(|values| read(&values))
}

fn read(values: &Values) -> Result<Option<Keys>, Failure> {
    Reader::default().read("the Secret", values)
}
