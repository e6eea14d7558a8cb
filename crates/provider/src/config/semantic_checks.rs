//! Checks that types cannot make: keys that contradict each other, or what Mountpoint does.

use s3_credential_core::{Delivery, FormKind};

use crate::document::{Diagnostic, Node, Span};
use crate::plugins::build_with;
use crate::settings::{
    Deliveries, ENDPOINT_READ_BEFORE, PROFILE_READ_EVERY, RotationSettings, Scope, Settings,
};

/// Everything that is wrong with the model as a whole.
pub(crate) fn check(settings: &Settings, tree: &Node) -> Vec<Diagnostic> {
    let mut checker = Checker { tree, diagnostics: Vec::new() };
    checker.deliveries(settings.deliveries, settings.scope);
    checker.rotation(&settings.rotation);
    checker.diagnostics
}

struct Checker<'a> {
    tree: &'a Node,
    diagnostics: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn refuse(&mut self, path: &str, message: impl Into<String>, help: &str) {
        let span = self.span(path);
        self.diagnostics.push(Diagnostic::at(span, message).of(path).suggesting(help.to_owned()));
    }

    /// Returns the place of a key's value, as far as the file has it.
    fn span(&self, path: &str) -> Span {
        path.split('.')
            .try_fold(self.tree, |node, key| node.get(key))
            .map_or(Span::START, |node| node.span)
    }

    fn deliveries(&mut self, delivery: Deliveries, scope: Scope) {
        for (kind, forms) in [("pod", &delivery.pod), ("systemd", &delivery.systemd)] {
            for (form, word) in forms.iter() {
                let path = format!("delivery.{kind}.{form}");
                if word == Delivery::Endpoint && !cfg!(feature = "endpoint") {
                    let message = "the endpoint is not compiled in";
                    self.refuse(&path, message, &build_with("endpoint"));
                } else if word == Delivery::Endpoint && kind == "pod" {
                    self.refuse(
                        &path,
                        "a Mountpoint pod cannot reach the endpoint, which listens on the node's loopback interface",
                        if form == FormKind::Keys { "use `profile`" } else { "use `delegated` or `profile`" },
                    );
                }
                if word == Delivery::Delegated && scope == Scope::Volume {
                    self.refuse(
                        &path,
                        "with `scope: volume` the exchange cannot be left to Mountpoint, which would not narrow it",
                        "use `profile` or `endpoint`, or leave it out",
                    );
                }
            }
        }
    }

    fn rotation(&mut self, rotation: &RotationSettings) {
        if rotation.profile_margin <= PROFILE_READ_EVERY {
            self.refuse(
                "rotation.profileMargin",
                "keys in a profile must be replaced more than 15 minutes before they end: a running Mountpoint reads the file no more often",
                "write `20m`, or more",
            );
        }
        if rotation.endpoint_margin <= ENDPOINT_READ_BEFORE {
            self.refuse(
                "rotation.endpointMargin",
                "the endpoint's keys must be replaced more than 5 minutes before they end: with less left, readers ask for every request",
                "write `10m`, or more",
            );
        }
        if rotation.initial_backoff > rotation.max_backoff {
            self.refuse(
                "rotation.initialBackoff",
                "the first pause is longer than the longest (`maxBackoff`)",
                "",
            );
        }
        let cache = &rotation.cache;
        if cache.mandatory_window > cache.advisory_window {
            self.refuse(
                "rotation.cache.mandatoryWindow",
                "a refresh cannot be urgent before it is due (`advisoryWindow`)",
                "",
            );
        }
        if cache.initial_backoff > cache.max_backoff {
            self.refuse(
                "rotation.cache.initialBackoff",
                "the shortest pause is longer than the longest (`maxBackoff`)",
                "",
            );
        }
    }
}
