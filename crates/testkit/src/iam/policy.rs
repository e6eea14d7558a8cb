//! Policies and what they allow, as far as an emulator can be honest about it: a document with an
//! element or an operator that is not evaluated here is refused when it is read.
//!
//! What is evaluated: `Effect` (a `Deny` goes before every `Allow`, and the default is to deny),
//! `Action` and `Resource` with wildcards, in resources also the variables `${*}`, `${?}` and
//! `${$}`, and the conditions `StringEquals` and `StringLike`. All conditions must be met, each by
//! one of its values, and none is met by a key that the request does not have.

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

use super::pattern::{Token, matches, wildcards, with_variables};

/// A policy document.
#[derive(Debug, Clone)]
pub struct Policy(Vec<Statement>);

/// An action of a principal.
#[derive(Debug, Clone, Default)]
pub struct Access<'a> {
    /// `s3:GetObject`
    pub action: &'a str,
    /// The ARN: `arn:aws:s3:::bucket/key`
    pub resource: &'a str,
    /// Condition keys of the request: `s3:prefix`.
    pub context: BTreeMap<&'a str, &'a str>,
}

/// The reason why a document is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is no policy document.
    #[error("this is no policy document: {0}")]
    Malformed(String),
    /// It is one that is not evaluated here.
    #[error("{0} is not evaluated here")]
    Unknown(String),
}

#[derive(Debug, Clone)]
struct Statement {
    allow: bool,
    actions: Vec<Vec<Token>>,
    resources: Vec<Resource>,
    conditions: Vec<Condition>,
}

/// The parts of an ARN, which are compared one by one; a single `*` is every resource.
type Resource = Vec<Vec<Token>>;

/// The key, and patterns of its value.
#[derive(Debug, Clone)]
struct Condition {
    key: String,
    values: Vec<Vec<Token>>,
}

const ARN_PARTS: usize = 6;

impl<'a> Access<'a> {
    /// Makes an action on a resource.
    pub fn new(action: &'a str, resource: &'a str) -> Self {
        Self { action, resource, context: BTreeMap::new() }
    }

    /// Adds a condition key.
    #[must_use]
    pub fn with(mut self, key: &'a str, value: &'a str) -> Self {
        self.context.insert(key, value);
        self
    }
}

impl Policy {
    /// Reads a document.
    pub fn parse(document: &str) -> Result<Self, PolicyError> {
        let document: Value = serde_json::from_str(document)
            .map_err(|error| PolicyError::Malformed(error.to_string()))?;
        // Without it `${*}` is text.
        if document["Version"] != "2012-10-17" {
            return Err(PolicyError::Unknown("a version other than 2012-10-17".to_owned()));
        }
        let one;
        let statements = match &document["Statement"] {
            Value::Array(list) => list,
            statement => {
                one = vec![statement.clone()];
                &one
            }
        };
        statements.iter().map(statement).collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether a statement allows it and none denies it.
    pub fn allows(&self, access: &Access<'_>) -> bool {
        self.says(access, true) && !self.denies(access)
    }

    /// Returns whether a statement denies it.
    pub fn denies(&self, access: &Access<'_>) -> bool {
        self.says(access, false)
    }

    fn says(&self, access: &Access<'_>, allow: bool) -> bool {
        self.0.iter().any(|statement| statement.allow == allow && statement.applies(access))
    }
}

impl Statement {
    fn applies(&self, access: &Access<'_>) -> bool {
        let action = access.action.to_ascii_lowercase();
        let parts: Vec<&str> = access.resource.splitn(ARN_PARTS, ':').collect();
        self.actions.iter().any(|pattern| matches(pattern, &action))
            && self.resources.iter().any(|resource| names(resource, &parts))
            && self.conditions.iter().all(|condition| condition.is_met(access))
    }
}

impl Condition {
    fn is_met(&self, access: &Access<'_>) -> bool {
        let mut known = access.context.iter();
        known
            .find(|(key, _)| key.eq_ignore_ascii_case(&self.key))
            .is_some_and(|(_, value)| self.values.iter().any(|pattern| matches(pattern, value)))
    }
}

fn names(resource: &Resource, parts: &[&str]) -> bool {
    match resource.as_slice() {
        [every] => *every == [Token::Any],
        patterns => {
            patterns.len() == parts.len()
                && patterns.iter().zip(parts).all(|(pattern, part)| matches(pattern, part))
        }
    }
}

fn statement(value: &Value) -> Result<Statement, PolicyError> {
    let elements =
        value.as_object().ok_or_else(|| PolicyError::Malformed("a statement".to_owned()))?;
    let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
    if let Some(unknown) = elements.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(PolicyError::Unknown(format!("the element {unknown}")));
    }
    let actions = texts(&value["Action"])?;
    Ok(Statement {
        allow: match value["Effect"].as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(PolicyError::Malformed("Effect".to_owned())),
        },
        actions: actions.iter().map(|action| wildcards(&action.to_ascii_lowercase())).collect(),
        resources: texts(&value["Resource"])?
            .into_iter()
            .map(resource)
            .collect::<Result<_, _>>()?,
        conditions: conditions(&value["Condition"])?,
    })
}

fn resource(text: &str) -> Result<Resource, PolicyError> {
    let parts: Vec<&str> = text.splitn(ARN_PARTS, ':').collect();
    if text != "*" && (parts.len() != ARN_PARTS || parts[0] != "arn") {
        return Err(PolicyError::Malformed("a resource that is no ARN".to_owned()));
    }
    parts.into_iter().map(pattern).collect()
}

fn conditions(value: &Value) -> Result<Vec<Condition>, PolicyError> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let malformed = || PolicyError::Malformed("Condition".to_owned());
    let mut conditions = Vec::new();
    for (operator, keys) in value.as_object().ok_or_else(malformed)? {
        let parse: fn(&str) -> Result<Vec<Token>, PolicyError> = match operator.as_str() {
            "StringLike" => pattern,
            "StringEquals" => literal,
            other => return Err(PolicyError::Unknown(format!("the operator {other}"))),
        };
        for (key, values) in keys.as_object().ok_or_else(malformed)? {
            let values = texts(values)?.into_iter().map(parse).collect::<Result<_, _>>()?;
            conditions.push(Condition { key: key.clone(), values });
        }
    }
    Ok(conditions)
}

fn pattern(text: &str) -> Result<Vec<Token>, PolicyError> {
    with_variables(text).ok_or_else(|| PolicyError::Unknown("a policy variable".to_owned()))
}

/// Variables are replaced here, too; `*` and `?` are themselves.
fn literal(text: &str) -> Result<Vec<Token>, PolicyError> {
    let special = |token| match token {
        Token::Any => Token::Literal('*'),
        Token::One => Token::Literal('?'),
        literal @ Token::Literal(_) => literal,
    };
    Ok(pattern(text)?.into_iter().map(special).collect())
}

fn texts(value: &Value) -> Result<Vec<&str>, PolicyError> {
    let malformed = || PolicyError::Malformed("a text, or a list of texts".to_owned());
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Array(list) => list.iter().map(|text| text.as_str().ok_or_else(malformed)).collect(),
        _ => Err(malformed()),
    }
}
