//! `AssumeRole`: keys for other keys. Signed.

use std::time::Duration;

use super::xml::Element;
use super::{Parameters, StsError, authenticate, session};
use crate::iam::{Caller, Iam};
use crate::server::Request;

/// Role chaining: a session that assumes a role has at most this (IAM user guide, "Roles terms and
/// concepts").
const CHAINED: Duration = Duration::from_hours(1);

pub(super) fn assume(
    iam: &Iam,
    request: &Request,
    parameters: &Parameters,
) -> Result<Vec<Element>, StsError> {
    let issued = authenticate(iam, request)?;
    let mut session = session::parse("AssumeRole", parameters)?;
    let caller = Caller::Principal {
        arn: &issued.arn,
        role_arn: issued.session.as_ref().map(|session| session.role_arn.as_str()),
        external_id: session.external_id.as_deref(),
    };
    let role =
        iam.role(&session.role_arn).filter(|role| role.trusts(&caller)).ok_or_else(|| {
            StsError::access_denied(format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                issued.arn, session.role_arn
            ))
        })?;
    if issued.session.is_some() && session.duration > CHAINED {
        let message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(StsError::validation(message));
    }
    let packed = session::check(&session, &role)?;
    session.caller = Some(issued.access_key_id);
    Ok(session::answer(&iam.issue(session), packed))
}
