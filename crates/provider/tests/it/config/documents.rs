//! What is written about the configuration holds: examples are valid, the printed default is the
//! default, and every key is explained.

use std::collections::BTreeSet;
use std::fs;

use s3_credential_provider::{Config, Registry};
use serde_json::Value;

use crate::config::schema::{Key, Validator, keys, keys_of_path, parse, root};

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The YAML of a page that is a configuration, or holds one: a ConfigMap, or the values of a chart.
fn examples(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .filter_map(|block| {
            let value: Value = serde_saphyr::from_str(block).unwrap();
            match (&value["data"]["config.yaml"], &value["credentials"]) {
                (Value::String(config), _) => Some(config.clone()),
                (_, credentials @ Value::Object(_)) => Some(credentials.to_string()),
                _ if value["apiVersion"].is_string() => None,
                _ => Some(block.to_owned()),
            }
        })
        .collect()
}

#[test]
fn every_example_of_the_documentation_is_accepted_by_us_and_by_the_printed_schema() {
    let validator = Validator::new();
    let mut count = 0;
    for name in ["README.md", "docs/configuration.md"] {
        for example in examples(&page(name)) {
            let config =
                parse(name, &example).unwrap_or_else(|report| panic!("{report}\n{example}"));
            assert!(config.report().is_valid());
            assert!(validator.accepts(&example), "{name}:\n{example}");
            count += 1;
        }
    }
    assert!(count > 10, "only {count} examples were found");
    assert!(validator.accepts(""));
}

#[test]
fn the_printed_default_is_the_default() {
    let printed = parse("the default configuration", Config::DEFAULT_YAML).unwrap();
    let default = Config::default_of(&Registry::default()).unwrap();
    assert_eq!(printed.report().to_string(), "");
    assert_eq!(format!("{printed:?}"), format!("{default:?}"));
    assert!(Validator::new().accepts(Config::DEFAULT_YAML));
}

#[test]
fn a_default_that_the_schema_names_is_the_one_that_the_printed_default_has() {
    let schema = Config::schema(&Registry::default());
    let printed: Value = serde_saphyr::from_str(Config::DEFAULT_YAML).unwrap();
    let mut compared = 0;
    for path in paths(&printed) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let value = path.iter().fold(&printed, |value, name| &value[*name]);
        if let Some(default) = default_of(&schema, &path)
            && !value.is_object()
        {
            assert_eq!(value, default, "{}", path.join("."));
            compared += 1;
        }
    }
    assert!(compared > 40, "only {compared} defaults were compared");
}

/// The default that a key's description has.
fn default_of<'a>(schema: &'a Value, path: &[&str]) -> Option<&'a Value> {
    let key = keys_of_path(schema, path);
    (key.len() == path.len()).then(|| key.last()?.described_in(schema)?.get("default")).flatten()
}

/// The paths of all keys of a value.
fn paths(value: &Value) -> Vec<Vec<String>> {
    let Some(entries) = value.as_object() else { return Vec::new() };
    let mut found = Vec::new();
    for (name, inner) in entries {
        found.push(vec![name.clone()]);
        found.extend(paths(inner).into_iter().map(|path| [vec![name.clone()], path].concat()));
    }
    found
}

#[test]
fn the_printed_default_explains_every_key() {
    let schema = Config::schema(&Registry::default());
    let explained: BTreeSet<Key> = outline(Config::DEFAULT_YAML)
        .iter()
        .flat_map(|path| {
            keys_of_path(&schema, &path.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .collect();
    let missing: Vec<_> = keys(&schema).difference(&explained).cloned().collect();
    assert!(missing.is_empty(), "not in default.yaml: {missing:?}");
}

/// The paths of a YAML text, those of examples that are commented out included: they stand where
/// they would without the `# `.
fn outline(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut parents: Vec<(usize, String)> = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let content = line.trim_start();
        let (content, commented) = match content.strip_prefix("# ") {
            // What is commented out may be indented itself.
            Some(rest) => (rest.trim_start(), rest.len() - rest.trim_start().len()),
            None => (content, 0),
        };
        let item = content.strip_prefix("- ").unwrap_or(content);
        let indent = indent + commented + (content.len() - item.len());
        let inline = item.trim_start_matches('{');
        let Some((name, value)) = inline.split_once(':').filter(|(name, _)| is_key(name)) else {
            continue;
        };
        parents.retain(|(column, _)| *column < indent);
        let mut path: Vec<String> = parents.iter().map(|(_, name)| name.clone()).collect();
        if item.len() > inline.len() {
            add_flow(&path, item, &mut found);
            continue;
        }
        path.push(name.to_owned());
        parents.push((indent, name.to_owned()));
        add_flow(&path, value.trim(), &mut found);
        found.push(path);
    }
    found
}

/// The keys of a mapping that is written on one line.
fn add_flow(path: &[String], text: &str, found: &mut Vec<Vec<String>>) {
    let text = text.split("  #").next().unwrap_or(text);
    if text.starts_with('{') {
        let value: Value = serde_saphyr::from_str(text).unwrap();
        found.extend(paths(&value).into_iter().map(|inner| [path.to_vec(), inner].concat()));
    }
}

fn is_key(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[test]
fn the_page_lists_every_key_and_its_default() {
    let schema = Config::schema(&Registry::default());
    let page = page("docs/configuration.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    for key in keys(&schema) {
        let name = format!("`{}`", key.name());
        let named: Vec<&&str> = rows.iter().filter(|row| row.contains(&name)).collect();
        let prose = page.contains(&name);
        assert!(prose, "{key:?} is not in docs/configuration.md");
        let Some(default) = key.described_in(&schema).and_then(|it| it["default"].as_str()) else {
            continue;
        };
        let default = format!("`{default}`");
        assert!(
            named.iter().any(|row| row.contains(&default)),
            "{key:?} is not in docs/configuration.md with its default {default}"
        );
    }
}
