//! A configuration file: what an operator chooses per deployment.
//!
//! The text becomes a tree whose values know their places; the tree is compared with the schema, which is merged from the model's and
//! each plug-in's; then it is read into types. What is wrong is told all at once, each with its line and column.

// In the order in which data flows.
mod tree;
mod problem;
mod suggestion;
mod period;
mod formats;
mod walk;
mod de;
mod model;
mod schema;
mod plugins;
mod steps;
mod meaning;
mod assembly;
mod excerpt;
mod report;

use std::collections::BTreeMap;

use s3_credential_core::{AuthenticationLevel, CredentialSource, Failure, RegionResolver};
use serde::Deserialize as _;

use crate::registry::Registry;
use crate::settings::Settings;
use model::{Model, ServicesSection};
use plugins::Plugins;
use problem::{Finding, Severity};
use steps::WrittenChain;
use walk::Walker;

pub(crate) use assembly::Slots;
pub(crate) use de::TreeError;
#[allow(unused_imports, reason = "not every set of features needs each")]
pub(crate) use formats::{
    AbsolutePath, HttpUrl, KubernetesName, NamePattern, PolicyArnText, RegionText, RoleArnText,
    SessionName, SessionPolicy,
};
#[allow(unused_imports, reason = "not every set of features needs it")]
pub(crate) use period::Period;
pub use problem::Severity as ConfigSeverity;
pub use report::{ConfigProblem, ConfigReport};
pub(crate) use steps::Step;
pub(crate) use tree::Node;

/// A configuration that can be used: every chain is known, every setting has its type.
///
/// ```
/// use s3_credential_provider::{Config, Registry};
///
/// let report = Config::parse(&Registry::default(), "chains.yaml", "chains:\n  driver: [irsa, imsd]\n").unwrap_err();
/// assert_eq!(report.to_string(), "\
/// chains.yaml:2:18: error: there is no source `imsd`
///  2 |   driver: […, imsd]
///    |               ^^^^ did you mean `imds`?
/// ");
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) settings: Settings,
    #[cfg_attr(
        not(any(feature = "imds", feature = "pod-identity", feature = "sts")),
        allow(dead_code, reason = "then there is none")
    )]
    pub(crate) services: ServicesSection,
    pub(crate) sources: BTreeMap<AuthenticationLevel, Vec<Step<dyn CredentialSource>>>,
    pub(crate) resolvers: Vec<Step<dyn RegionResolver>>,
    report: ConfigReport,
}

impl Config {
    /// The default configuration as YAML, each key with its meaning.
    #[cfg(feature = "yaml")]
    pub const DEFAULT_YAML: &str = include_str!("config/default.yaml");

