//! What was provided, or why not, in lines for a person.

use std::fmt::Write as _;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use s3_credential_core::{Attempt, Outcome};
use s3_credential_provider::{ProvideError, Provided};

use crate::output;

/// A volume's credentials: how they were decided, and what Mountpoint gets.
pub(crate) fn provided(provided: &Provided) -> String {
    let mut text = format!("level     {}\n", provided.level);
    attempts(&mut text, "sources", &provided.attempts);
    let identity = &provided.identity;
    let _ = writeln!(text, "form      {}", identity.form);
    if let Some(role) = &identity.role_arn {
        let _ = writeln!(text, "role      {role}");
    }
    attempts(&mut text, "resolvers", &provided.region_attempts);
    match &provided.region {
        Some(resolved) => {
            let _ = writeln!(text, "region    {} (from {})", resolved.region, resolved.resolver);
        }
        None => text.push_str("region    none known; none is needed here\n"),
    }
    let _ = writeln!(text, "delivery  {}", provided.delivery);
    for (name, value) in &provided.environment {
        let _ = writeln!(text, "  {name}={}", output::printable(name, value, false));
    }
    for file in &provided.files {
        let _ = writeln!(text, "  {:04o} {}", file.mode, file.path.display());
    }
    if let Some(at) = provided.expires_at {
        let _ = writeln!(text, "expires   {at}");
    }
    if let Some(at) = provided.refresh_at {
        let _ = writeln!(text, "refresh   {at}");
    }
    text
}

/// Why a volume has none, without the message, which is on stderr.
pub(crate) fn failed(error: &ProvideError) -> String {
    let mut text = String::new();
    attempts(&mut text, "sources", &error.attempts);
    attempts(&mut text, "resolvers", &error.region_attempts);
    let _ = writeln!(text, "fails     {} ({})", error.kind(), error.code());
    let _ = writeln!(text, "help      {}", error.help());
    text
}

fn attempts(text: &mut String, title: &str, attempts: &[Attempt]) {
    if attempts.is_empty() {
        return;
    }
    let _ = writeln!(text, "{title}");
    let width = attempts.iter().map(|attempt| attempt.plugin.len()).max().unwrap_or_default();
    for attempt in attempts {
        let _ = write!(text, "  {:width$}  {}", attempt.plugin, coloured(attempt.outcome));
        if attempt.outcome != Outcome::NotTried {
            // As wide as the longest word for an outcome.
            let gap = Outcome::NotApplicable.as_str().len() - attempt.outcome.as_str().len();
            let _ = write!(text, "{:gap$}  {:>9.3} ms", "", output::milliseconds(attempt.duration));
        }
        if let Some(reason) = &attempt.reason {
            let _ = write!(text, "  {reason}");
        }
        text.push('\n');
        if let Some(help) = &attempt.help {
            let _ = writeln!(text, "  {:width$}  help: {help}", "");
        }
    }
}

pub(crate) fn coloured(outcome: Outcome) -> String {
    let style = match outcome {
        Outcome::Provided => Style::Good,
        Outcome::Failed => Style::Bad,
        _ => Style::Faint,
    };
    style.paint(outcome.as_str())
}

/// On one line, whatever a volume or a variable is called.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// Whether colours may go there: to a terminal, unless its user said otherwise (`NO_COLOR`,
/// `CLICOLOR`, `TERM=dumb`).
pub(crate) fn wants_colour(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

/// How a word stands out on a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    Good,
    Bad,
    Uncertain,
    Faint,
    Strong,
}

impl Style {
    /// Returns the text in this style, or unchanged where the output is no terminal.
    pub(crate) fn paint(self, text: impl Into<String>) -> String {
        let text = text.into();
        if !wants_colour(&std::io::stdout()) {
            return text;
        }
        // ECMA-48, "select graphic rendition".
        let code = match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Uncertain => "33",
            Self::Faint => "2",
            Self::Strong => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
