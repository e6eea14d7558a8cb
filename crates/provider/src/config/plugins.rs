//! The plug-ins that a file configures, each ready to be made.

use std::collections::BTreeMap;
use std::fmt;
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
    /// Its type.
    pub(crate) kind: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) blueprint: Blueprint<P>,
}

/// The plug-ins of one kind, by their name in chains.
pub(crate) struct Plugins<'a, P: ?Sized> {
    catalogue: &'a Catalogue<P>,
    prepared: BTreeMap<String, Prepared<P>>,
    /// What the file configures, with the place of its name: some of it may have errors.
    named: BTreeMap<String, Place>,
}

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
            plugins.named.insert(key.name.clone(), key.place);
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
        let kind = node.get(TYPE).and_then(Node::as_text).unwrap_or(&key.name);
        let settings = node.without(&[TYPE, TIMEOUT]);
        // What is wrong with a mapping as a whole is shown where its name is.
        let at_key =
            |place: Option<Place>| place.filter(|place| *place != node.place).unwrap_or(key.place);
        let blueprint = self
            .kind(kind)?
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
        Ok(Prepared { kind: kind.to_owned(), timeout, blueprint })
    }

    fn kind(&self, name: &str) -> Result<&'a Kind<P>, Finding> {
        self.catalogue.get(name).ok_or_else(|| {
            let message = format!("there is no {} of the type `{name}`", self.catalogue.noun);
            Finding::at(Place::START, message)
                .suggesting(did_you_mean(name, self.catalogue.names()))
        })
    }

    /// The plug-in that a chain names; nothing where the file configures it with errors, which are told already.
    pub(crate) fn find(
        &mut self,
        name: &str,
        place: Place,
    ) -> Result<Option<(&Prepared<P>, &'a Kind<P>)>, Finding> {
        if !self.prepared.contains_key(name) {
            if self.named.contains_key(name) {
                return Ok(None);
            }
            let noun = self.catalogue.noun;
            let kind = self.catalogue.get(name).ok_or_else(|| {
                let names = self.named.keys().map(String::as_str).chain(self.catalogue.names());
                let names: std::collections::BTreeSet<&str> = names.collect();
                Finding::at(place, format!("there is no {noun} `{name}`"))
                    .suggesting(did_you_mean(name, names))
            })?;
            let blueprint = kind
                .prepare(&Node { place, value: Value::Mapping(Vec::new()) })
                .map_err(|error| {
                    Finding::at(place, format!("`{name}` needs settings: {}", error.message))
                        .suggesting(format!("add `{name}` under `{noun}s`"))
                })?;
            self.prepared.insert(
                name.to_owned(),
                Prepared { kind: name.to_owned(), timeout: None, blueprint },
            );
        }
        let prepared = self.prepared.get(name);
        Ok(prepared.and_then(|prepared| Some((prepared, self.catalogue.get(&prepared.kind)?))))
    }

    /// The names of the file that no chain uses, with their places.
    pub(crate) fn unused<'b>(
        &'b self,
        used: impl Fn(&str) -> bool + 'b,
    ) -> impl Iterator<Item = (&'b str, Place)> {
        self.named
            .iter()
            .filter(move |(name, _)| !used(name))
            .map(|(name, place)| (name.as_str(), *place))
    }

    pub(crate) fn noun(&self) -> &'static str {
        self.catalogue.noun
    }

    pub(crate) fn catalogue(&self) -> &'a Catalogue<P> {
        self.catalogue
    }
}

impl<P: ?Sized> fmt::Debug for Prepared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("kind", &self.kind).finish_non_exhaustive()
    }
}
