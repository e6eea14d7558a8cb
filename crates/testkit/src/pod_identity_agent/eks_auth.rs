//! The service behind the agent: EKS Auth's `AssumeRoleForPodIdentity`, and the cluster's
//! associations.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use s3_credential_core::POD_IDENTITY_AUDIENCE;

use super::EksAuthError;
use crate::iam::{Caller, Iam, Issued, Session};
use crate::jwt::{Claims, JwtError, Verifier};

#[derive(Debug)]
pub(super) struct EksAuth {
    iam: Iam,
    verifier: Verifier,
    /// By namespace and service account.
    associations: BTreeMap<(String, String), Association>,
    ttl: Duration,
    error: Option<EksAuthError>,
    calls: usize,
}

#[derive(Debug)]
struct Association {
    role_arn: String,
    visible_at: Timestamp,
}

impl EksAuth {
    pub(super) fn new(iam: Iam, verifier: Verifier) -> Self {
        let ttl = Duration::from_hours(6);
        Self { iam, verifier, associations: BTreeMap::new(), ttl, error: None, calls: 0 }
    }

    pub(super) fn associate(
        &mut self,
        delay: Duration,
        namespace: &str,
        service_account: &str,
        role_arn: &str,
    ) {
        let association =
            Association { role_arn: role_arn.to_owned(), visible_at: self.iam.now() + delay };
        self.associations.insert((namespace.to_owned(), service_account.to_owned()), association);
    }

    pub(super) fn dissociate(&mut self, namespace: &str, service_account: &str) {
        self.associations.remove(&(namespace.to_owned(), service_account.to_owned()));
    }

    pub(super) fn set_ttl(&mut self, ttl: Duration) {
        self.ttl = ttl;
    }

    pub(super) fn set_error(&mut self, error: Option<EksAuthError>) {
        self.error = error;
    }

    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    pub(super) fn assume_role(&mut self, token: &str) -> Result<Issued, EksAuthError> {
        self.calls += 1;
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let now = self.iam.now();
        let claims = self.verifier.verify(token, now).map_err(|error| match error {
            JwtError::Expired => EksAuthError::expired_token(),
            _ => EksAuthError::invalid_token(),
        })?;
        if !claims.audiences().contains(&POD_IDENTITY_AUDIENCE) {
            return Err(EksAuthError::invalid_token());
        }
        let (namespace, service_account) =
            claims.service_account().ok_or_else(EksAuthError::invalid_token)?;
        let key = (namespace.to_owned(), service_account.to_owned());
        let association =
            self.associations.get(&key).filter(|association| association.visible_at <= now);
        let role_arn = &association.ok_or_else(EksAuthError::resource_not_found)?.role_arn;
        let trusted = Caller::Service("pods.eks.amazonaws.com");
        if !self.iam.role(role_arn).is_some_and(|role| role.trusts(&trusted)) {
            return Err(EksAuthError::access_denied());
        }
        Ok(self.iam.issue(session(role_arn, self.ttl, &claims, namespace, service_account)))
    }
}

/// A session with the tags that EKS gives it, where the token is bound to a pod.
fn session(
    role_arn: &str,
    ttl: Duration,
    claims: &Claims,
    namespace: &str,
    service_account: &str,
) -> Session {
    let name = format!("eks-{service_account}");
    let name: String = name.chars().take(64).collect();
    let mut session = Session::new("AssumeRoleForPodIdentity", role_arn, &name, ttl);
    session.subject = Some(claims.subject().to_owned());
    session.audience = Some(POD_IDENTITY_AUDIENCE.to_owned());
    let pod = |field: &str| claims.get("kubernetes.io")?.get("pod")?.get(field)?.as_str();
    let tags = [
        ("kubernetes-namespace", Some(namespace)),
        ("kubernetes-service-account", Some(service_account)),
        ("kubernetes-pod-name", pod("name")),
        ("kubernetes-pod-uid", pod("uid")),
    ];
    session.tags = tags
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
        .collect();
    session
}
