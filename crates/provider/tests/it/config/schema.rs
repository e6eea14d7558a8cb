//! The printed schema, by an independent validator and as a list of keys.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use s3_credential_provider::{Config, Registry};
use serde_json::Value;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn parse(name: &str, text: &str) -> Result<Config, String> {
    Config::parse(&Registry::default(), name, text).map_err(|report| report.to_string())
}

/// The printed schema, read by an independent validator.
pub(crate) struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    pub(crate) fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let url = "https://example.com/s3cred.json";
        compiler.add_resource(url, Config::schema(&Registry::default())).unwrap();
        let index = compiler.compile(url, &mut schemas).unwrap();
        Self { schemas, index }
    }

    pub(crate) fn accepts(&self, text: &str) -> bool {
        let value: Value = serde_saphyr::from_str(text).unwrap();
        // An empty text is a mapping without keys, like in the parser. A key without a value counts
        // as missing.
        let value = without_nulls(if value.is_null() {
            Value::Object(serde_json::Map::default())
        } else {
            value
        });
        self.schemas.validate(&value, self.index).is_ok()
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        other => other,
    }
}

/// A key of a mapping that the schema describes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The mapping: the name of a definition, empty for the file itself, and `plugin` for what
    /// every plug-in has.
    of: String,
    name: String,
}

impl Key {
    fn new(of: &str, name: &str) -> Self {
        let is_common = ["source-", "resolver-"].iter().any(|kind| of.starts_with(kind))
            && ["type", "timeout"].contains(&name);
        Self { of: if is_common { "plugin" } else { of }.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the schema of its value; `None` for a key that every plug-in has.
    pub(crate) fn described_in<'a>(&self, schema: &'a Value) -> Option<&'a Value> {
        let of = if self.of.is_empty() { schema } else { schema["$defs"].get(&self.of)? };
        of["properties"].get(&self.name)
    }
}

/// Every key of the schema. A mapping that is there at several places, as `session` is, counts
/// once.
pub(crate) fn keys(schema: &Value) -> BTreeSet<Key> {
    let definitions = schema["$defs"].as_object().unwrap();
    let all = definitions.iter().map(|(name, of)| (name.as_str(), of)).chain([("", schema)]);
    all.flat_map(|(of, definition)| {
        let properties = definition["properties"].as_object();
        properties.into_iter().flatten().map(move |(name, _)| Key::new(of, name))
    })
    .collect()
}

/// The keys that the path of a value goes through, as `sources.irsa.pollInterval`; the items of a
/// list have no name.
pub(crate) fn keys_of_path(schema: &Value, path: &[&str]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut mapping = Some((String::new(), schema));
    for name in path {
        let Some((of, here)) = mapping else { break };
        let Some(described) = here["properties"].get(name) else { break };
        keys.push(Key::new(&of, name));
        mapping = mapping_of(schema, described, &of);
    }
    keys
}

/// The mapping that a description is of: it refers to one, is one, may be one among others, or is a
/// list of them.
fn mapping_of<'a>(
    schema: &'a Value,
    described: &'a Value,
    of: &str,
) -> Option<(String, &'a Value)> {
    if let Some(name) = described["$ref"].as_str().and_then(|it| it.strip_prefix("#/$defs/")) {
        return mapping_of(schema, &schema["$defs"][name], name);
    }
    if described["properties"].is_object() {
        return Some((of.to_owned(), described));
    }
    let alternatives = ["anyOf", "oneOf"].into_iter().filter_map(|key| described[key].as_array());
    let mut inner = alternatives.flatten().chain(described.get("items"));
    inner.find_map(|inner| mapping_of(schema, inner, of))
}
