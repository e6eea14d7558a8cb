//! The parameters of a call to STS: from the web identity's own settings and the exchange's, never
//! more than either allows.

use std::time::Duration;

use s3_credential_core::{
    ErrorKind, ExchangeRequest, Failure, RoleArn, RoleHop, SessionSettings, WebIdentity,
};

/// Limits of the API reference (AssumeRole, AssumeRoleWithWebIdentity).
const MIN_DURATION: Duration = Duration::from_mins(15);
const MAX_DURATION: Duration = Duration::from_hours(12);
/// A role that is assumed with a role's keys ("role chaining") ends after an hour at most.
const MAX_CHAINED: Duration = Duration::from_hours(1);
const MAX_POLICY_CHARS: usize = 2048;
const MAX_POLICY_ARNS: usize = 10;
const MAX_TAGS: usize = 50;
const MAX_SESSION_NAME: usize = 64;

/// The parameters of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) role_arn: RoleArn,
    pub(crate) session_name: String,
    pub(crate) seconds: Option<i32>,
    pub(crate) policy: Option<String>,
    pub(crate) policy_arns: Vec<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
}

/// The call with the token, and the one with the keys that it gives, if there is to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asks {
    pub(crate) first: Ask,
    pub(crate) second: Option<Ask>,
}

impl Asks {
    pub(crate) fn of(identity: &WebIdentity, request: &ExchangeRequest) -> Result<Self, Failure> {
        let SessionSettings { policy_arns, .. } = &identity.session;
        let first = Ask {
            role_arn: identity.role_arn.clone(),
            session_name: session_name(identity)?,
            seconds: None,
            policy: None,
            policy_arns: Vec::new(),
            external_id: None,
            tags: Vec::new(),
        };
        let policy = policy(identity.session.policy.as_ref(), request.policy.as_ref())?;
        let policy_arns = check_policy_arns(policy_arns, request.policy.as_ref())?.to_owned();
        match &identity.second_hop {
            None => Ok(Self {
                first: Ask {
                    seconds: seconds(identity.session.duration, request.duration, MAX_DURATION)?,
                    policy,
                    policy_arns,
                    ..first
                },
                second: None,
            }),
            // What narrows must narrow the keys that are handed out. The first ones serve for one
            // call, so they end soon.
            Some(hop) => Ok(Self {
                second: Some(Ask {
                    role_arn: hop.role_arn.clone(),
                    session_name: match &hop.session_name {
                        Some(name) => check_session_name(name)?.to_owned(),
                        None => first.session_name.clone(),
                    },
                    seconds: seconds(
                        hop.duration.or(identity.session.duration),
                        request.duration.map(|asked| asked.min(MAX_CHAINED)),
                        MAX_CHAINED,
                    )?,
                    policy,
                    policy_arns,
                    external_id: external_id(hop)?,
                    tags: tags(hop)?,
                }),
                first: Ask { seconds: seconds(Some(MIN_DURATION), None, MAX_DURATION)?, ..first },
            }),
        }
    }
}

/// `RoleSessionName`: what CloudTrail shows. Made of the service account where none is set.
fn session_name(identity: &WebIdentity) -> Result<String, Failure> {
    if let Some(name) = &identity.session.name {
        return check_session_name(name).map(str::to_owned);
    }
    let account =
        identity.token.subject().and_then(|subject| subject.strip_prefix("system:serviceaccount:"));
    let Some(account) = account else {
        return Ok("s3-csi-driver".to_owned());
    };
    Ok(format!("s3-csi.{account}")
        .chars()
        .map(|c| if c == ':' { '.' } else { c })
        .map(|c| if is_name_character(c) { c } else { '-' })
        .take(MAX_SESSION_NAME)
        .collect())
}

/// `[\w+=,.@-]`
fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

fn check_session_name(name: &str) -> Result<&str, Failure> {
    if (2..=MAX_SESSION_NAME).contains(&name.len()) && name.chars().all(is_name_character) {
        return Ok(name);
    }
    Err(misconfigured(
        "the role session name is not 2 to 64 letters, digits and characters of _+=,.@-",
        "correct AWS_ROLE_SESSION_NAME, or the session name in the source's configuration",
    ))
}

/// Two policies cannot be made one here, and to leave one out would widen what the keys may do.
fn policy(own: Option<&String>, asked: Option<&String>) -> Result<Option<String>, Failure> {
    if let (Some(own), Some(asked)) = (own, asked)
        && own != asked
    {
        return Err(misconfigured(
            "the source and the volume both set a session policy, and STS takes one",
            "leave the policy out of the source's configuration, or set `scope: role` in the driver's",
        ));
    }
    let policy = asked.or(own);
    match policy {
        Some(policy) if policy.is_empty() || policy.chars().count() > MAX_POLICY_CHARS => {
            Err(Failure::new(
                ErrorKind::InvalidRequest,
                format!("the session policy is empty or longer than {MAX_POLICY_CHARS} characters"),
            )
            .with_help("shorten the policy, or give it as a managed policy (policy ARNs)"))
        }
        policy => Ok(policy.cloned()),
    }
}

/// Session policies are taken together: a session may do what any one of them allows. So what is
/// asked for narrows only alone.
fn check_policy_arns<'a>(
    arns: &'a [String],
    asked: Option<&String>,
) -> Result<&'a [String], Failure> {
    if asked.is_some() && !arns.is_empty() {
        return Err(misconfigured(
            "the source sets policy ARNs and the volume a session policy, and STS allows what any of them does",
            "leave the policy ARNs out of the source's configuration, or set `scope: role` in the driver's",
        ));
    }
    if arns.len() <= MAX_POLICY_ARNS && arns.iter().all(|arn| arn.starts_with("arn:")) {
        return Ok(arns);
    }
    Err(misconfigured(
        "the session's policy ARNs are more than 10, or not all ARNs",
        "correct the policy ARNs in the source's configuration",
    ))
}

/// The shorter of the two.
fn seconds(
    own: Option<Duration>,
    asked: Option<Duration>,
    max: Duration,
) -> Result<Option<i32>, Failure> {
    let Some(duration) = own.into_iter().chain(asked).min() else {
        return Ok(None);
    };
    if !(MIN_DURATION..=max).contains(&duration) {
        return Err(misconfigured(
            &format!(
                "the session's duration is not between {} and {} seconds",
                MIN_DURATION.as_secs(),
                max.as_secs()
            ),
            "correct the duration in the source's configuration; a second role lasts an hour at most",
        ));
    }
    Ok(i32::try_from(duration.as_secs()).ok())
}

fn external_id(hop: &RoleHop) -> Result<Option<String>, Failure> {
    let id = hop.external_id.as_ref();
    if id.is_some_and(|id| !(2..=1224).contains(&id.len()) || id.contains(char::is_whitespace)) {
        return Err(misconfigured(
            "the external id is not 2 to 1224 characters without white space",
            "correct the external id of the second role in the source's configuration",
        ));
    }
    Ok(id.cloned())
}

fn tags(hop: &RoleHop) -> Result<Vec<(String, String)>, Failure> {
    let fits = |(key, value): &(String, String)| {
        (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256
    };
    if hop.tags.len() <= MAX_TAGS && hop.tags.iter().all(fits) {
        return Ok(hop.tags.clone());
    }
    Err(misconfigured(
        "the session tags are more than 50, or a key is not 1 to 128 or a value more than 256 characters",
        "correct the tags of the second role in the source's configuration",
    ))
}

fn misconfigured(problem: &str, help: &'static str) -> Failure {
    Failure::new(ErrorKind::Misconfigured, problem.to_owned()).with_help(help)
}
