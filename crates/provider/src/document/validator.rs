//! The tree against the schema: every problem that types have, at its place.

mod scalars;

use serde_json::{Map, Value as Json};

use crate::document::diagnostic::{Diagnostic, Rejection, item_path, key_path};
use crate::document::suggestion::{did_you_mean, listed};
use crate::document::tree::{Key, Node, Value};
use scalars::{check_number, check_text, check_word, expected, is_of_type, mismatch, words};

/// In a schema: values that are refused for a reason of their own, with the reason.
pub(crate) const REFUSED: &str = "x-refused";

/// In a schema: a key that cannot be set here, with the reason and the help.
pub(crate) const UNAVAILABLE: &str = "x-unavailable";

/// Judges a text by the format that its schema names. It accepts formats that it does not know, as
/// JSON Schema has it.
pub(crate) type Formats = fn(&str, &str) -> Result<(), Rejection>;

/// Compares nodes with the part of JSON Schema that `schemars` makes of types.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SchemaValidator<'a> {
    definitions: Option<&'a Map<String, Json>>,
    formats: Formats,
}

type Schema = Map<String, Json>;

impl<'a> SchemaValidator<'a> {
    /// For schemas whose references are to the definitions of this one.
    pub(crate) fn new(root: &'a Json, formats: Formats) -> Self {
        Self { definitions: root.get("$defs").and_then(Json::as_object), formats }
    }

    /// Every way in which the node is not what the schema describes.
    pub(crate) fn check(self, node: &Node, schema: &'a Json, path: &str) -> Vec<Diagnostic> {
        let Some(schema) = schema.as_object() else {
            return Vec::new();
        };
        let mut diagnostics = match self.referenced(schema) {
            Some(referenced) => self.check(node, referenced, path),
            None => Vec::new(),
        };
        diagnostics.extend(match alternatives(schema) {
            Some(branches) => self.check_alternatives(node, branches, path),
            None => self.check_alone(node, schema, path),
        });
        if let Some(reason) = reason_of_refusal(node, schema) {
            let choice = format!("choose one of {}", listed(&self.choices(schema)));
            for diagnostic in &mut diagnostics {
                reason.clone_into(&mut diagnostic.message);
                diagnostic.suggestion = Some(choice.clone());
            }
        }
        if schema.get("writeOnly") == Some(&Json::Bool(true)) {
            for diagnostic in &mut diagnostics {
                diagnostic.conceal = true;
            }
        }
        diagnostics
    }

