//! Error answers of the Kubernetes API, as failures that name the rule to add.

use crate::error::{ErrorKind, Failure};
use crate::text::printable;

/// One call of the Kubernetes API, named as RBAC names it, so that its failure can say which rule
/// is missing.
///
/// ```
/// use s3_credential_core::{ErrorKind, KubernetesCall};
///
/// let namespace = Some("apps");
/// let call = KubernetesCall { verb: "get", resource: "serviceaccounts", namespace, name: "web" };
/// let failure = call.refused(403);
/// assert_eq!(failure.kind(), ErrorKind::PermissionDenied);
/// assert!(failure.help().contains("`get` on `serviceaccounts`"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct KubernetesCall<'a> {
    /// The RBAC verb: `get`, `watch`, `create`, ...
    pub verb: &'a str,
    /// The RBAC resource in plural, with a subresource where there is one: `secrets`,
    /// `serviceaccounts/token`, ...
    pub resource: &'a str,
    /// The namespace; none for a resource of the cluster, such as `nodes`.
    pub namespace: Option<&'a str>,
    /// The name of the object.
    pub name: &'a str,
}

impl KubernetesCall<'_> {
    /// Refuses a namespace or a name that can be none: both become part of a URL, where a `/` or a
    /// `?` would name another object.
    pub fn check(&self) -> Result<(), Failure> {
        let refuse = |what: &str| {
            Err(Failure::new(
                ErrorKind::InvalidRequest,
                format!("the {what} of a Kubernetes object is not a DNS name"),
            )
            .with_help("use lower-case letters, digits and inner dashes, as Kubernetes does"))
        };
        if self.namespace.is_some_and(|namespace| !is_label(namespace)) {
            return refuse("namespace");
        }
        if self.name.len() > 253 || !self.name.split('.').all(is_label) {
            return refuse("name");
        }
        Ok(())
    }

    /// Returns the failure for an answer with this HTTP status, which is no success.
    pub fn refused(&self, status: u16) -> Failure {
        let Self { verb, resource, .. } = self;
        let object = self.object();
        match status {
            400 | 409 | 422 => Failure::new(
                ErrorKind::InvalidRequest,
                format!("the Kubernetes API does not accept `{verb}` of {object} as it was asked for (status {status})"),
            ),
            401 => Failure::new(
                ErrorKind::Rejected,
                format!("the Kubernetes API does not know who asks for {object}: it refuses the driver's own credentials"),
            )
            .with_help("check the driver's service-account token, or the user in KUBECONFIG"),
            403 => Failure::new(
                ErrorKind::PermissionDenied,
                format!("the driver may not `{verb}` {object}"),
            )
            .with_help(format!(
                "grant the driver's service account the RBAC verb `{verb}` on `{resource}`{}",
                self.namespace
                    .map_or_else(String::new, |namespace| format!(" in the namespace {}", printable(namespace)))
            )),
            404 => Failure::new(ErrorKind::NotFound, format!("{object} does not exist"))
                .with_help("check its name and namespace, or create it"),
            429 => Failure::new(
                ErrorKind::Throttled,
                format!("the Kubernetes API limits the rate of requests for {object}"),
            ),
            _ => self.unavailable(&format!("the Kubernetes API answers with status {status} for")),
        }
    }

    /// Returns the failure for a missing answer: the API server cannot be reached, closes the
    /// connection, or sends an unreadable answer.
    pub fn unreachable(&self) -> Failure {
        self.unavailable("the Kubernetes API gives no answer for")
    }

    /// Returns the failure for a time-out.
    pub fn timed_out(&self) -> Failure {
        self.unavailable("the Kubernetes API gives no answer in time for")
    }

    fn unavailable(&self, problem: &str) -> Failure {
        Failure::new(ErrorKind::Unavailable, format!("{problem} {}", self.object())).with_help(
            "check that the API server can be reached from the driver's pod: KUBERNETES_SERVICE_HOST or KUBECONFIG, network policies",
        )
    }

    fn object(&self) -> String {
        // `serviceaccounts/token` is asked of the service account.
        let kind = match self.resource.split('/').next().unwrap_or_default() {
            "serviceaccounts" => "ServiceAccount",
            "secrets" => "Secret",
            "nodes" => "Node",
            "pods" => "Pod",
            other => other,
        };
        let namespace = self
            .namespace
            .map_or_else(String::new, |namespace| format!("{}/", printable(namespace)));
        format!("the {kind} {namespace}{}", printable(self.name))
    }
}

/// A DNS label (RFC 1123). A part of an object's name has no limit of its own, and 253 for the
/// whole is in force anyway.
fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !label.is_empty()
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}
