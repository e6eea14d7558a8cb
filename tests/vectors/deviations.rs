//! The deliberate deviations from the Go driver: the list of the recorded cases' README, and the
//! invariants behind it.

use s3_credential_core::ErrorKind;

use crate::outcome::{Answer, Outcome, Refusal};
use crate::view::View;

mod codes;
mod configuration;
mod files;
mod invariants;
mod leases;
mod sources;
mod tokens;

/// A deviation by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deviation {
    /// "Names are injective and bounded; a volume that can be provided can be cleaned."
    Names,
    /// "One source is chosen by the chain's order; several are never merged into one environment."
    OneSource,
    /// "Driver level prefers roles to long-term keys: irsa, pod-identity, secret, imds."
    RolesBeforeKeys,
    /// "Pod-identity and driver-level environments carry neutral variables, and a region where one
    /// is known, in every mount kind": here, that there is Pod Identity in every mount kind. What
    /// is added to an environment is part of what it is to agree.
    EveryMountKind,
    /// "Only the audience that is used must be present and valid."
    UsedAudience,
    /// "Half a configuration (key without secret, role without token file) is an error."
    HalfConfiguration,
    /// "Driver profile files are handed over as copies."
    ProfileCopies,
    /// "`AWS_DEFAULT_REGION` equals the STS region."
    OneRegion,
    /// "A region or role ARN that cannot be is an error."
    RoleArn,
    /// "An expired, empty, blank or control-character token is refused; an older token never
    /// replaces a newer one."
    Token,
    /// Invariant 7: the last component of the write path is no symbolic link, and every component
    /// of it is there.
    WritePath,
    /// Invariant 8: in a volume's own directory, what stands in the place of a file is replaced.
    Replaced,
    /// Invariant 11: keys that a profile file cannot carry back, tokens that no service takes, and
    /// URLs that are none are refused.
    Input,
    /// Section 5: a mount kind is `pod` or `systemd`.
    MountKind,
    /// "A failed provide leaves nothing of its own."
    AllOrNothing,
    /// "Cleanup removes everything and reports every failure."
    WholeCleanup,
    /// "No empty write path."
    EmptyWritePath,
    /// "Errors carry the code of the CSI table: transient API failures are UNAVAILABLE, not
    /// INVALID_ARGUMENT."
    Codes,
}

/// In the order in which they are applied: first what is there, then what is wrong with it, then
/// how that is reported.
pub(crate) const ALL: [Deviation; 18] = [
    Deviation::Names,
    Deviation::OneSource,
    Deviation::RolesBeforeKeys,
    Deviation::EveryMountKind,
    Deviation::UsedAudience,
    Deviation::HalfConfiguration,
    Deviation::ProfileCopies,
    Deviation::OneRegion,
    Deviation::RoleArn,
    Deviation::Token,
    Deviation::Replaced,
    Deviation::Input,
    Deviation::MountKind,
    Deviation::WritePath,
    Deviation::AllOrNothing,
    Deviation::WholeCleanup,
    Deviation::EmptyWritePath,
    Deviation::Codes,
];

impl Deviation {
    /// Returns whether it is on the README's list; otherwise it is one of the invariants to which
    /// the README refers.
    pub(crate) fn is_listed(self) -> bool {
        !matches!(self, Self::WritePath | Self::Replaced | Self::Input | Self::MountKind)
    }

    /// Adjusts the expectation if the deviation applies to this step, decided by the step's input.
    pub(crate) fn adjust(self, view: &View<'_>, expected: &mut Outcome) {
        match self {
            Self::Names => leases::names(view, expected),
            Self::OneSource => sources::one_source(view, expected),
            Self::RolesBeforeKeys => sources::roles_before_keys(view, expected),
            Self::EveryMountKind => sources::every_mount_kind(view, expected),
            Self::UsedAudience => tokens::used_audience(view, expected),
            Self::HalfConfiguration => configuration::half(view, expected),
            Self::ProfileCopies => configuration::profile_copies(view, expected),
            Self::OneRegion => configuration::one_region(view, expected),
            Self::RoleArn => configuration::role_arn(view, expected),
            Self::Token => tokens::refused(view, expected),
            Self::WritePath => invariants::write_path(view, expected),
            Self::Replaced => invariants::replaced(view, expected),
            Self::Input => invariants::input(view, expected),
            Self::MountKind => invariants::mount_kind(view, expected),
            Self::AllOrNothing => files::all_or_nothing(view, expected),
            Self::WholeCleanup => files::whole_cleanup(view, expected),
            Self::EmptyWritePath => files::empty_write_path(view, expected),
            Self::Codes => codes::of_the_csi_table(view, expected),
        }
    }
}

/// Expects no effect but this error; a case that is refused anyway stays unchanged.
fn refuse(view: &View<'_>, kind: ErrorKind, expected: &mut Outcome) {
    if !matches!(expected.answer, Answer::Refused(_)) {
        let tree = view.before.clone();
        let answer = Answer::Refused(Refusal::Kind(kind));
        *expected = Outcome { answer, tree, outside: Vec::new() };
    }
}
