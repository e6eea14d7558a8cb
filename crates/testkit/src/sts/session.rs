//! The common parts of both ways to assume a role: the session's parameters, its limits, its
//! answer.

use std::collections::BTreeMap;
use std::time::Duration;

use s3_credential_core::Secret;

use super::validation::{Rule, members, name_character, optional, required, violated};
use super::xml::Element;
use super::{Parameters, StsError, policy};
use crate::iam::{Issued, Role, Session};

const ROLE_ARN: Rule =
    Rule { member: "roleArn", length: 20..=2048, pattern: None, sensitive: false };
const SESSION_NAME: Rule = Rule {
    member: "roleSessionName",
    length: 2..=64,
    pattern: Some((r"[\w+=,.@-]*", name_character)),
    sensitive: false,
};
const POLICY: Rule = Rule {
    member: "policy",
    length: 1..=2048,
    pattern: Some((r"[\u0009\u000A\u000D\u0020-\u00FF]+", policy_character)),
    sensitive: true,
};
const TAG_KEY: Rule = Rule {
    member: "tags.member.key",
    length: 1..=128,
    pattern: Some((r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", tag_character)),
    sensitive: false,
};
const TAG_VALUE: Rule = Rule {
    member: "tags.member.value",
    length: 0..=256,
    pattern: Some((r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", tag_character)),
    sensitive: false,
};
const EXTERNAL_ID: Rule = Rule {
    member: "externalId",
    length: 2..=1224,
    pattern: Some((r"[\w+=,.@:\/-]*", |character| {
        name_character(character) || ":/".contains(character)
    })),
    sensitive: false,
};

const TAGS: usize = 50;
const POLICY_ARNS: usize = 10;
const DEFAULT_SECONDS: u64 = 3600;

/// The session that the parameters ask for, checked as far as parameters go.
pub(super) fn parse(operation: &str, parameters: &Parameters) -> Result<Session, StsError> {
    let role_arn = required(parameters, "RoleArn", &ROLE_ARN)?;
    if role_arn.split(':').count() < 6 || !role_arn.starts_with("arn:") {
        return Err(StsError::validation(format!("{role_arn} is invalid")));
    }
    let session_name = required(parameters, "RoleSessionName", &SESSION_NAME)?;
    let mut session = Session::new(operation, role_arn, session_name, duration(parameters)?);
    session.policy = optional(parameters, "Policy", &POLICY)?.map(str::to_owned);
    session.policy_arns =
        members(parameters, "PolicyArns", "arn").into_iter().map(str::to_owned).collect();
    if session.policy_arns.len() > POLICY_ARNS {
        let constraint = format!("Member must have length less than or equal to {POLICY_ARNS}");
        return Err(violated("", "policyArns", &constraint));
    }
    session.external_id = optional(parameters, "ExternalId", &EXTERNAL_ID)?.map(str::to_owned);
    let keys = members(parameters, "Tags", "Key");
    session.tags = tags(keys.into_iter().zip(members(parameters, "Tags", "Value")))?;
    Ok(session)
}

/// Tags within their limits; keys differ by more than case.
pub(super) fn tags<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<BTreeMap<String, String>, StsError> {
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        TAG_KEY.check(key)?;
        TAG_VALUE.check(value)?;
        let repeated = tags.keys().any(|known: &String| known.eq_ignore_ascii_case(key));
        if repeated {
            return Err(StsError::validation("Duplicate tag keys found."));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    if tags.len() > TAGS {
        let constraint = format!("Member must have length less than or equal to {TAGS}");
        return Err(violated("", "tags", &constraint));
    }
    Ok(tags)
}

/// Checks the duration, which only the role limits. Then the policies, which are read last.
///
/// Returns the percentage of the packed size that is used, where there is a policy or a tag.
pub(super) fn check(session: &Session, role: &Role) -> Result<Option<usize>, StsError> {
    if session.duration > role.longest_session() {
        let message =
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(StsError::validation(message));
    }
    policy::check(session)
}

/// The elements that every answer has.
pub(super) fn answer(issued: &Issued, packed: Option<usize>) -> Vec<Element> {
    let token = issued.session_token.as_ref().map(Secret::expose).unwrap_or_default();
    let expiration = issued.expires_at.map(|at| at.to_string()).unwrap_or_default();
    let mut elements = vec![
        Element::list(
            "AssumedRoleUser",
            [Element::text("AssumedRoleId", &issued.user_id), Element::text("Arn", &issued.arn)],
        ),
        Element::list(
            "Credentials",
            [
                Element::text("AccessKeyId", &issued.access_key_id),
                Element::text("SecretAccessKey", issued.secret_access_key.expose()),
                Element::text("SessionToken", token),
                Element::text("Expiration", &expiration),
            ],
        ),
    ];
    elements.extend(packed.map(|percent| Element::text("PackedPolicySize", &percent.to_string())));
    elements
}

fn duration(parameters: &Parameters) -> Result<Duration, StsError> {
    let Some(value) = parameters.get("DurationSeconds") else {
        return Ok(Duration::from_secs(DEFAULT_SECONDS));
    };
    let seconds: u64 =
        value.parse().map_err(|_| StsError::validation("DurationSeconds is not an integer"))?;
    let constraint = match seconds {
        ..900 => "Member must have value greater than or equal to 900",
        900..=43200 => return Ok(Duration::from_secs(seconds)),
        _ => "Member must have value less than or equal to 43200",
    };
    Err(violated(value, "durationSeconds", constraint))
}

fn policy_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{ff}')
}

fn tag_character(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
}