    fn referenced(self, schema: &Schema) -> Option<&'a Json> {
        let name = schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
        self.definitions?.get(name)
    }

    /// Checks an entry. A problem of a mapping as a whole is shown at its key.
    fn check_entry(self, key: &Key, node: &Node, schema: &'a Json, path: &str) -> Vec<Diagnostic> {
        if let Some(unavailable) = schema.get(UNAVAILABLE) {
            let text = |name: &str| unavailable[name].as_str().unwrap_or_default().to_owned();
            let diagnostic = Diagnostic::at(key.span, text("reason")).of(path);
            return vec![diagnostic.suggesting(text("help"))];
        }
        let mut diagnostics = self.check(node, schema, path);
        if matches!(node.value, Value::Mapping(_)) {
            for diagnostic in
                diagnostics.iter_mut().filter(|diagnostic| diagnostic.span == node.span)
            {
                diagnostic.span = key.span;
            }
        }
        diagnostics
    }

    /// The schema itself, or the one that it refers to.
    fn resolved(self, schema: &'a Json) -> Option<&'a Schema> {
        let schema = schema.as_object()?;
        match self.referenced(schema) {
            Some(referenced) => self.resolved(referenced),
            None => Some(schema),
        }
    }

    /// The words that are allowed, where only words are.
    fn choices(self, schema: &'a Schema) -> Vec<&'a str> {
        if let Some(referenced) = self.referenced(schema).and_then(Json::as_object) {
            return self.choices(referenced);
        }
        match alternatives(schema) {
            Some(branches) => branches
                .iter()
                .filter_map(Json::as_object)
                .flat_map(|branch| self.choices(branch))
                .collect(),
            None => words(schema).unwrap_or_default(),
        }
    }

    fn check_alternatives(self, node: &Node, branches: &'a [Json], path: &str) -> Vec<Diagnostic> {
        let resolved: Vec<&Schema> =
            branches.iter().filter_map(|branch| self.resolved(branch)).collect();
        let words: Vec<&str> =
            resolved.iter().filter_map(|branch| branch.get("const")?.as_str()).collect();
        if words.len() == branches.len() {
            return check_word(node, &words, path);
        }
        if let Some(tag) = tag(&resolved).filter(|_| matches!(node.value, Value::Mapping(_))) {
            return self.check_tagged(node, branches, tag, path);
        }
        let fits = |branch: &&'a Json| {
            self.resolved(branch).is_some_and(|branch| is_of_type(node, branch))
        };
        let attempts = branches.iter().filter(fits).map(|branch| self.check(node, branch, path));
        attempts.min_by_key(Vec::len).unwrap_or_else(|| {
            let kinds = resolved.iter().flat_map(|branch| expected(branch));
            vec![mismatch(node, &kinds.collect::<Vec<_>>(), path)]
        })
    }

    /// Checks alternatives that differ by the value of one key.
    fn check_tagged(
        self,
        node: &Node,
        branches: &'a [Json],
        tag: &str,
        path: &str,
    ) -> Vec<Diagnostic> {
        let word = |branch: &'a Json| {
            self.resolved(branch)?.get("properties")?.get(tag)?.get("const")?.as_str()
        };
        let words: Vec<&str> = branches.iter().filter_map(&word).collect();
        let Some(value) = node.get(tag).filter(|value| value.value != Value::Null) else {
            let diagnostic = Diagnostic::at(node.span, format!("`{tag}` is missing")).of(path);
            return vec![diagnostic.suggesting(format!("set it to one of {}", listed(&words)))];
        };
        match branches
            .iter()
            .find(|branch| word(branch).is_some() && word(branch) == value.as_text())
        {
            Some(branch) => self.check(node, branch, path),
            None => check_word(value, &words, &key_path(path, tag)),
        }
    }

    fn check_alone(self, node: &Node, schema: &'a Schema, path: &str) -> Vec<Diagnostic> {
        if !is_of_type(node, schema) {
            return vec![mismatch(node, &expected(schema), path)];
        }
        if let Some(words) = words(schema) {
            return check_word(node, &words, path);
        }
        match &node.value {
            Value::Text(text) => check_text(node, text, schema, self.formats, path),
            Value::Integer(number) => check_number(node, *number, schema, path),
            Value::Sequence(items) => self.check_items(node, items, schema, path),
            Value::Mapping(_) => self.check_entries(node, schema, path),
            _ => Vec::new(),
        }
    }

    fn check_items(
        self,
        node: &Node,
        items: &[Node],
        schema: &'a Schema,
        path: &str,
    ) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let limit = |key: &str| {
            schema.get(key).and_then(Json::as_u64).and_then(|limit| usize::try_from(limit).ok())
        };
        if items.is_empty() && limit("minItems").is_some() {
            let diagnostic = Diagnostic::at(node.span, "this list is empty").of(path);
            diagnostics.push(diagnostic.suggesting("leave the key out for its default".to_owned()));
        } else if limit("minItems").is_some_and(|least| items.len() < least) {
            diagnostics.push(Diagnostic::at(node.span, "this list has too few entries").of(path));
        }
        if limit("maxItems").is_some_and(|most| items.len() > most) {
            diagnostics.push(Diagnostic::at(node.span, "this list has too many entries").of(path));
        }
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                diagnostics.extend(self.check(item, schema, &item_path(path, index)));
            }
        }
        diagnostics
    }

    fn check_entries(self, node: &Node, schema: &'a Schema, path: &str) -> Vec<Diagnostic> {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties");
        let is_closed = others == Some(&Json::Bool(false));
        let mut diagnostics = Vec::new();
        for (index, (key, value)) in node.entries().iter().enumerate() {
            let path = key_path(path, &key.name);
            if let Some((first, _)) =
                node.entries()[..index].iter().find(|(other, _)| other.name == key.name)
            {
                let message =
                    format!("`{}` is there already, on line {}", key.name, first.span.line);
                diagnostics.push(
                    Diagnostic::at(key.span, message)
                        .of(path)
                        .suggesting("remove one of the two".to_owned()),
                );
                continue;
            }
            match (properties.and_then(|properties| properties.get(&key.name)), others) {
                // A key without a value is as good as none.
                (Some(_), _) if value.value == Value::Null => {}
                (Some(schema), _) => {
                    diagnostics.extend(self.check_entry(key, value, schema, &path));
                }
                (None, _) if is_closed => {
                    let names = properties.unwrap_or(&none).keys().map(String::as_str);
                    let diagnostic =
                        Diagnostic::at(key.span, format!("there is no key `{}` here", key.name))
                            .of(path);
                    diagnostics.push(diagnostic.suggesting(did_you_mean(&key.name, names)));
                }
                (None, Some(others)) => {
                    diagnostics.extend(self.check_entry(key, value, others, &path));
                }
                (None, None) => {}
            }
        }
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
        for name in required.filter_map(Json::as_str).filter(|name| !node.has(name)) {
            let description =
                properties.and_then(|all| all.get(name)?.get("description")?.as_str());
            diagnostics.push(missing(node, name, description).of(path));
        }
        diagnostics
    }
}

fn alternatives(schema: &Schema) -> Option<&[Json]> {
    schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array().map(Vec::as_slice)
}

fn reason_of_refusal<'a>(node: &Node, schema: &'a Schema) -> Option<&'a str> {
    schema.get(REFUSED)?.get(node.as_text()?)?.as_str()
}

/// Returns the key by whose value these mappings differ.
fn tag<'a>(branches: &[&'a Schema]) -> Option<&'a str> {
    let properties = |branch: &&'a Schema| branch.get("properties").and_then(Json::as_object);
    let has_constant = |branch: &&'a Schema, key: &str| {
        properties(branch)
            .is_some_and(|all| all.get(key).is_some_and(|schema| schema.get("const").is_some()))
    };
    let first = branches.first().and_then(properties)?;
    first
        .keys()
        .map(String::as_str)
        .find(|key| branches.iter().all(|branch| has_constant(branch, key)))
}

fn missing(node: &Node, name: &str, description: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::at(node.span, format!("`{name}` is missing"));
    let sentence = description
        .map(|text| text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.'));
    diagnostic.suggesting(
        sentence.map(|sentence| format!("add `{name}: ...`: {}", sentence.replace('\n', " "))),
    )
}
