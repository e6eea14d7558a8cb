//! Keys that were handed out, and what for.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use s3_credential_core::Secret;

use super::policy::{Access, Policy};

/// A pair of keys, long-term (`AKIA...`, a user's) or temporary (`ASIA...`, a session's).
#[derive(Debug, Clone)]
pub struct Issued {
    /// The access key id.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: Secret,
    /// With temporary keys.
    pub session_token: Option<Secret>,
    /// As `GetCallerIdentity` gives it: `arn:aws:sts::111122223333:assumed-role/name/session`.
    pub arn: String,
    /// As `GetCallerIdentity` gives it: `AROA...:session`.
    pub user_id: String,
    /// The time of issue.
    pub issued_at: Timestamp,
    /// With temporary keys; a whole second.
    pub expires_at: Option<Timestamp>,
    /// With temporary keys.
    pub session: Option<Session>,
}

impl Issued {
    /// Returns the twelve digits of the account.
    pub fn account(&self) -> &str {
        account(&self.arn)
    }
}

/// The parameters of a role session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The operation that made it: `AssumeRoleWithWebIdentity`, `AssumeRole`,
    /// `AssumeRoleForPodIdentity`, `InstanceProfile`.
    pub operation: String,
    /// The role's ARN.
    pub role_arn: String,
    /// `RoleSessionName`.
    pub session_name: String,
    /// The lifetime.
    pub duration: Duration,
    /// The inline session policy, as sent.
    pub policy: Option<String>,
    /// The ARNs of managed session policies.
    pub policy_arns: Vec<String>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// `sub` of the token, where there was one.
    pub subject: Option<String>,
    /// The accepted audience of the token, where there was one.
    pub audience: Option<String>,
    /// `ExternalId`, where it was sent.
    pub external_id: Option<String>,
    /// The access key id that asked, for a second hop.
    pub caller: Option<String>,
}

impl Session {
    /// Makes a session with only a role, a name and a length.
    pub fn new(operation: &str, role_arn: &str, session_name: &str, duration: Duration) -> Self {
        Self {
            operation: operation.to_owned(),
            role_arn: role_arn.to_owned(),
            session_name: session_name.to_owned(),
            duration,
            policy: None,
            policy_arns: Vec::new(),
            tags: BTreeMap::new(),
            subject: None,
            audience: None,
            external_id: None,
            caller: None,
        }
    }

    /// Returns whether its session policies, if it has any, allow this.
    pub(super) fn allows(&self, access: &Access<'_>) -> bool {
        match &self.policy {
            Some(document) => Policy::parse(document).is_ok_and(|policy| policy.allows(access)),
            None => self.policy_arns.is_empty(),
        }
    }

    /// `arn:aws:sts::111122223333:assumed-role/name/session`: the role's name without its path.
    pub fn assumed_role_arn(&self) -> String {
        let partition = self.role_arn.split(':').nth(1).unwrap_or("aws");
        let name = self.role_arn.rsplit('/').next().unwrap_or_default();
        format!(
            "arn:{partition}:sts::{}:assumed-role/{name}/{}",
            account(&self.role_arn),
            self.session_name
        )
    }
}

fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}
