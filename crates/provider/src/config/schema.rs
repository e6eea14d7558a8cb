//! One schema out of many: the model's, and that of each registered plug-in.

use std::time::Duration;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema as _, Schema, SchemaGenerator};
use serde_json::{Map, Value as Json, json};

use crate::config::model::Model;
use crate::document::{UNAVAILABLE, describe_durations};
use crate::plugins::build_with;
use crate::registry::{PluginTypes, Registry, add_patterns};
use crate::settings::Settings;

/// The keys that every plug-in has, beside its own settings.
pub(crate) const TYPE: &str = "type";
pub(crate) const TIMEOUT: &str = "timeout";

const SOURCES: &str = "Settings of credential sources, by their name in chains. A name that is no type of source needs its `type`, so \
    that one type can be there several times.";
const RESOLVERS: &str = "Settings of region resolvers, by their type.";

/// The JSON Schema (draft 2020-12) of configuration files with these plug-ins.
pub(crate) fn schema(registry: &Registry) -> Json {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let sources = plugins(&registry.sources, &mut generator);
    let resolvers = plugins(&registry.resolvers, &mut generator);
    let settings = Settings::json_schema(&mut generator).to_value();
    let mut schema = generator.into_root_schema_for::<Model>().to_value();
    for (key, of_key) in settings["properties"].as_object().into_iter().flatten() {
        schema["properties"][key] = of_key.clone();
    }

    let named =
        |noun: &str, name: &str| json!({ "$ref": format!("#/$defs/{}", definition(noun, name)) });
    let by_type = |noun: &str, all: &[(String, Json)]| -> Json {
        all.iter().map(|(name, _)| (name.clone(), named(noun, name))).collect::<Map<_, _>>().into()
    };
    let any_name: Vec<Json> = sources
        .iter()
        .map(|(name, _)| {
            let mut schema = named(registry.sources.noun, name);
            schema["required"] = json!([TYPE]);
            schema
        })
        .collect();
    schema["properties"]["sources"] = json!({
        "description": SOURCES,
        "type": "object",
        "properties": by_type(registry.sources.noun, &sources),
        "propertyNames": { "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" },
        "additionalProperties": { "oneOf": any_name },
    });
    schema["properties"]["resolvers"] = json!({
        "description": RESOLVERS,
        "type": "object",
        "properties": by_type(registry.resolvers.noun, &resolvers),
        "additionalProperties": false,
    });
    leave_out(&mut schema["properties"]["sources"]["properties"], &registry.sources);
    leave_out(&mut schema["properties"]["resolvers"]["properties"], &registry.resolvers);
    for (noun, all) in [(registry.sources.noun, sources), (registry.resolvers.noun, resolvers)] {
        for (name, plugin) in all {
            schema["$defs"][definition(noun, &name)] = plugin;
        }
    }
    describe_durations(&mut schema);
    add_patterns(&mut schema);
    schema
}

/// A type that is not compiled in has no settings.
fn leave_out<P: ?Sized + 'static>(properties: &mut Json, plugin_types: &PluginTypes<P>) {
    for (name, feature) in plugin_types.left_out() {
        properties[name] = json!({
            "description": "Not compiled in.",
            "not": {},
            (UNAVAILABLE): {
                "reason": format!("`{name}` is not compiled in"),
                "help": build_with(feature),
            },
        });
    }
}

fn definition(noun: &str, name: &str) -> String {
    format!("{noun}-{name}")
}

fn plugins<P: ?Sized + 'static>(
    plugin_types: &PluginTypes<P>,
    generator: &mut SchemaGenerator,
) -> Vec<(String, Json)> {
    let timeout = generator.subschema_for::<Duration>();
    let plugin = |(name, settings): (&str, Schema)| {
        let mut schema = settings.to_value();
        if !schema["properties"].is_object() {
            schema["properties"] = json!({});
        }
        let mut timeout = timeout.clone();
        timeout.insert("description".to_owned(), "How long it has to answer.".into());
        schema["properties"][TIMEOUT] = timeout.to_value();
        if plugin_types.renamable {
            schema["properties"][TYPE] =
                json!({ "description": "The type.", "type": "string", "const": name });
        }
        schema["type"] = json!("object");
        schema["additionalProperties"] = json!(false);
        (name.to_owned(), schema)
    };
    let settings: Vec<(&str, Schema)> =
        plugin_types.iter().map(|(name, kind)| (name, (kind.schema)(generator))).collect();
    settings.into_iter().map(plugin).collect()
}