    /// Parses YAML, of which JSON is a subset. `file` is how messages name it.
    ///
    /// # Errors
    /// Every problem of the file, with at least one that is an error.
    #[cfg(feature = "yaml")]
    pub fn parse(registry: &Registry, file: &str, text: &str) -> Result<Self, ConfigReport> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let tree = match Node::parse(text) {
            Ok(tree) => tree,
            Err(finding) => return Err(ConfigReport::new(file, text, None, vec![finding])),
        };
        Self::of(registry, file, text, &tree)
    }

    fn of(registry: &Registry, file: &str, text: &str, tree: &Node) -> Result<Self, ConfigReport> {
        let mut findings = Vec::new();
        let config = Self::read(registry, tree, &mut findings);
        let report = ConfigReport::new(file, text, Some(&tree.scalars()), findings);
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
        Self::of(registry, "the default configuration", "", &Node::empty()).map_err(Failure::from)
    }

    /// The JSON Schema (draft 2020-12) of configuration files with these plug-ins.
    pub fn schema(registry: &Registry) -> serde_json::Value {
        schema::schema(registry)
    }

    /// The choices that are not plug-ins.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The sources of a level, in their order.
    pub fn source_names(&self, level: AuthenticationLevel) -> impl Iterator<Item = &str> {
        self.sources.get(&level).into_iter().flatten().map(|step| step.name.as_str())
    }

    /// The region resolvers, in their order.
    pub fn resolver_names(&self) -> impl Iterator<Item = &str> {
        self.resolvers.iter().map(|step| step.name.as_str())
    }

    /// What there is to say about a configuration that can be used: warnings.
    pub fn report(&self) -> &ConfigReport {
        &self.report
    }

    /// The model, without what is wrong and known to be.
    fn read_model(
        tree: &Node,
        mut wrong: Vec<String>,
        findings: &mut Vec<Finding>,
    ) -> Option<Model> {
        loop {
            match Model::deserialize(&tree.pruned("", &wrong)) {
                Ok(model) => return Some(model),
                // What a mapping needs may be what was wrong with it: then it goes as a whole.
                Err(_) if wrong.iter().any(|path| parent(path).is_some()) => {
                    for path in &mut wrong {
                        path.truncate(parent(path).unwrap_or(path.len()));
                    }
                }
                Err(error) => {
                    if findings.is_empty() {
                        findings.push(error.into_finding(""));
                    }
                    return None;
                }
            }
        }
    }

    /// Everything that can be read, and everything that is wrong.
    fn read(registry: &Registry, tree: &Node, findings: &mut Vec<Finding>) -> Option<Self> {
        // There is nothing to check in what is all default.
        if *tree != Node::empty() {
            let schema = schema::schema(registry);
            findings.extend(Walker::new(&schema).check(tree, &schema, ""));
        }
        let wrong: Vec<String> = findings.iter().map(|finding| finding.path.clone()).collect();
        let is_sound = |path: &str| !wrong.iter().any(|wrong| is_within(wrong, path));
        let model = Self::read_model(tree, wrong.clone(), findings)?;
        findings.extend(meaning::check(&model, tree));

        let mut sources =
            Plugins::read(&registry.sources, tree.get("sources"), "sources", is_sound, findings);
        let mut resolvers = Plugins::read(
            &registry.resolvers,
            tree.get("resolvers"),
            "resolvers",
            is_sound,
            findings,
        );
        let chains = tree.get("chains");
        let mut by_level = BTreeMap::new();
        for level in AuthenticationLevel::ALL {
            let node = chains.and_then(|chains| chains.get(level.as_str()));
            let path = format!("chains.{level}");
            let chain = WrittenChain::new(node, model.chains.level(level), path, Some(level));
            by_level.insert(level, chain.resolve(&mut sources, findings));
        }
        let region = chains.and_then(|chains| chains.get("region"));
        let region =
            WrittenChain::new(region, &model.chains.region, "chains.region".to_owned(), None);
        let steps = region.resolve(&mut resolvers, findings);

        if findings.iter().all(|finding| finding.severity == Severity::Warning) {
            let is_used = |name: &str| by_level.values().flatten().any(|step| step.name == name);
            warn_of_unused(&sources, "sources", is_used, findings);
            warn_of_unused(
                &resolvers,
                "resolvers",
                |name| steps.iter().any(|step| step.name == name),
                findings,
            );
        }
        Some(Self {
            settings: model.settings(),
            services: model.services,
            sources: by_level,
            resolvers: steps,
            report: ConfigReport::default(),
        })
    }
}

/// Where the path of the mapping or list ends that a value is in; nothing for a value of the file itself.
fn parent(path: &str) -> Option<usize> {
    path.rfind(['.', '['])
}

fn warn_of_unused<P: ?Sized + 'static>(
    plugins: &Plugins<'_, P>,
    section: &str,
    is_used: impl Fn(&str) -> bool,
    findings: &mut Vec<Finding>,
) {
    for (name, place) in plugins.unused(is_used) {
        let message = format!("`{name}` is in no chain");
        findings.push(Finding::warning_at(place, message).of(problem::key_path(section, name)));
    }
}

/// Whether a path is this one or within it.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
