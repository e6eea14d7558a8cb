//! Selectors of the objects of a list or a watch: `labelSelector` and `fieldSelector`.

use serde_json::Value;

use super::resource::{Kind, text};
use super::status::Status;

/// All of these must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug)]
struct Requirement {
    /// The place in the object, as a JSON pointer.
    pointer: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Equals(String),
    Differs(String),
    Present,
    Absent,
}

impl Selector {
    /// Parses both parameters. Of label selectors the set forms (`in (...)`) are refused: no test
    /// needs them.
    pub(super) fn parse(kind: Kind, labels: &str, fields: &str) -> Result<Self, Status> {
        let labels = terms(labels).map(label_requirement);
        let fields = terms(fields).map(|term| field_requirement(kind, term));
        Ok(Self { requirements: labels.chain(fields).collect::<Result<_, _>>()? })
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.requirements.iter().all(|requirement| requirement.holds(object))
    }
}

/// The name that a `fieldSelector` pins, which RBAC then takes for the request's (`resourceNames`).
pub(super) fn pinned_name(fields: &str) -> Option<&str> {
    terms(fields).find_map(|term| match split(term) {
        Some(("metadata.name", true, name)) => Some(name),
        _ => None,
    })
}

impl Requirement {
    fn holds(&self, object: &Value) -> bool {
        match &self.test {
            Test::Equals(value) => text(object, &self.pointer) == value,
            Test::Differs(value) => text(object, &self.pointer) != value,
            Test::Present => object.pointer(&self.pointer).is_some(),
            Test::Absent => object.pointer(&self.pointer).is_none(),
        }
    }
}

fn terms(selector: &str) -> impl Iterator<Item = &str> {
    selector.split(',').map(str::trim).filter(|term| !term.is_empty())
}

/// Key, whether it must be equal, value.
fn split(term: &str) -> Option<(&str, bool, &str)> {
    let (key, equal, value) = if let Some((key, value)) = term.split_once("!=") {
        (key, false, value)
    } else {
        let (key, value) = term.split_once("==").or_else(|| term.split_once('='))?;
        (key, true, value)
    };
    Some((key.trim(), equal, value.trim()))
}

fn test(equal: bool, value: &str) -> Test {
    if equal { Test::Equals(value.to_owned()) } else { Test::Differs(value.to_owned()) }
}

fn label_requirement(term: &str) -> Result<Requirement, Status> {
    let (key, test) = match (split(term), term.strip_prefix('!')) {
        (Some((key, equal, value)), _) => (key, test(equal, value)),
        (None, Some(key)) => (key.trim(), Test::Absent),
        (None, None) => (term, Test::Present),
    };
    if key.is_empty() || key.contains([' ', '(', ')']) {
        return Err(Status::bad_request(format!("unable to parse requirement: {term:?}")));
    }
    Ok(Requirement {
        pointer: format!("/metadata/labels/{}", key.replace('~', "~0").replace('/', "~1")),
        test,
    })
}

fn field_requirement(kind: Kind, term: &str) -> Result<Requirement, Status> {
    let Some((field, equal, value)) = split(term) else {
        let message = format!("invalid selector: {term:?}; can't understand {term:?}");
        return Err(Status::bad_request(message));
    };
    if !["metadata.name", "metadata.namespace"].contains(&field)
        && !kind.selectable_fields().contains(&field)
    {
        return Err(Status::bad_request(format!("field label not supported: {field}")));
    }
    Ok(Requirement { pointer: format!("/{}", field.replace('.', "/")), test: test(equal, value) })
}
