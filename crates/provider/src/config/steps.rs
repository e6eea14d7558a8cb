//! From the names in a chain to its plug-ins, and what is wrong with a chain as a whole.

use std::fmt;
use std::time::Duration;

use s3_credential_core::AuthenticationLevel;

use crate::config::model::{Link, OnFailure};
use crate::config::plugins::Plugins;
use crate::config::problem::{Finding, item_path};
use crate::config::suggestion::listed;
use crate::config::tree::{Node, Place};
use crate::registry::{Blueprint, Kind};

/// One plug-in of a chain, ready to be made.
pub(crate) struct Step<P: ?Sized> {
    pub(crate) name: String,
    pub(crate) goes_on_past_failure: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) blueprint: Blueprint<P>,
}

/// A chain of the file: its links, its node where the file has it, and its path.
#[derive(Debug)]
pub(crate) struct WrittenChain<'a> {
    pub(crate) links: &'a [Link],
    pub(crate) node: Option<&'a Node>,
    pub(crate) path: String,
    /// Nothing for the region chain, which serves every level.
    pub(crate) level: Option<AuthenticationLevel>,
}

/// What is known of a link that was found.
struct Known<'a, P: ?Sized> {
    name: &'a str,
    place: Place,
    path: String,
    kind: &'a Kind<P>,
    stops: bool,
}

impl<'a> WrittenChain<'a> {
    /// The plug-ins in their order.
    pub(crate) fn resolve<P: ?Sized + 'static>(
        &self,
        plugins: &mut Plugins<'a, P>,
        findings: &mut Vec<Finding>,
    ) -> Vec<Step<P>> {
        let mut steps = Vec::new();
        let mut known: Vec<Known<'a, P>> = Vec::new();
        let mut is_complete = true;
        for (index, link) in self.links.iter().enumerate() {
            let place = self.place(index);
            let path = item_path(&self.path, index);
            if self.links[..index].iter().any(|other| other.name == link.name) {
                let message = format!("`{}` is in this chain already", link.name);
                findings.push(Finding::at(place, message).of(path));
                continue;
            }
            match plugins.find(&link.name, place) {
                Ok(Some((prepared, kind))) => {
                    let stops = link.on_failure == OnFailure::Stop;
                    known.push(Known { name: &link.name, place, path, kind, stops });
                    steps.push(Step {
                        name: link.name.clone(),
                        goes_on_past_failure: !stops,
                        timeout: prepared.timeout,
                        blueprint: prepared.blueprint.clone(),
                    });
                }
                Ok(None) => is_complete = false,
                Err(finding) => {
                    is_complete = false;
                    findings.push(finding.of(path));
                }
            }
        }
        if let Some(level) = self.level.filter(|_| is_complete) {
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
            let place = self.node.map_or(Place::START, |node| node.place);
            let message = format!(
                "this chain can never succeed: no {} in it has credentials at {level} level",
                plugins.noun()
            );
            let help = format!("at this level there are {}", listed(&able));
            findings.push(Finding::at(place, message).of(&self.path).suggesting(help));
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

    /// The name of a link; the start of the file for the default chain.
    fn place(&self, index: usize) -> Place {
        let item = self.node.and_then(|node| node.items().get(index));
        item.map_or(Place::START, |item| item.get("name").unwrap_or(item).place)
    }
}

fn check_order<P: ?Sized>(known: &[Known<'_, P>], findings: &mut Vec<Finding>) {
    let end = known.iter().position(|known| known.kind.always_answers && known.stops);
    for later in end.map(|end| &known[end + 1..]).unwrap_or_default() {
        let before = end.map_or("", |end| known[end].name);
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
