//! An explanation as a tree of lines.

use std::fmt::Write as _;

use s3_credential_core::{Attempt, Outcome, ProvideContext};
use s3_credential_provider::{Explanation, ProvideError, Provided, Reasons};

use crate::output;
use crate::text::{Style, coloured, printable};

/// A line, and those under it.
struct Node {
    text: String,
    under: Vec<Self>,
}

impl Node {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), under: Vec::new() }
    }

    /// A title that stands out, and what follows it.
    fn titled(title: &str, text: &str) -> Self {
        Self::new(format!("{} {}", Style::Strong.paint(title), printable(text)))
    }

    fn over(self, under: Vec<Self>) -> Self {
        Self { under, ..self }
    }

    fn print(&self) -> String {
        let mut page = format!("{}\n", self.text);
        self.print_under(&mut page, "");
        page
    }

    fn print_under(&self, page: &mut String, indent: &str) {
        for (index, node) in self.under.iter().enumerate() {
            let is_last = index + 1 == self.under.len();
            let (branch, next) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let _ = writeln!(page, "{indent}{branch}{}", node.text);
            node.print_under(page, &format!("{indent}{next}"));
        }
    }
}

/// Returns the tree of what would happen, or why it would fail, from the volume on; without a
/// volume where the request is invalid.
pub(crate) fn explanation(
    context: Option<&ProvideContext>,
    explained: &Result<Explanation, ProvideError>,
) -> String {
    let mut under = Vec::new();
    if let Some(context) = context {
        let level = format!("{}: {}", context.level(), Reasons::of_level(context));
        under.push(Node::titled("level", &level));
    }
    match explained {
        Ok(Explanation { provided, reasons, .. }) => {
            under.extend(sources(&provided.attempts));
            under.extend(decided(provided, reasons));
        }
        Err(error) => {
            under.extend(sources(&error.attempts));
            let resolvers = attempts(&error.region_attempts);
            if !resolvers.is_empty() {
                under.push(Node::new(Style::Strong.paint("region")).over(resolvers));
            }
            under.push(failure(error));
        }
    }
    context.map_or_else(|| Node::new("no volume"), volume).over(under).print()
}

fn volume(context: &ProvideContext) -> Node {
    let mut text = context.volume_id().to_owned();
    if let Some(pod) = context.lease_pod() {
        let _ = write!(text, ", pod {pod}");
    }
    if let Ok((namespace, name)) = context.service_account() {
        let _ = write!(text, ", service account {namespace}/{name}");
    }
    Node::titled("volume", &text)
}

fn sources(of_chain: &[Attempt]) -> Option<Node> {
    let sources = attempts(of_chain);
    (!sources.is_empty()).then(|| Node::new(Style::Strong.paint("sources")).over(sources))
}

fn attempts(attempts: &[Attempt]) -> Vec<Node> {
    let width = attempts.iter().map(|attempt| attempt.plugin.len()).max().unwrap_or_default();
    attempts.iter().map(|attempt| one_attempt(attempt, width)).collect()
}

fn one_attempt(attempt: &Attempt, width: usize) -> Node {
    let mut text = format!("{:width$}  {}", attempt.plugin, coloured(attempt.outcome));
    if attempt.outcome != Outcome::NotTried {
        // As wide as the longest word for an outcome.
        let gap = Outcome::NotApplicable.as_str().len() - attempt.outcome.as_str().len();
        let took = output::milliseconds(attempt.duration);
        let _ = write!(text, "{:gap$}  {took:>9.3} ms", "");
    }
    if let Some(reason) = &attempt.reason {
        let _ = write!(text, "  {}", printable(reason));
    }
    let help = attempt.help.iter().map(|help| Node::titled("help:", help));
    Node::new(text).over(help.collect())
}

fn decided(provided: &Provided, reasons: &Reasons) -> Vec<Node> {
    let identity = &provided.identity;
    let source = identity.source.as_ref().map(|source| format!(" from {source}"));
    let mut credentials = Vec::new();
    if let Some(role) = &identity.role_arn {
        let origin = reasons.role.as_ref().map(|origin| format!(": {origin}"));
        credentials.push(Node::titled("role", &format!("{role}{}", origin.unwrap_or_default())));
    }
    credentials.extend(identity.uri.iter().map(|uri| Node::titled("address", uri)));
    if provided.identity_changed {
        credentials.push(Node::new(
            "the chain would now choose another identity, which the running Mountpoint could not see: it is taken with the next mount",
        ));
    }
    let region = match &provided.region {
        Some(resolved) => format!("{} (from {})", resolved.region, resolved.resolver),
        None => "none known; none is needed here".to_owned(),
    };
    let variables = provided
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={}", output::printable(name, value, false)));
    let files =
        provided.files.iter().map(|file| format!("{:04o} {}", file.mode, file.path.display()));
    let delivered = variables.chain(files).map(|line| Node::new(printable(&line)));
    let mut refresh = Node::titled("refresh", &reasons.refresh);
    if let Some(at) = provided.refresh_at {
        refresh = Node::titled("refresh", &format!("at {at}: {}", reasons.refresh));
    }
    let ends = provided.expires_at.map(|at| Node::titled("expires", &at.to_string()));
    vec![
        Node::titled("credentials", &format!("{}{}", identity.form, source.unwrap_or_default()))
            .over(credentials),
        Node::titled("region", &region).over(attempts(&provided.region_attempts)),
        Node::titled("delivery", &format!("{}: {}", provided.delivery, reasons.delivery))
            .over(delivered.collect()),
        refresh.over(ends.into_iter().collect()),
    ]
}

fn failure(error: &ProvideError) -> Node {
    let title = Style::Bad.paint("fails");
    Node::new(format!("{title} {} ({})", error.kind(), error.code())).over(vec![
        Node::new(printable(error.failure.message())),
        Node::titled("help:", error.help()),
    ])
}
