//! Deviations for the files that are left behind.

use s3_credential_core::ErrorKind;

use super::refuse;
use crate::outcome::{Answer, Outcome};
use crate::view::View;

pub(super) fn all_or_nothing(view: &View<'_>, expected: &mut Outcome) {
    if view.provide().is_some() && matches!(expected.answer, Answer::Refused(_)) {
        expected.tree.clone_from(&view.before);
    }
}

/// Expects a whole cleanup: of any kind and source, finished or not, also with a directory in the
/// place of a file.
pub(super) fn whole_cleanup(view: &View<'_>, expected: &mut Outcome) {
    let lease = view.lease();
    // A directory without access cannot be cleaned.
    let is_closed = view.kind_of("write") == Some("dir");
    if view.cleanup().is_none() || lease.volume.is_empty() || is_closed {
        return;
    }
    let Some(tree) = &mut expected.tree else { return };
    if tree.keys().any(|path| lease.owns(path)) {
        tree.retain(|path, _| !lease.owns(path));
        expected.answer = Answer::CleanupReport;
    }
}

/// The Go driver then works in its working directory.
pub(super) fn empty_write_path(view: &View<'_>, expected: &mut Outcome) {
    if view.write_path().is_empty() {
        refuse(view, ErrorKind::InvalidRequest, expected);
    }
}
