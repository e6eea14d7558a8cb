//! Callers and their permissions: RBAC rules by user or group.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use crate::lock;

use super::request::Attributes;

/// The group whose members may do everything.
const MASTERS: &str = "system:masters";

/// A permission of a user; all else is refused. Rules are of the core API group, as every stored
/// kind is.
///
/// ```
/// use s3_credential_testkit::kubernetes::Rule;
///
/// // `kubectl get serviceaccount`, in every namespace.
/// let read_accounts = Rule::new(["get"], ["serviceaccounts"]);
/// // One Secret. Its watch must name it too: `fieldSelector=metadata.name=aws-secret`.
/// let follow_one = Rule::new(["get", "list", "watch"], ["secrets"])
///     .in_namespace("kube-system")
///     .named("aws-secret");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    verbs: Vec<String>,
    resources: Vec<String>,
    namespace: Option<String>,
    names: Vec<String>,
}

impl Rule {
    /// These verbs (`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, or `*`) on these
    /// resources (`secrets`, `serviceaccounts/token`, or `*`), at the cluster scope and so in every
    /// namespace.
    pub fn new<V: Into<String>, R: Into<String>>(
        verbs: impl IntoIterator<Item = V>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self {
            verbs: verbs.into_iter().map(Into::into).collect(),
            resources: resources.into_iter().map(Into::into).collect(),
            namespace: None,
            names: Vec::new(),
        }
    }

    /// In this namespace only: a Role instead of a ClusterRole.
    #[must_use]
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// On the object of this name only, or, if called again, on these (`resourceNames`).
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    fn allows(&self, request: &Attributes) -> bool {
        let covers =
            |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
        request.group.is_empty()
            && covers(&self.verbs, &request.verb)
            && covers(&self.resources, &request.qualified_resource())
            && self.namespace.as_ref().is_none_or(|namespace| *namespace == request.namespace)
            && (self.names.is_empty() || self.names.contains(&request.name))
    }

    pub(super) fn verbs(&self) -> &[String] {
        &self.verbs
    }

    pub(super) fn resources(&self) -> &[String] {
        &self.resources
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn reaches(&self, namespace: &str) -> bool {
        self.namespace.as_ref().is_none_or(|own| own == namespace)
    }
}

/// The user of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
}

impl User {
    pub(super) fn new(name: impl Into<String>, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|group| (*group).to_owned());
        Self { name: name.into(), groups: groups.collect() }
    }

    pub(super) fn admin() -> Self {
        Self::new("kubernetes-admin", &[MASTERS, "system:authenticated"])
    }

    pub(super) fn anonymous() -> Self {
        Self::new("system:anonymous", &["system:unauthenticated"])
    }

    pub(super) fn service_account(namespace: &str, name: &str) -> Self {
        let of_namespace = format!("system:serviceaccounts:{namespace}");
        Self::new(
            format!("system:serviceaccount:{namespace}:{name}"),
            &["system:serviceaccounts", &of_namespace, "system:authenticated"],
        )
    }

    fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }
}

/// The rules that were granted, and the tokens that were registered.
#[derive(Default)]
pub(super) struct Access {
    rules: Mutex<BTreeMap<String, Vec<Rule>>>,
    tokens: Mutex<BTreeMap<String, User>>,
}

impl Access {
    pub(super) fn register(&self, token: &str, user: User) {
        lock(&self.tokens).insert(token.to_owned(), user);
    }

    pub(super) fn user_of(&self, token: &str) -> Option<User> {
        lock(&self.tokens).get(token).cloned()
    }

    pub(super) fn grant(&self, subject: &str, rule: Rule) {
        self.rules().entry(subject.to_owned()).or_default().push(rule);
    }

    pub(super) fn revoke(&self, subject: &str) {
        self.rules().remove(subject);
    }

    /// Returns the rules that apply to a user, by its name and by its groups.
    pub(super) fn rules_of(&self, user: &User) -> Vec<Rule> {
        let mut all = if user.is_in(MASTERS) { vec![Rule::new(["*"], ["*"])] } else { Vec::new() };
        let rules = self.rules();
        for subject in user.groups.iter().chain([&user.name]) {
            all.extend(rules.get(subject).into_iter().flatten().cloned());
        }
        all
    }

    pub(super) fn allows(&self, user: &User, request: &Attributes) -> bool {
        if user.is_in(MASTERS) {
            return true;
        }
        if request.resource.is_empty() {
            return is_public(&request.path)
                || (user.is_in("system:authenticated") && is_discovery(&request.path));
        }
        // ClusterRole system:basic-user: every user may ask about themselves.
        let about_self =
            request.group.ends_with(".k8s.io") && request.resource.starts_with("selfsubject");
        (about_self && user.is_in("system:authenticated"))
            || self.rules_of(user).iter().any(|rule| rule.allows(request))
    }

    fn rules(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Rule>>> {
        lock(&self.rules)
    }
}

/// ClusterRole system:public-info-viewer; and the issuer's keys, which clusters with a public
/// issuer show without authentication.
fn is_public(path: &str) -> bool {
    ["/version", "/healthz", "/livez", "/readyz"].contains(&path)
        || ["/.well-known/openid-configuration", "/openid/v1/jwks"].contains(&path)
}

/// ClusterRole system:discovery.
fn is_discovery(path: &str) -> bool {
    ["/api", "/apis", "/openapi"].iter().any(|prefix| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
