//! The limits of STS on a request, checked before the call (API reference of AssumeRole and
//! AssumeRoleWithWebIdentity).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::IgnoredAny;

use crate::error::{ErrorKind, Failure};
use crate::form::{RoleHop, SessionSettings};

const DURATION: RangeInclusive<Duration> = Duration::from_mins(15)..=Duration::from_hours(12);
/// A role that is assumed with a role's keys ("role chaining") ends after an hour at most.
const CHAINED_DURATION: RangeInclusive<Duration> =
    Duration::from_mins(15)..=Duration::from_hours(1);
const MAX_POLICY_CHARS: usize = 2048;
const MAX_POLICY_ARNS: usize = 10;
const MAX_TAGS: usize = 50;

impl SessionSettings {
    /// Refuses what STS would refuse: the error names the setting, never its value. With a second
    /// hop, the session that is handed out is the second one's, which these settings are for where
    /// the hop does not have its own.
    pub fn check(&self, second_hop: Option<&RoleHop>) -> Result<(), Failure> {
        self.name.iter().try_for_each(|name| check_name(name))?;
        self.policy.iter().try_for_each(|policy| check_policy(policy))?;
        check_policy_arns(&self.policy_arns)?;
        if let Some(word) = &self.regional_endpoints
            && !["regional", "legacy"].contains(&word.as_str())
        {
            return Err(refuse("the kind of STS endpoints is none of regional and legacy"));
        }
        match second_hop {
            None => check_duration(self.duration, &DURATION),
            Some(hop) => {
                check_duration(hop.duration.or(self.duration), &CHAINED_DURATION)?;
                hop.session_name.iter().try_for_each(|name| check_name(name))?;
                hop.external_id.iter().try_for_each(|id| check_external_id(id))?;
                check_tags(&hop.tags)
            }
        }
    }
}

fn check_name(name: &str) -> Result<(), Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if (2..=64).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(refuse("the role session name is not 2 to 64 letters, digits and characters of _+=,.@-"))
}

fn check_duration(
    duration: Option<Duration>,
    allowed: &RangeInclusive<Duration>,
) -> Result<(), Failure> {
    if duration.is_none_or(|duration| allowed.contains(&duration)) {
        return Ok(());
    }
    let (shortest, longest) = (allowed.start().as_secs(), allowed.end().as_secs());
    let of = if longest == CHAINED_DURATION.end().as_secs() { " of a second role" } else { "" };
    Err(refuse(&format!("the session's duration{of} is not {shortest} to {longest} seconds")))
}

fn check_policy(policy: &str) -> Result<(), Failure> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    if policy.chars().count() > MAX_POLICY_CHARS {
        return Err(refuse(&format!(
            "the session policy is longer than {MAX_POLICY_CHARS} characters"
        )));
    }
    let is_object =
        policy.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(policy).is_ok();
    if !is_object || !policy.chars().all(allowed) {
        return Err(refuse(
            "the session policy is not a policy document (a JSON object, of Latin letters)",
        ));
    }
    Ok(())
}

fn check_policy_arns(arns: &[String]) -> Result<(), Failure> {
    let is_policy = |arn: &String| {
        (20..=2048).contains(&arn.len())
            && arn.starts_with("arn:")
            && arn.contains(":policy/")
            && arn.chars().all(|c| c.is_ascii_graphic())
    };
    if arns.len() > MAX_POLICY_ARNS {
        return Err(refuse(&format!("there are more than {MAX_POLICY_ARNS} policy ARNs")));
    }
    if !arns.iter().all(is_policy) {
        return Err(refuse("a policy ARN is not the ARN of an IAM policy"));
    }
    Ok(())
}

fn check_external_id(id: &str) -> Result<(), Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    if (2..=1224).contains(&id.len()) && id.chars().all(allowed) {
        return Ok(());
    }
    Err(refuse("the external id is not 2 to 1224 letters, digits and characters of _+=,.@:/-"))
}

fn check_tags(tags: &[(String, String)]) -> Result<(), Failure> {
    let allowed = |c: char| {
        c.is_alphanumeric() || c.is_whitespace() && !c.is_control() || "_.:/=+-@".contains(c)
    };
    let mut keys = BTreeSet::new();
    for (key, value) in tags {
        let lower = key.to_lowercase();
        let fits = (1..=128).contains(&key.chars().count())
            && value.chars().count() <= 256
            && key.chars().chain(value.chars()).all(allowed)
            && !lower.starts_with("aws:");
        if !fits {
            return Err(refuse(
                "a session tag has a key that is not 1 to 128 characters or begins with aws:, a value of more than 256, or characters \
                 other than letters, digits, spaces and _.:/=+-@",
            ));
        }
        if !keys.insert(lower) {
            return Err(refuse(
                "two session tags have the same key, for which case does not count",
            ));
        }
    }
    if tags.len() > MAX_TAGS {
        return Err(refuse(&format!("there are more than {MAX_TAGS} session tags")));
    }
    Ok(())
}

fn refuse(problem: &str) -> Failure {
    Failure::new(ErrorKind::Misconfigured, problem.to_owned())
        .with_help("correct it in the configuration of the source: STS would refuse it")
}
