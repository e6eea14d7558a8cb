//! The plug-ins that a file configures, each ready to be made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize as _;

use crate::config::period::Period;
use crate::config::problem::{Finding, key_path};
use crate::config::schema::{TIMEOUT, TYPE};
use crate::config::suggestion::did_you_mean;
use crate::config::tree::{Key, Node, Place, Value};
use crate::registry::{Blueprint, Catalogue, Kind, is_name};

/// A plug-in whose settings are known.
pub(crate) struct Prepared<P: ?Sized> {
    pub(crate) timeout: Option<Duration>,
    pub(crate) blueprint: Blueprint<P>,
}

/// The plug-ins of one kind, by their name in chains.
pub(crate) struct Plugins<'a, P: ?Sized> {
    catalogue: &'a Catalogue<P>,
    prepared: BTreeMap<String, Prepared<P>>,
    /// What the file configures, with the place of its name and its type: some of it may have errors.
    named: BTreeMap<String, (Place, Option<String>)>,
}

/// What there is under a name: the plug-in, and its type.
type Found<'b, 'a, P> = (Option<&'b Prepared<P>>, Option<&'a Kind<P>>);

impl<'a, P: ?Sized + 'static> Plugins<'a, P> {
    /// Reads a section. What is wrong with types was found before: what has errors is left out by `is_sound`.
    pub(crate) fn read(
        catalogue: &'a Catalogue<P>,
        section: Option<&Node>,
        path: &str,
        is_sound: impl Fn(&str) -> bool,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut plugins = Self { catalogue, prepared: BTreeMap::new(), named: BTreeMap::new() };
        for (key, node) in section.map(Node::entries).unwrap_or_default() {
            let path = key_path(path, &key.name);
            let kind = kind_of(key, node);
            plugins.named.insert(key.name.clone(), (key.place, kind.map(str::to_owned)));
            if !is_name(&key.name) {
                let problem = format!("this cannot be the name of a {}", catalogue.noun);
                let help = "use lower-case letters, digits and inner dashes".to_owned();
                findings.push(Finding::at(key.place, problem).of(path).suggesting(help));
            } else if is_sound(&path) {
                match plugins.prepare(key, node) {
                    Ok(prepared) => drop(plugins.prepared.insert(key.name.clone(), prepared)),
                    Err(finding) => findings.push(finding.of(path)),
                }
            }
        }
        plugins
    }

    fn prepare(&self, key: &Key, node: &Node) -> Result<Prepared<P>, Finding> {
        let kind = kind_of(key, node).and_then(|kind| self.catalogue.get(kind));
        let settings = node.without(&[TYPE, TIMEOUT]);
        // What is wrong with a mapping as a whole is shown where its name is.
        let at_key =
            |place: Option<Place>| place.filter(|place| *place != node.place).unwrap_or(key.place);
        let blueprint = kind
            .ok_or_else(|| {
                Finding::at(key.place, format!("there is no {} of this type", self.catalogue.noun))
            })?
            .prepare(&settings)
            .map_err(|error| Finding::at(at_key(error.place), error.message))?;
        let timeout = match node.get(TIMEOUT) {
            Some(timeout) => Some(
                Period::deserialize(timeout)
                    .map_err(|error| Finding::at(at_key(error.place), error.message))?
                    .into(),
            ),
            None => None,
        };
        Ok(Prepared { timeout, blueprint })
    }

    /// The plug-in that a chain names, and its type; nothing of what the file configures with errors, which are told already.
    pub(crate) fn find(&mut self, name: &str, place: Place) -> Result<Found<'_, 'a, P>, Finding> {
        if let Some((_, kind)) = self.named.get(name) {
            return Ok((
                self.prepared.get(name),
                kind.as_ref().and_then(|kind| self.catalogue.get(kind)),
            ));
        }
        let noun = self.catalogue.noun;
        if let Some(feature) = self.catalogue.feature_of(name) {
            return Err(Finding::at(place, format!("`{name}` is not compiled in"))
                .suggesting(build_with(feature)));
        }
        let kind = self.catalogue.get(name).ok_or_else(|| {
            let names: BTreeSet<&str> =
                self.named.keys().map(String::as_str).chain(self.catalogue.names()).collect();
            Finding::at(place, format!("there is no {noun} `{name}`"))
                .suggesting(did_you_mean(name, names))
        })?;
        if !self.prepared.contains_key(name) {
            let nothing = Node { place, value: Value::Mapping(Vec::new()) };
            let blueprint = kind.prepare(&nothing).map_err(|error| {
                Finding::at(place, format!("`{name}` needs settings: {}", error.message))
                    .suggesting(format!("add `{name}` under `{noun}s`"))
            })?;
            self.prepared.insert(name.to_owned(), Prepared { timeout: None, blueprint });
        }
        Ok((self.prepared.get(name), Some(kind)))
    }

    /// The names of the file that no chain uses, with their places.
    pub(crate) fn unused<'b>(
        &'b self,
        used: impl Fn(&str) -> bool + 'b,
    ) -> impl Iterator<Item = (&'b str, Place)> {
        self.named
            .iter()
            .filter(move |(name, _)| !used(name))
            .map(|(name, (place, _))| (name.as_str(), *place))
    }

    pub(crate) fn noun(&self) -> &'static str {
        self.catalogue.noun
    }

    pub(crate) fn catalogue(&self) -> &'a Catalogue<P> {
        self.catalogue
    }
}

/// What to do about a plug-in that is not compiled in.
pub(crate) fn build_with(feature: &str) -> String {
    format!("build s3-credential-provider with its feature `{feature}`, or do without it")
}

/// The type of a configured plug-in: what it says, or its name.
fn kind_of<'n>(key: &'n Key, node: &'n Node) -> Option<&'n str> {
    match node.get(TYPE) {
        Some(kind) => kind.as_text(),
        None => Some(&key.name),
    }
}
