//! Ready-made roles: everything that the plug-ins need of the Kubernetes API, and its bindings to
//! the driver.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use s3_credential_core::Permission;
use serde_json::json;

/// The name of the objects. They hold all that is needed, so applying them again neither extends
/// nor reduces other rules.
const NAME: &str = "s3-credential-provider";

/// The prefix of a service account's user name (Kubernetes, "Authenticating").
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// API group, resource and name of a rule, with its verbs.
type Rules<'a> = BTreeMap<(&'a str, &'a str, Option<&'a str>), Vec<&'a str>>;

/// For `kubectl apply -f -`. A namespace makes a Role, none a ClusterRole. The scalars are JSON,
/// which is YAML.
pub(super) fn yaml(permissions: &[Permission], user: Option<&str>) -> String {
    let mut roles: BTreeMap<Option<&str>, Rules<'_>> = BTreeMap::new();
    for permission in permissions {
        let Permission { verb, group, resource, namespace, name, .. } = permission;
        let rules = roles.entry(namespace.as_deref()).or_default();
        rules.entry((&**group, &**resource, name.as_deref())).or_default().push(verb);
    }
    let documents: Vec<String> = roles
        .into_iter()
        .flat_map(|(namespace, rules)| [role(namespace, &rules), binding(namespace, user)])
        .collect();
    documents.join("---\n")
}

fn role(namespace: Option<&str>, rules: &Rules<'_>) -> String {
    let mut yaml = head(kind(namespace), namespace);
    yaml.push_str("rules:\n");
    for ((group, resource, name), verbs) in rules {
        let _ = write!(
            yaml,
            "- apiGroups: {}\n  resources: {}\n  verbs: {}\n",
            json!([group]),
            json!([resource]),
            json!(verbs)
        );
        if let Some(name) = name {
            let _ = writeln!(yaml, "  resourceNames: {}", json!([name]));
        }
    }
    yaml
}

fn binding(namespace: Option<&str>, user: Option<&str>) -> String {
    let kind = kind(namespace);
    let mut yaml = head(&format!("{kind}Binding"), namespace);
    let _ = write!(
        yaml,
        "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: {NAME}\nsubjects:\n"
    );
    let account =
        user.map(|user| user.strip_prefix(SERVICE_ACCOUNT).and_then(|rest| rest.split_once(':')));
    yaml + &match (user, account) {
        (Some(user), Some(None)) => {
            format!(
                "- apiGroup: rbac.authorization.k8s.io\n  kind: User\n  name: {}\n",
                json!(user)
            )
        }
        (_, Some(Some((namespace, name)))) => {
            format!(
                "- kind: ServiceAccount\n  namespace: {}\n  name: {}\n",
                json!(namespace),
                json!(name)
            )
        }
        _ => "- kind: ServiceAccount # the driver's own\n  namespace: NAMESPACE\n  name: NAME\n"
            .to_owned(),
    }
}

fn head(kind: &str, namespace: Option<&str>) -> String {
    let mut yaml = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {NAME}\n"
    );
    if let Some(namespace) = namespace {
        let _ = writeln!(yaml, "  namespace: {}", json!(namespace));
    }
    yaml
}

fn kind(namespace: Option<&str>) -> &'static str {
    if namespace.is_some() { "Role" } else { "ClusterRole" }
}
