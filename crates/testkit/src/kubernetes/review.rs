//! Reviews of callers by themselves: `kubectl auth can-i`, `kubectl auth whoami`.

use serde_json::{Value, json};

use super::access::{Access, User};
use super::request::Attributes;
use super::resource::text;
use super::status::Status;

/// Answers a review of the caller, by the rules that its requests are judged by.
pub(super) fn answer(
    access: &Access,
    user: &User,
    resource: &str,
    mut review: Value,
) -> Result<Value, Status> {
    review["status"] = match resource {
        "selfsubjectreviews" => json!({"userInfo": {"username": user.name, "groups": user.groups}}),
        "selfsubjectrulesreviews" => rules(access, user, text(&review, "/spec/namespace")),
        "selfsubjectaccessreviews" => {
            let allowed = access.allows(user, &asked(&review)?);
            // RBAC gives a reason only for what it allows; the reference server names the binding
            // there.
            json!({"allowed": allowed})
        }
        _ => return Err(Status::no_such_resource()),
    };
    Ok(review)
}

fn asked(review: &Value) -> Result<Attributes, Status> {
    if let Some(asked) = review.pointer("/spec/resourceAttributes") {
        let field = |name: &str| text(asked, &format!("/{name}")).to_owned();
        return Ok(Attributes {
            verb: field("verb"),
            group: field("group"),
            resource: field("resource"),
            subresource: field("subresource"),
            namespace: field("namespace"),
            name: field("name"),
            path: String::new(),
        });
    }
    if let Some(asked) = review.pointer("/spec/nonResourceAttributes") {
        return Ok(Attributes {
            verb: text(asked, "/verb").to_owned(),
            path: text(asked, "/path").to_owned(),
            ..Attributes::default()
        });
    }
    let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    let kind = "SelfSubjectAccessReview.authorization.k8s.io";
    Err(Status::invalid(kind, "", "spec.resourceAttributes", why))
}

fn rules(access: &Access, user: &User, namespace: &str) -> Value {
    let rules = access.rules_of(user);
    let rules = rules.iter().filter(|rule| rule.reaches(namespace)).map(|rule| {
        json!({"verbs": rule.verbs(), "apiGroups": [""], "resources": rule.resources(), "resourceNames": rule.names()})
    });
    json!({"resourceRules": rules.collect::<Vec<_>>(), "nonResourceRules": [], "incomplete": false})
}
