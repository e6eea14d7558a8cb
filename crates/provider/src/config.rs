//! A configuration file: what an operator chooses per deployment.
//!
//! The text becomes a tree whose values know their places; the tree is compared with the schema,
//! which is merged from the model's and each plug-in's; then it is read into types. Every problem
//! is reported at once, with its line and column.

// In the order in which data flows.
mod former_keys;
mod model;
mod schema;
mod plugin_configs;
mod resolve_chains;
mod semantic_checks;
mod failure;
mod builder;

use std::collections::BTreeMap;

use s3_credential_core::{AuthenticationLevel, Failure};
use serde::de::DeserializeOwned;

use crate::document::{ConfigReport, Diagnostic, Node, SchemaValidator, Severity, key_path};
use crate::plugins::{ChainSteps, ServiceSettings};
use crate::registry::{Registry, check_format};
use crate::settings::Settings;
pub use model::NodeSettings;
use model::{MODEL_KEYS, Model};
use plugin_configs::PluginConfigs;
use resolve_chains::WrittenChain;

/// A configuration that can be used: every chain is known, every setting has its type.
///
/// ```
/// use s3_credential_provider::{Config, Registry};
///
/// let text = "chains:\n  driver: [irsa, imsd]\n";
/// let report = Config::parse(&Registry::default(), "chains.yaml", text).unwrap_err();
/// assert_eq!(report.to_string(), "\
/// chains.yaml:2:18: error: there is no source `imsd`
///  2 |   driver: […, imsd]
///    |               ^^^^ did you mean `imds`?
/// ");
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    settings: Settings,
    node: NodeSettings,
    services: ServiceSettings,
    chains: ChainSteps,
    report: ConfigReport,
}

impl Config {
    /// The default configuration as YAML, each key with its meaning.
    pub const DEFAULT_YAML: &str = include_str!("config/default.yaml");

