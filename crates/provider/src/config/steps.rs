//! From the names in a chain to its plug-ins, and what is wrong with a chain as a whole.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use s3_credential_core::{AuthenticationLevel, ErrorKind, Failure};
use serde::Deserialize as _;

use crate::config::model::{Link, OnFailure};
use crate::config::plugins::{Plugins, build_with};
use crate::config::problem::{Finding, item_path};
use crate::config::suggestion::listed;
use crate::config::tree::{Node, Place, Value};
use crate::registry::{Blueprint, Kind};

/// One plug-in of a chain, ready to be made.
pub(crate) struct Step<P: ?Sized> {
    pub(crate) name: String,
    pub(crate) goes_on_past_failure: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) blueprint: Blueprint<P>,
}

/// A chain as it is written.
#[derive(Debug)]
pub(crate) struct WrittenChain {
    /// Each link that can be read, with the place of its name and its path.
    links: Vec<(Link, Place, String)>,
    place: Place,
    path: String,
    /// Nothing for the region chain, which serves every level.
    level: Option<AuthenticationLevel>,
    is_whole: bool,
    is_default: bool,
}

/// What is known of a link that was found.
struct Known<'a, P: ?Sized> {
    name: String,
    place: Place,
    path: String,
    kind: &'a Kind<P>,
    stops: bool,
}

impl WrittenChain {
    /// The chain of the file, or the default one.
    pub(crate) fn new(
        node: Option<&Node>,
        default: &[Link],
        path: String,
        level: Option<AuthenticationLevel>,
    ) -> Self {
        let Some(node) = node.filter(|node| node.value != Value::Null) else {
            let links =
                default.iter().map(|link| (link.clone(), Place::START, path.clone())).collect();
            return Self {
                links,
                place: Place::START,
                path,
                level,
                is_whole: true,
                is_default: true,
            };
        };
        let link = |(index, item): (usize, &Node)| {
            let place = item.get("name").unwrap_or(item).place;
            Some((Link::deserialize(item).ok()?, place, item_path(&path, index)))
        };
        let links: Vec<_> = node.items().iter().enumerate().filter_map(link).collect();
        let is_whole = links.len() == node.items().len();
        Self { links, place: node.place, path, level, is_whole, is_default: false }
    }

    /// The plug-ins in their order. What cannot be read was found before.
    pub(crate) fn resolve<'a, P: ?Sized + 'static>(
        &self,
        plugins: &mut Plugins<'a, P>,
        findings: &mut Vec<Finding>,
    ) -> Vec<Step<P>> {
        let mut steps = Vec::new();
        let mut known: Vec<Known<'a, P>> = Vec::new();
        for (index, (link, place, path)) in self.links.iter().enumerate() {
            if self.links[..index].iter().any(|(other, ..)| other.name == link.name) {
                let message = format!("`{}` is in this chain already", link.name);
                findings.push(Finding::at(*place, message).of(path));
                continue;
            }
            if let Some(feature) =
                plugins.catalogue().feature_of(&link.name).filter(|_| self.is_default)
            {
                steps.push(Step::left_out(&link.name, &self.path, feature));
                continue;
            }
            let (prepared, kind) = match plugins.find(&link.name, *place) {
                Ok(found) => found,
                Err(finding) => {
                    findings.push(finding.of(path));
                    continue;
                }
            };
            let stops = link.on_failure == OnFailure::Stop;
            steps.extend(prepared.map(|prepared| Step {
                name: link.name.clone(),
                goes_on_past_failure: !stops,
                timeout: prepared.timeout,
                blueprint: prepared.blueprint.clone(),
            }));
            known.extend(kind.map(|kind| Known {
                name: link.name.clone(),
                place: *place,
                path: path.clone(),
                kind,
                stops,
            }));
        }
        if let Some(level) = self.level.filter(|_| self.is_whole && known.len() == self.links.len())
        {
            self.check_level(level, &known, plugins, findings);
        }
        check_order(&known, findings);
        steps
    }

    fn check_level<P: ?Sized + 'static>(
        &self,
        level: AuthenticationLevel,
        known: &[Known<'_, P>],
        plugins: &Plugins<'_, P>,
        findings: &mut Vec<Finding>,
    ) {
        let serves = |known: &Known<'_, P>| known.kind.levels.contains(&level);
        if !known.is_empty() && !known.iter().any(serves) {
            let able: Vec<&str> = plugins
                .catalogue()
                .iter()
                .filter(|(_, kind)| kind.levels.contains(&level))
                .map(|(name, _)| name)
                .collect();
            let message = format!(
                "this chain can never succeed: no {} in it has credentials at {level} level",
                plugins.noun()
            );
            let help = format!("at this level there are {}", listed(&able));
            findings.push(Finding::at(self.place, message).of(&self.path).suggesting(help));
            return;
        }
        for known in known.iter().filter(|known| !serves(known)) {
            let message = format!(
                "`{}` has no credentials at {level} level: it is always skipped",
                known.name
            );
            findings.push(Finding::warning_at(known.place, message).of(known.path.clone()));
        }
    }
}

impl<P: ?Sized> Step<P> {
    /// A plug-in of a default chain that is not compiled in. The chain that needs it fails to build, and no other does.
    fn left_out(name: &str, path: &str, feature: &str) -> Self {
        let failure = Failure::new(
            ErrorKind::InvalidConfiguration,
            format!("the default of `{path}` names `{name}`, which is not compiled in"),
        )
        .with_help(format!(
            "{}: say in `{path}`, or with the builder, what is asked instead",
            build_with(feature)
        ));
        let blueprint: Blueprint<P> = Arc::new(move |_| Err(failure.clone()));
        Self { name: name.to_owned(), goes_on_past_failure: false, timeout: None, blueprint }
    }
}

fn check_order<P: ?Sized>(known: &[Known<'_, P>], findings: &mut Vec<Finding>) {
    let end = known.iter().position(|known| known.kind.always_answers && known.stops);
    for later in end.map(|end| &known[end + 1..]).unwrap_or_default() {
        let before = end.map_or("", |end| known[end].name.as_str());
        let message =
            format!("`{}` is never asked: `{before}` before it answers or fails", later.name);
        findings.push(Finding::warning_at(later.place, message).of(later.path.clone()));
    }
    for (index, known_one) in known.iter().enumerate().filter(|(_, known)| !known.stops) {
        let message = if index + 1 == known.len() {
            format!("there is nothing to go on to when `{}` is broken", known_one.name)
        } else {
            format!(
                "when `{}` is broken the chain goes on: a volume may get another identity than the one that was meant",
                known_one.name
            )
        };
        findings.push(Finding::warning_at(known_one.place, message).of(known_one.path.clone()));
    }
}

impl<P: ?Sized> fmt::Debug for Step<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("name", &self.name)
            .field("goes_on_past_failure", &self.goes_on_past_failure)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<P: ?Sized> Clone for Step<P> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            goes_on_past_failure: self.goes_on_past_failure,
            timeout: self.timeout,
            blueprint: self.blueprint.clone(),
        }
    }
}
