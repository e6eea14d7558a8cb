//! The instance profile: one role, and the keys that IMDS holds for it.

use std::time::Duration;

use s3_credential_core::Secret;
use serde_json::json;

use super::refusal;
use crate::iam::{Caller, Iam, Issued, Session};
use crate::server::Response;

/// The instance; the session name of its profile, as in EC2.
pub(super) const INSTANCE_ID: &str = "i-0123456789abcdef0";

/// New keys come when the old ones have less than this left.
const EARLY: Duration = Duration::from_mins(5);

#[derive(Debug)]
pub(super) struct Profile {
    role_arn: Option<String>,
    ttl: Duration,
    frozen: bool,
    keys: Option<Issued>,
}

impl Default for Profile {
    fn default() -> Self {
        Self { role_arn: None, ttl: Duration::from_hours(6), frozen: false, keys: None }
    }
}

impl Profile {
    pub(super) fn set_role(&mut self, arn: Option<&str>) {
        self.role_arn = arn.map(str::to_owned);
        self.keys = None;
    }

    pub(super) fn set_ttl(&mut self, ttl: Duration) {
        self.ttl = ttl;
        self.keys = None;
    }

    pub(super) fn freeze(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    pub(super) fn account(&self) -> &str {
        let account = self.role_arn.as_deref().and_then(|arn| arn.split(':').nth(4));
        account.unwrap_or("111122223333")
    }

    pub(super) fn list(&self) -> Response {
        match self.name() {
            Some(name) => Response::text(200, name.to_owned()),
            None => refusal(404, "Not Found"),
        }
    }

    /// Returns the document of the role called `name`.
    pub(super) fn credentials(&mut self, name: &str, iam: &Iam) -> Response {
        let Some(arn) = self.role_arn.clone().filter(|_| self.name() == Some(name)) else {
            return refusal(404, "Not Found");
        };
        if !iam.role(&arn).is_some_and(|role| role.trusts(&Caller::Service("ec2.amazonaws.com"))) {
            let message = format!(
                "EC2 cannot assume the role {name}. Please see documentation for more information."
            );
            let updated = iam.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let document = json!({
                "Code": "AssumeRoleUnauthorizedAccess", "Message": message, "LastUpdated": updated,
            });
            return Response::json(200, &document);
        }
        let keys = self.current(&arn, iam);
        let document = json!({
            "Code": "Success",
            "LastUpdated": keys.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "Type": "AWS-HMAC",
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key.expose(),
            "Token": keys.session_token.as_ref().map(Secret::expose),
            "Expiration": keys.expires_at.map(|at| at.to_string()),
        });
        Response::json(200, &document).header("content-type", "text/plain")
    }

    fn current(&mut self, arn: &str, iam: &Iam) -> Issued {
        let fresh = |keys: &&Issued| keys.expires_at.is_some_and(|at| at > iam.now() + EARLY);
        if let Some(keys) = self.keys.as_ref().filter(|keys| self.frozen || fresh(keys)) {
            return keys.clone();
        }
        let keys = iam.issue(Session::new("InstanceProfile", arn, INSTANCE_ID, self.ttl));
        self.keys.insert(keys).clone()
    }

    fn name(&self) -> Option<&str> {
        self.role_arn.as_deref()?.rsplit('/').next()
    }
}
