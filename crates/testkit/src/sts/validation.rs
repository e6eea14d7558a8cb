//! The constraints of the service model on parameters.

use super::{Parameters, StsError};

/// A constraint on one parameter's text.
pub(super) struct Rule {
    /// The name in the service's message.
    pub(super) member: &'static str,
    pub(super) length: std::ops::RangeInclusive<usize>,
    pub(super) pattern: Option<Pattern>,
    /// Whether the message may repeat the value.
    pub(super) sensitive: bool,
}

/// The regular expression as the message gives it, and the check: a character class repeated, in
/// every case there is.
type Pattern = (&'static str, fn(char) -> bool);

impl Rule {
    pub(super) fn check(&self, value: &str) -> Result<(), StsError> {
        let length = value.chars().count();
        if length < *self.length.start() {
            let constraint =
                format!("Member must have length greater than or equal to {}", self.length.start());
            return Err(self.violated(value, &constraint));
        }
        if length > *self.length.end() {
            let constraint =
                format!("Member must have length less than or equal to {}", self.length.end());
            return Err(self.violated(value, &constraint));
        }
        match self.pattern {
            Some((pattern, allowed)) if !value.chars().all(allowed) => {
                let constraint =
                    format!("Member must satisfy regular expression pattern: {pattern}");
                Err(self.violated(value, &constraint))
            }
            _ => Ok(()),
        }
    }

    fn violated(&self, value: &str, constraint: &str) -> StsError {
        let value = if self.sensitive { "" } else { value };
        violated(value, self.member, constraint)
    }
}

pub(super) fn violated(value: &str, member: &str, constraint: &str) -> StsError {
    StsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// A parameter that must be there, by its name in the query protocol.
pub(super) fn required<'a>(
    parameters: &'a Parameters,
    name: &str,
    rule: &Rule,
) -> Result<&'a str, StsError> {
    let value = parameters.get(name).ok_or_else(|| {
        let constraint = "Member must not be null";
        StsError::validation(format!(
            "1 validation error detected: Value null at '{}' failed to satisfy constraint: {constraint}",
            rule.member
        ))
    })?;
    rule.check(value)?;
    Ok(value)
}

/// A parameter that may be there.
pub(super) fn optional<'a>(
    parameters: &'a Parameters,
    name: &str,
    rule: &Rule,
) -> Result<Option<&'a str>, StsError> {
    parameters.get(name).map(|value| rule.check(value).map(|()| value.as_str())).transpose()
}

/// `PREFIX.member.1.FIELD`, `PREFIX.member.2.FIELD`, ... up to the first that is missing.
pub(super) fn members<'a>(parameters: &'a Parameters, prefix: &str, field: &str) -> Vec<&'a str> {
    (1..)
        .map_while(|n| parameters.get(&format!("{prefix}.member.{n}.{field}")))
        .map(String::as_str)
        .collect()
}

/// `[\w+=,.@-]`
pub(super) fn name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}