    /// Parses YAML, of which JSON is a subset. `file` is how messages name it.
    ///
    /// # Errors
    /// Every problem of the file, with at least one that is an error.
    pub fn parse(registry: &Registry, file: &str, text: &str) -> Result<Self, ConfigReport> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let tree = match Node::parse(text) {
            Ok(tree) => tree,
            Err(diagnostic) => return Err(ConfigReport::new(file, text, None, vec![diagnostic])),
        };
        Self::of(registry, file, text, tree)
    }

    fn of(
        registry: &Registry,
        file: &str,
        text: &str,
        mut tree: Node,
    ) -> Result<Self, ConfigReport> {
        let renamed = former_keys::rename(&mut tree);
        let mut diagnostics = Vec::new();
        let config = Self::read(registry, &tree, &mut diagnostics);
        diagnostics.extend(renamed);
        let report = ConfigReport::new(file, text, Some(&tree.scalars()), diagnostics);
        match config {
            Some(config) if report.is_valid() => Ok(Self { report, ..config }),
            _ => Err(report),
        }
    }

    /// The default configuration with these plug-ins.
    ///
    /// # Errors
    /// `invalid-configuration` where a plug-in of the default chains is not registered.
    pub fn default_of(registry: &Registry) -> Result<Self, Failure> {
        Self::of(registry, "the default configuration", "", Node::empty()).map_err(Failure::from)
    }

    /// The JSON Schema (draft 2020-12) of configuration files with these plug-ins.
    pub fn schema(registry: &Registry) -> serde_json::Value {
        schema::schema(registry)
    }

    /// Returns the choices that are not plug-ins.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the section `node`, for the node service s3-csi-node.
    pub fn node(&self) -> &NodeSettings {
        &self.node
    }

    /// Returns the sources of a level, in their order.
    pub fn source_names(&self, level: AuthenticationLevel) -> impl Iterator<Item = &str> {
        self.chains.sources.get(&level).into_iter().flatten().map(|step| step.name.as_str())
    }

    /// Returns the region resolvers, in their order.
    pub fn resolver_names(&self) -> impl Iterator<Item = &str> {
        self.chains.resolvers.iter().map(|step| step.name.as_str())
    }

    /// Returns the report on a valid configuration: its warnings.
    pub fn report(&self) -> &ConfigReport {
        &self.report
    }

    /// Reads a part of the file, without the values that are known to be wrong.
    fn read_part<T: DeserializeOwned>(
        tree: &Node,
        mut wrong: Vec<String>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<T> {
        loop {
            match T::deserialize(&tree.pruned("", &wrong)) {
                Ok(part) => return Some(part),
                // What a mapping needs may be what was wrong with it: then it goes as a whole.
                Err(_) if wrong.iter().any(|path| parent(path).is_some()) => {
                    for path in &mut wrong {
                        path.truncate(parent(path).unwrap_or(path.len()));
                    }
                }
                Err(error) => {
                    if diagnostics.is_empty() {
                        diagnostics.push(error.into_diagnostic(""));
                    }
                    return None;
                }
            }
        }
    }

    /// Everything that can be read, and everything that is wrong.
    fn read(registry: &Registry, tree: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        // An empty file needs no check.
        if *tree != Node::empty() {
            let schema = schema::schema(registry);
            diagnostics
                .extend(SchemaValidator::new(&schema, check_format).check(tree, &schema, ""));
        }
        let wrong: Vec<String> =
            diagnostics.iter().map(|diagnostic| diagnostic.path.clone()).collect();
        let is_sound = |path: &str| !wrong.iter().any(|wrong| is_within(wrong, path));
        let model: Model =
            Self::read_part(&tree.with_only(MODEL_KEYS), wrong.clone(), diagnostics)?;
        let settings = Self::read_part(&tree.without(MODEL_KEYS), wrong.clone(), diagnostics)?;
        diagnostics.extend(semantic_checks::check(&settings, tree));

        let mut sources = PluginConfigs::read(
            &registry.sources,
            tree.get("sources"),
            "sources",
            is_sound,
            diagnostics,
        );
        let mut resolvers = PluginConfigs::read(
            &registry.resolvers,
            tree.get("resolvers"),
            "resolvers",
            is_sound,
            diagnostics,
        );
        let chains = tree.get("chains");
        let mut by_level = BTreeMap::new();
        for level in AuthenticationLevel::ALL {
            let node = chains.and_then(|chains| chains.get(level.as_str()));
            let path = format!("chains.{level}");
            let chain = WrittenChain::new(node, model.chains.level(level), path, Some(level));
            by_level.insert(level, chain.resolve(&mut sources, diagnostics));
        }
        let region = chains.and_then(|chains| chains.get("region"));
        let region =
            WrittenChain::new(region, &model.chains.region, "chains.region".to_owned(), None);
        let steps = region.resolve(&mut resolvers, diagnostics);

        if diagnostics.iter().all(|diagnostic| diagnostic.severity == Severity::Warning) {
            let is_used = |name: &str| by_level.values().flatten().any(|step| step.name == name);
            warn_of_unused(&sources, "sources", is_used, diagnostics);
            warn_of_unused(
                &resolvers,
                "resolvers",
                |name| steps.iter().any(|step| step.name == name),
                diagnostics,
            );
        }
        Some(Self {
            settings,
            node: model.node,
            services: model.services,
            chains: ChainSteps {
                sources: by_level,
                resolvers: steps,
                configured: sources.factories(),
            },
            report: ConfigReport::default(),
        })
    }
}

/// Returns where the path of the enclosing mapping or list ends. `None` for a key of the file
/// itself.
fn parent(path: &str) -> Option<usize> {
    path.rfind(['.', '['])
}

fn warn_of_unused<P: ?Sized + 'static>(
    plugins: &PluginConfigs<'_, P>,
    section: &str,
    is_used: impl Fn(&str) -> bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (name, span) in plugins.unused(is_used) {
        let message = format!("`{name}` is in no chain");
        diagnostics.push(Diagnostic::warning_at(span, message).of(key_path(section, name)));
    }
}

/// Returns whether a path is this one or within it.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
