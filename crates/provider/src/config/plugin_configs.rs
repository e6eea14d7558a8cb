//! The plug-ins that a file configures, each ready to be made.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde::Deserialize as _;

use crate::config::schema::{TIMEOUT, TYPE};
use crate::document::{Diagnostic, Key, Node, Span, Value, did_you_mean, key_path};
use crate::plugins::{Factory, build_with};
use crate::registry::{PluginType, PluginTypes, is_name};

/// A plug-in whose settings are known.
pub(crate) struct Prepared<P: ?Sized> {
    pub(crate) timeout: Option<Duration>,
    pub(crate) factory: Factory<P>,
}

/// The plug-ins of one kind, by their name in chains.
pub(crate) struct PluginConfigs<'a, P: ?Sized> {
    plugin_types: &'a PluginTypes<P>,
    prepared: BTreeMap<String, Prepared<P>>,
    /// The plug-ins that the file configures, each with the place of its name and its type. Some
    /// may have errors.
    named: BTreeMap<String, (Span, Option<String>)>,
}

/// The entry under a name: the plug-in, and its type.
type Found<'b, 'a, P> = (Option<&'b Prepared<P>>, Option<&'a PluginType<P>>);

impl<'a, P: ?Sized + 'static> PluginConfigs<'a, P> {
    /// Reads a section. What is wrong with types was found before: what has errors is left out by
    /// `is_sound`.
    pub(crate) fn read(
        plugin_types: &'a PluginTypes<P>,
        section: Option<&Node>,
        path: &str,
        is_sound: impl Fn(&str) -> bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut plugins = Self { plugin_types, prepared: BTreeMap::new(), named: BTreeMap::new() };
        for (key, node) in section.map(Node::entries).unwrap_or_default() {
            let path = key_path(path, &key.name);
            let kind = kind_of(key, node);
            plugins.named.insert(key.name.clone(), (key.span, kind.map(str::to_owned)));
            if !is_name(&key.name) {
                let problem = format!("this cannot be the name of a {}", plugin_types.noun);
                let help = "use lower-case letters, digits and inner dashes".to_owned();
                diagnostics.push(Diagnostic::at(key.span, problem).of(path).suggesting(help));
            } else if is_sound(&path) {
                match plugins.prepare(key, node) {
                    Ok(prepared) => drop(plugins.prepared.insert(key.name.clone(), prepared)),
                    Err(diagnostic) => diagnostics.push(diagnostic.of(path)),
                }
            }
        }
        plugins
    }

    fn prepare(&self, key: &Key, node: &Node) -> Result<Prepared<P>, Diagnostic> {
        let kind = kind_of(key, node).and_then(|kind| self.plugin_types.get(kind));
        let settings = node.without(&[TYPE, TIMEOUT]);
        // What is wrong with a mapping as a whole is shown where its name is.
        let at_key =
            |span: Option<Span>| span.filter(|span| *span != node.span).unwrap_or(key.span);
        let factory = kind
            .ok_or_else(|| {
                Diagnostic::at(
                    key.span,
                    format!("there is no {} of this type", self.plugin_types.noun),
                )
            })?
            .prepare(&settings)
            .map_err(|error| {
                Diagnostic::at(at_key(error.span), error.message).suggesting(error.help)
            })?;
        let timeout = match node.get(TIMEOUT) {
            Some(timeout) => Some(
                Duration::deserialize(timeout)
                    .map_err(|error| Diagnostic::at(at_key(error.span), error.message))?,
            ),
            None => None,
        };
        Ok(Prepared { timeout, factory })
    }

    /// Returns the plug-in that a chain names, and its type. Both are `None` where the file
    /// configures it with errors, which are reported already.
    pub(crate) fn find(&mut self, name: &str, span: Span) -> Result<Found<'_, 'a, P>, Diagnostic> {
        if let Some((_, kind)) = self.named.get(name) {
            return Ok((
                self.prepared.get(name),
                kind.as_ref().and_then(|kind| self.plugin_types.get(kind)),
            ));
        }
        let noun = self.plugin_types.noun;
        if let Some(feature) = self.plugin_types.feature_of(name) {
            return Err(Diagnostic::at(span, format!("`{name}` is not compiled in"))
                .suggesting(build_with(feature)));
        }
        let kind = self.plugin_types.get(name).ok_or_else(|| {
            let names: BTreeSet<&str> =
                self.named.keys().map(String::as_str).chain(self.plugin_types.names()).collect();
            Diagnostic::at(span, format!("there is no {noun} `{name}`"))
                .suggesting(did_you_mean(name, names))
        })?;
        if !self.prepared.contains_key(name) {
            let empty = Node { span, value: Value::Mapping(Vec::new()) };
            let factory = kind.prepare(&empty).map_err(|error| {
                Diagnostic::at(span, format!("`{name}` needs settings: {}", error.message))
                    .suggesting(format!("add `{name}` under `{noun}s`"))
            })?;
            self.prepared.insert(name.to_owned(), Prepared { timeout: None, factory });
        }
        Ok((self.prepared.get(name), Some(kind)))
    }

    /// Returns what makes each plug-in that has settings.
    pub(crate) fn factories(&self) -> HashMap<String, Factory<P>> {
        let prepared = self.prepared.iter();
        prepared.map(|(name, plugin)| (name.clone(), plugin.factory.clone())).collect()
    }

    /// The names of the file that no chain uses, with their places.
    pub(crate) fn unused<'b>(
        &'b self,
        used: impl Fn(&str) -> bool + 'b,
    ) -> impl Iterator<Item = (&'b str, Span)> {
        self.named
            .iter()
            .filter(move |(name, _)| !used(name))
            .map(|(name, (span, _))| (name.as_str(), *span))
    }

    pub(crate) fn noun(&self) -> &'static str {
        self.plugin_types.noun
    }

    pub(crate) fn plugin_types(&self) -> &'a PluginTypes<P> {
        self.plugin_types
    }
}

/// The type of a configured plug-in: what it says, or its name.
fn kind_of<'n>(key: &'n Key, node: &'n Node) -> Option<&'n str> {
    match node.get(TYPE) {
        Some(kind) => kind.as_text(),
        None => Some(&key.name),
    }
}
