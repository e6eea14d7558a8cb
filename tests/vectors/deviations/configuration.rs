//! Deviations for the driver's configuration: what is wrong in it, or handed over in another way.

use s3_credential_core::{ErrorKind, RoleArn, names};

use super::refuse;
use crate::outcome::{Answer, Outcome};
use crate::view::{DriverSource, View};

/// Pairs of variables in the order of our chain, the first being enough to mean it.
const PAIRS: [(DriverSource, &str, &str); 3] = [
    (DriverSource::Irsa, names::AWS_ROLE_ARN, names::AWS_WEB_IDENTITY_TOKEN_FILE),
    (
        DriverSource::Container,
        names::AWS_CONTAINER_CREDENTIALS_FULL_URI,
        names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
    ),
    (DriverSource::Keys, names::AWS_ACCESS_KEY_ID, names::AWS_SECRET_ACCESS_KEY),
];

pub(super) fn half(view: &View<'_>, expected: &mut Outcome) {
    if view.driver_level().is_none() {
        return;
    }
    for (source, one, other) in PAIRS {
        let (has_one, has_other) = (view.has(one), view.has(other));
        let token_alone = source == DriverSource::Keys && view.has(names::AWS_SESSION_TOKEN);
        if has_one && has_other {
            return;
        }
        if has_one || has_other || token_alone {
            refuse(view, ErrorKind::Misconfigured, expected);
            return;
        }
    }
}

/// One variable is enough to configure a profile, for every mount kind. None of the recorded cases
/// has the files that its variables name, so there is no file to copy.
pub(super) fn profile_copies(view: &View<'_>, expected: &mut Outcome) {
    let named = [names::AWS_CONFIG_FILE, names::AWS_SHARED_CREDENTIALS_FILE];
    let is_configured = named.iter().chain([&names::AWS_PROFILE]).any(|name| view.has(name));
    let is_chosen = view.driver_level().is_some()
        && is_configured
        && view.driver_sources().iter().all(|source| *source == DriverSource::Profile)
        && !view.has(names::AWS_ACCESS_KEY_ID);
    if is_chosen && named.iter().all(|name| view.file_of(name).is_none()) {
        refuse(view, ErrorKind::Misconfigured, expected);
    }
}

/// The Go driver hands out its own `AWS_DEFAULT_REGION` beside the region that it found for STS.
pub(super) fn one_region(view: &View<'_>, expected: &mut Outcome) {
    if let Answer::Provided { level, variables } = &mut expected.answer
        && level == "pod"
        && view.has(names::AWS_DEFAULT_REGION)
        && let Some((region, _)) = view.region()
    {
        variables.insert(names::AWS_DEFAULT_REGION.to_owned(), region);
    }
}

pub(super) fn role_arn(view: &View<'_>, expected: &mut Outcome) {
    let is_irsa = view.driver_sources().first() == Some(&DriverSource::Irsa);
    let of_driver = view.driver_level().filter(|_| is_irsa).map(|_| view.get(names::AWS_ROLE_ARN));
    if let Some(arn) = of_driver.or_else(|| view.pod_role())
        && arn.parse::<RoleArn>().is_err()
    {
        refuse(view, ErrorKind::InvalidRoleArn, expected);
    }
}
