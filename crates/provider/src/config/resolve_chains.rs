//! From the names in a chain to its plug-ins, and what is wrong with a chain as a whole.

use s3_credential_core::AuthenticationLevel;
use serde::Deserialize as _;

use crate::config::model::{Link, OnFailure};
use crate::config::plugin_configs::PluginConfigs;
use crate::document::{Diagnostic, Node, Span, Value, item_path, listed};
use crate::plugins::{LeftOut, Step};
use crate::registry::PluginType;

/// A chain of the file, before its names are resolved.
#[derive(Debug)]
pub(crate) struct WrittenChain {
    /// Each link that can be read, with the place of its name and its path.
    links: Vec<(Link, Span, String)>,
    span: Span,
    path: String,
    /// `None` for the region chain, which serves every level.
    level: Option<AuthenticationLevel>,
    is_whole: bool,
    is_default: bool,
}

/// A link that was found.
struct Known<'a, P: ?Sized> {
    name: String,
    span: Span,
    path: String,
    kind: &'a PluginType<P>,
    stops: bool,
}

impl WrittenChain {
    /// Makes the chain of the file, or the default one.
    pub(crate) fn new(
        node: Option<&Node>,
        default: &[Link],
        path: String,
        level: Option<AuthenticationLevel>,
    ) -> Self {
        let Some(node) = node.filter(|node| node.value != Value::Null) else {
            let links =
                default.iter().map(|link| (link.clone(), Span::START, path.clone())).collect();
            return Self {
                links,
                span: Span::START,
                path,
                level,
                is_whole: true,
                is_default: true,
            };
        };
        let link = |(index, item): (usize, &Node)| {
            let span = item.get("name").unwrap_or(item).span;
            Some((Link::deserialize(item).ok()?, span, item_path(&path, index)))
        };
        let links: Vec<_> = node.items().iter().enumerate().filter_map(link).collect();
        let is_whole = links.len() == node.items().len();
        Self { links, span: node.span, path, level, is_whole, is_default: false }
    }

    /// Returns the plug-ins in their order. What cannot be read was found before.
    pub(crate) fn resolve<'a, P: ?Sized + 'static>(
        &self,
        plugins: &mut PluginConfigs<'a, P>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Step<P>> {
        let mut steps = Vec::new();
        let mut known: Vec<Known<'a, P>> = Vec::new();
        for (index, (link, span, path)) in self.links.iter().enumerate() {
            if self.links[..index].iter().any(|(other, ..)| other.name == link.name) {
                let message = format!("`{}` is in this chain already", link.name);
                diagnostics.push(Diagnostic::at(*span, message).of(path));
                continue;
            }
            if self.is_default && plugins.plugin_types().feature_of(&link.name).is_some() {
                steps.push(Step::new(&link.name, Err(LeftOut::new(&link.name))));
                continue;
            }
            let (prepared, kind) = match plugins.find(&link.name, *span) {
                Ok(found) => found,
                Err(diagnostic) => {
                    diagnostics.push(diagnostic.of(path));
                    continue;
                }
            };
            let stops = link.on_failure == OnFailure::Stop;
            steps.extend(prepared.map(|prepared| Step {
                name: link.name.clone(),
                continue_on_failure: !stops,
                timeout: prepared.timeout,
                factory: Ok(prepared.factory.clone()),
            }));
            known.extend(kind.map(|kind| Known {
                name: link.name.clone(),
                span: *span,
                path: path.clone(),
                kind,
                stops,
            }));
        }
        if let Some(level) = self.level.filter(|_| self.is_whole && known.len() == self.links.len())
        {
            self.check_level(level, &known, plugins, diagnostics);
        }
        check_order(&known, diagnostics);
        steps
    }

    fn check_level<P: ?Sized + 'static>(
        &self,
        level: AuthenticationLevel,
        known: &[Known<'_, P>],
        plugins: &PluginConfigs<'_, P>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let serves = |known: &Known<'_, P>| known.kind.levels.contains(&level);
        if !known.is_empty() && !known.iter().any(serves) {
            let able: Vec<&str> = plugins
                .plugin_types()
                .iter()
                .filter(|(_, kind)| kind.levels.contains(&level))
                .map(|(name, _)| name)
                .collect();
            let message = format!(
                "this chain can never succeed: no {} in it has credentials at {level} level",
                plugins.noun()
            );
            let help = format!("at this level there are {}", listed(&able));
            diagnostics.push(Diagnostic::at(self.span, message).of(&self.path).suggesting(help));
            return;
        }
        for known in known.iter().filter(|known| !serves(known)) {
            let message = format!(
                "`{}` has no credentials at {level} level: it is always skipped",
                known.name
            );
            diagnostics.push(Diagnostic::warning_at(known.span, message).of(known.path.clone()));
        }
    }
}

fn check_order<P: ?Sized>(known: &[Known<'_, P>], diagnostics: &mut Vec<Diagnostic>) {
    let end = known.iter().position(|known| known.kind.always_answers && known.stops);
    for later in end.map(|end| &known[end + 1..]).unwrap_or_default() {
        let before = end.map_or("", |end| known[end].name.as_str());
        let message =
            format!("`{}` is never asked: `{before}` before it answers or fails", later.name);
        diagnostics.push(Diagnostic::warning_at(later.span, message).of(later.path.clone()));
    }
    for (index, known_one) in known.iter().enumerate().filter(|(_, known)| !known.stops) {
        let message = if index + 1 == known.len() {
            format!("there is no later entry to go on to when `{}` is broken", known_one.name)
        } else {
            format!(
                "when `{}` is broken the chain goes on: a volume may get another identity than the one that was meant",
                known_one.name
            )
        };
        diagnostics
            .push(Diagnostic::warning_at(known_one.span, message).of(known_one.path.clone()));
    }
}
