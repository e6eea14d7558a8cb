//! The permissions of the Kubernetes API that plug-ins need, known before their first call.

use std::borrow::Cow;

/// A permission of the Kubernetes API that a plug-in uses, as an RBAC rule has it: so that what is
/// missing is known before a volume needs it.
///
/// ```
/// use s3_credential_core::Permission;
///
/// let reason = "the role of a pod is an annotation of its ServiceAccount";
/// let permission = Permission::new("get", "serviceaccounts", reason);
/// assert_eq!(permission.to_string(), "get serviceaccounts");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Permission {
    /// The RBAC verb: `get`, `watch`, `create`, ...
    pub verb: Cow<'static, str>,
    /// The API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// The resource in plural, with a subresource where there is one: `secrets`,
    /// `serviceaccounts/token`, ...
    pub resource: Cow<'static, str>,
    /// The namespace; none for all of them, and for a resource of the cluster.
    pub namespace: Option<String>,
    /// The name of the object; none for all of them.
    pub name: Option<String>,
    /// The purpose, in half a sentence.
    pub purpose: Cow<'static, str>,
    /// Whether the plug-in goes on without it, if less well.
    pub optional: bool,
}

impl Permission {
    /// Makes a permission of the core group in the whole cluster, which the plug-in requires.
    pub fn new(
        verb: impl Into<Cow<'static, str>>,
        resource: impl Into<Cow<'static, str>>,
        purpose: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            verb: verb.into(),
            group: Cow::Borrowed(""),
            resource: resource.into(),
            namespace: None,
            name: None,
            purpose: purpose.into(),
            optional: false,
        }
    }

    /// In this API group.
    #[must_use]
    pub fn of_group(self, group: impl Into<Cow<'static, str>>) -> Self {
        Self { group: group.into(), ..self }
    }

    /// In this namespace only.
    #[must_use]
    pub fn in_namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), ..self }
    }

    /// On the object of this name only.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The plug-in goes on without it.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }
}

impl std::fmt::Display for Permission {
    /// Writes the permission as `kubectl auth can-i` takes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { verb, group, resource, .. } = self;
        write!(f, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        if let Some(name) = &self.name {
            write!(f, "/{name}")?;
        }
        if let Some(namespace) = &self.namespace {
            write!(f, " -n {namespace}")?;
        }
        Ok(())
    }
}
