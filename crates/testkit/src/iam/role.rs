//! Roles and whom they trust.

use std::time::Duration;

use super::pattern::{self, wildcards};
use crate::ids;

/// A role, with its trust policy.
#[derive(Debug, Clone)]
pub struct Role {
    arn: String,
    id: String,
    trust: Vec<Trust>,
    max_session: Duration,
}

impl Role {
    /// Makes a role without a trust policy, with sessions of at most an hour, as IAM makes them.
    pub fn new(arn: impl Into<String>) -> Self {
        Self {
            arn: arn.into(),
            id: format!("AROA{}", ids::base32(17)),
            trust: Vec::new(),
            max_session: Duration::from_hours(1),
        }
    }

    /// Adds a statement to the trust policy.
    #[must_use]
    pub fn trusting(mut self, trust: Trust) -> Self {
        self.trust.push(trust);
        self
    }

    /// `MaxSessionDuration`: one to twelve hours in AWS.
    #[must_use]
    pub fn max_session(mut self, max: Duration) -> Self {
        self.max_session = max;
        self
    }

    /// Returns the ARN: `arn:aws:iam::111122223333:role/name`.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Returns the unique id, `AROA...`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns how long a session may last.
    pub fn longest_session(&self) -> Duration {
        self.max_session
    }

    /// Returns whether any statement allows this caller.
    pub fn trusts(&self, caller: &Caller<'_>) -> bool {
        self.trust.iter().any(|trust| trust.admits(caller))
    }
}

/// One statement of a trust policy. Patterns know `*` and `?`, as `StringLike` does.
#[derive(Debug, Clone)]
pub struct Trust(Statement);

#[derive(Debug, Clone)]
enum Statement {
    WebIdentity { issuer: String, audience: String, subject: String },
    Service(String),
    Principal { arn: String, external_id: Option<String> },
}

/// The caller that asks for a role.
#[derive(Debug, Clone, Copy)]
pub enum Caller<'a> {
    /// The bearer of a verified token.
    WebIdentity {
        /// `iss`.
        issuer: &'a str,
        /// One of `aud`.
        audience: &'a str,
        /// `sub`.
        subject: &'a str,
    },
    /// A service: `ec2.amazonaws.com`, `pods.eks.amazonaws.com`.
    Service(&'a str),
    /// A user or an assumed role.
    Principal {
        /// `GetCallerIdentity`'s ARN.
        arn: &'a str,
        /// For an assumed role, the role's own ARN.
        role_arn: Option<&'a str>,
        /// The value that it sent as `ExternalId`.
        external_id: Option<&'a str>,
    },
}

impl Trust {
    /// `sts:AssumeRoleWithWebIdentity` for this issuer's tokens of a subject (a pattern), of any
    /// audience that the provider has.
    pub fn web_identity(issuer: &str, subject: &str) -> Self {
        Self(Statement::WebIdentity {
            issuer: issuer.to_owned(),
            audience: "*".to_owned(),
            subject: subject.to_owned(),
        })
    }

    /// The same, for one audience (a pattern) only.
    pub fn web_identity_for(issuer: &str, audience: &str, subject: &str) -> Self {
        Self(Statement::WebIdentity {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            subject: subject.to_owned(),
        })
    }

    /// A service: `ec2.amazonaws.com` for an instance profile, `pods.eks.amazonaws.com` for EKS Pod
    /// Identity.
    pub fn service(name: &str) -> Self {
        Self(Statement::Service(name.to_owned()))
    }

    /// `sts:AssumeRole` for a user's, a role's or a session's ARN (a pattern).
    pub fn principal(arn: &str) -> Self {
        Self(Statement::Principal { arn: arn.to_owned(), external_id: None })
    }

    /// The same, if `ExternalId` is this.
    pub fn principal_with_external_id(arn: &str, external_id: &str) -> Self {
        Self(Statement::Principal {
            arn: arn.to_owned(),
            external_id: Some(external_id.to_owned()),
        })
    }

    fn admits(&self, caller: &Caller<'_>) -> bool {
        match (&self.0, caller) {
            (
                Statement::WebIdentity { issuer, audience, subject },
                Caller::WebIdentity { issuer: theirs, audience: aud, subject: sub },
            ) => issuer == theirs && matches(audience, aud) && matches(subject, sub),
            (Statement::Service(name), Caller::Service(theirs)) => name == theirs,
            (
                Statement::Principal { arn, external_id },
                Caller::Principal { arn: theirs, role_arn, external_id: sent },
            ) => {
                let known = matches(arn, theirs) || role_arn.is_some_and(|role| matches(arn, role));
                known && (external_id.is_none() || external_id.as_deref() == *sent)
            }
            _ => false,
        }
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    pattern::matches(&wildcards(pattern), text)
}
