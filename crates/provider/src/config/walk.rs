//! The tree against the schema: every problem that types have, at its place.

mod scalars;

use serde_json::{Map, Value as Json};

use crate::config::plugins::build_with;
use crate::config::problem::{Finding, item_path, key_path};
use crate::config::schema::LEFT_OUT;
use crate::config::suggestion::{did_you_mean, listed};
use crate::config::tree::{Key, Node, Value};
use scalars::{check_number, check_text, check_word, expected, is_of_type, mismatch, words};

/// In a schema: values that are refused for a reason of their own, with the reason.
pub(crate) const REFUSED: &str = "x-refused";

/// Compares nodes with the part of JSON Schema that `schemars` makes of types.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walker<'a> {
    definitions: Option<&'a Map<String, Json>>,
}

type Schema = Map<String, Json>;

impl<'a> Walker<'a> {
    /// For schemas whose references are to the definitions of this one.
    pub(crate) fn new(root: &'a Json) -> Self {
        Self { definitions: root.get("$defs").and_then(Json::as_object) }
    }

    /// Every way in which the node is not what the schema describes.
    pub(crate) fn check(self, node: &Node, schema: &'a Json, path: &str) -> Vec<Finding> {
        let Some(schema) = schema.as_object() else {
            return Vec::new();
        };
        let mut findings = match self.referenced(schema) {
            Some(referenced) => self.check(node, referenced, path),
            None => Vec::new(),
        };
        findings.extend(match alternatives(schema) {
            Some(branches) => self.check_alternatives(node, branches, path),
            None => self.check_alone(node, schema, path),
        });
        if let Some(reason) = reason_of_refusal(node, schema) {
            let choice = format!("choose one of {}", listed(&self.choices(schema)));
            for finding in &mut findings {
                reason.clone_into(&mut finding.message);
                finding.suggestion = Some(choice.clone());
            }
        }
        if schema.get("writeOnly") == Some(&Json::Bool(true)) {
            for finding in &mut findings {
                finding.conceal = true;
            }
        }
        findings
    }

    fn referenced(self, schema: &Schema) -> Option<&'a Json> {
        let name = schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
        self.definitions?.get(name)
    }

    /// What is wrong with a mapping as a whole is shown where its key is.
    fn check_entry(self, key: &Key, node: &Node, schema: &'a Json, path: &str) -> Vec<Finding> {
        if let Some(feature) = schema.get(LEFT_OUT).and_then(Json::as_str) {
            let finding = Finding::at(key.place, format!("`{}` is not compiled in", key.name));
            return vec![finding.of(path).suggesting(build_with(feature))];
        }
        let mut findings = self.check(node, schema, path);
        if matches!(node.value, Value::Mapping(_)) {
            for finding in findings.iter_mut().filter(|finding| finding.place == node.place) {
                finding.place = key.place;
            }
        }
        findings
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

    fn check_alternatives(self, node: &Node, branches: &'a [Json], path: &str) -> Vec<Finding> {
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

    /// Alternatives that are told apart by the value of one key.
    fn check_tagged(
        self,
        node: &Node,
        branches: &'a [Json],
        tag: &str,
        path: &str,
    ) -> Vec<Finding> {
        let word = |branch: &'a Json| {
            self.resolved(branch)?.get("properties")?.get(tag)?.get("const")?.as_str()
        };
        let words: Vec<&str> = branches.iter().filter_map(&word).collect();
        let Some(value) = node.get(tag).filter(|value| value.value != Value::Null) else {
            let finding = Finding::at(node.place, format!("`{tag}` is missing")).of(path);
            return vec![finding.suggesting(format!("set it to one of {}", listed(&words)))];
        };
        match branches
            .iter()
            .find(|branch| word(branch).is_some() && word(branch) == value.as_text())
        {
            Some(branch) => self.check(node, branch, path),
            None => check_word(value, &words, &key_path(path, tag)),
        }
    }

    fn check_alone(self, node: &Node, schema: &'a Schema, path: &str) -> Vec<Finding> {
        if !is_of_type(node, schema) {
            return vec![mismatch(node, &expected(schema), path)];
        }
        if let Some(words) = words(schema) {
            return check_word(node, &words, path);
        }
        match &node.value {
            Value::Text(text) => check_text(node, text, schema, path),
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
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let limit = |key: &str| {
            schema.get(key).and_then(Json::as_u64).and_then(|limit| usize::try_from(limit).ok())
        };
        if items.is_empty() && limit("minItems").is_some() {
            let finding = Finding::at(node.place, "this list is empty").of(path);
            findings.push(finding.suggesting("leave the key out for its default".to_owned()));
        } else if limit("minItems").is_some_and(|least| items.len() < least) {
            findings.push(Finding::at(node.place, "this list has too few entries").of(path));
        }
        if limit("maxItems").is_some_and(|most| items.len() > most) {
            findings.push(Finding::at(node.place, "this list has too many entries").of(path));
        }
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                findings.extend(self.check(item, schema, &item_path(path, index)));
            }
        }
        findings
    }

    fn check_entries(self, node: &Node, schema: &'a Schema, path: &str) -> Vec<Finding> {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties");
        let is_closed = others == Some(&Json::Bool(false));
        let mut findings = Vec::new();
        for (index, (key, value)) in node.entries().iter().enumerate() {
            let path = key_path(path, &key.name);
            if let Some((first, _)) =
                node.entries()[..index].iter().find(|(other, _)| other.name == key.name)
            {
                let message =
                    format!("`{}` is there already, on line {}", key.name, first.place.line);
                findings.push(
                    Finding::at(key.place, message)
                        .of(path)
                        .suggesting("remove one of the two".to_owned()),
                );
                continue;
            }
            match (properties.and_then(|properties| properties.get(&key.name)), others) {
                // A key without a value is as good as none.
                (Some(_), _) if value.value == Value::Null => {}
                (Some(schema), _) => findings.extend(self.check_entry(key, value, schema, &path)),
                (None, _) if is_closed => {
                    let names = properties.unwrap_or(&none).keys().map(String::as_str);
                    let finding =
                        Finding::at(key.place, format!("there is no key `{}` here", key.name))
                            .of(path);
                    findings.push(finding.suggesting(did_you_mean(&key.name, names)));
                }
                (None, Some(others)) => {
                    findings.extend(self.check_entry(key, value, others, &path));
                }
                (None, None) => {}
            }
        }
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
        for name in required.filter_map(Json::as_str).filter(|name| !node.has(name)) {
            let description =
                properties.and_then(|all| all.get(name)?.get("description")?.as_str());
            findings.push(missing(node, name, description).of(path));
        }
        findings
    }
}

fn alternatives(schema: &Schema) -> Option<&[Json]> {
    schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array().map(Vec::as_slice)
}

fn reason_of_refusal<'a>(node: &Node, schema: &'a Schema) -> Option<&'a str> {
    schema.get(REFUSED)?.get(node.as_text()?)?.as_str()
}

/// The key whose value tells these mappings apart.
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

fn missing(node: &Node, name: &str, description: Option<&str>) -> Finding {
    let finding = Finding::at(node.place, format!("`{name}` is missing"));
    let sentence = description
        .map(|text| text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.'));
    finding.suggesting(
        sentence.map(|sentence| format!("add `{name}: ...`: {}", sentence.replace('\n', " "))),
    )
}
