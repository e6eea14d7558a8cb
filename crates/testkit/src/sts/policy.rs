//! Session policies: are they policies, and do they fit.

use serde_json::Value;

use super::StsError;
use crate::iam::Session;

/// The budget of [`packed_size`]. AWS packs into a binary form of an undocumented size; this is
/// our stand-in.
const PACKED_BYTES: usize = 2048;

/// The percentage of the packed limit that policies and tags use, if there are any.
pub(super) fn check(session: &Session) -> Result<Option<usize>, StsError> {
    let mut bytes: usize = session.policy_arns.iter().map(String::len).sum();
    bytes += session.tags.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    for arn in &session.policy_arns {
        if !arn.contains(":policy/") {
            return Err(StsError::validation(format!("ARN {arn} is not valid.")));
        }
    }
    if let Some(policy) = &session.policy {
        let policy: Value = serde_json::from_str(policy)
            .map_err(|_| StsError::malformed_policy("This policy contains invalid Json"))?;
        statements(&policy)?;
        // What has no meaning is not packed: white space.
        bytes += policy.to_string().len();
    }
    // Rounded up: a policy of one byte is not 0 %.
    let percent = (bytes * 100).div_ceil(PACKED_BYTES);
    if percent > 100 {
        return Err(StsError::packed_policy_too_large(percent));
    }
    Ok((bytes > 0).then_some(percent))
}

/// The grammar as far as it catches what a program gets wrong: the elements there must be, and
/// those a session policy cannot have.
fn statements(policy: &Value) -> Result<(), StsError> {
    let malformed = || StsError::malformed_policy("Syntax errors in policy.");
    let version = &policy["Version"];
    if !version.is_null() && version != "2012-10-17" && version != "2008-10-17" {
        return Err(malformed());
    }
    let statements = match &policy["Statement"] {
        Value::Array(list) if !list.is_empty() => list.as_slice(),
        one @ Value::Object(_) => std::slice::from_ref(one),
        _ => return Err(malformed()),
    };
    for statement in statements {
        if statement.get("Principal").is_some() || statement.get("NotPrincipal").is_some() {
            return Err(StsError::malformed_policy(
                "Policy document should not specify a principal.",
            ));
        }
        let one_of =
            |name: &str| texts(&statement[name]) != texts(&statement[format!("Not{name}")]);
        let effect = statement["Effect"] == "Allow" || statement["Effect"] == "Deny";
        let condition = statement.get("Condition").is_none_or(Value::is_object);
        if !(effect && condition && one_of("Action") && one_of("Resource")) {
            return Err(malformed());
        }
    }
    Ok(())
}

/// A text, or a list of texts that is not empty.
fn texts(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(list) => !list.is_empty() && list.iter().all(Value::is_string),
        _ => false,
    }
}
