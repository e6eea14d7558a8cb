//! `s3cred explain`

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use s3_credential_core::{Attempt, Outcome};
use s3_credential_provider::{ProvideError, Provided, PublishRequest};

use crate::arguments::{ExplainArguments, ReportFormat};
use crate::output::{self, ProvidedObject};
use crate::{request, setup};

pub(crate) async fn run(arguments: ExplainArguments) -> Result<(), ProvideError> {
    let builder = setup::builder(&arguments.config, Some(&arguments.state))?;
    let provider = setup::choose(builder, &arguments.choices).build()?;
    let target = setup::target(None, &arguments.mount)?;
    let request: PublishRequest = request::read(&arguments.request.request)?;
    let explained = match provider.context(request, target) {
        Ok(context) => provider.explain(&context).await,
        Err(error) => Err(error),
    };
    if arguments.output == ReportFormat::Text {
        let text = match &explained {
            Ok(provided) => success(provided),
            Err(error) => failure(error),
        };
        output::print_text(&text);
    }
    let provided = explained?;
    if arguments.output == ReportFormat::Json {
        output::print_json(&ProvidedObject::new(&provided, false));
    }
    Ok(())
}

fn success(provided: &Provided) -> String {
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
        None => text.push_str("region    none known; nothing here needs one\n"),
    }
    let _ = writeln!(text, "delivery  {}", provided.delivery);
    for (name, value) in &provided.environment {
        let _ = writeln!(text, "  {name}={}", output::printable(value, false));
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

fn failure(error: &ProvideError) -> String {
    let mut text = String::new();
    attempts(&mut text, "sources", &error.attempts);
    attempts(&mut text, "resolvers", &error.region_attempts);
    let _ = writeln!(text, "fails     {} ({})", error.kind(), error.code());
    if !error.help().is_empty() {
        let _ = writeln!(text, "help      {}", error.help());
    }
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
            let _ = write!(text, "  {:>9.3} ms", output::milliseconds(attempt));
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

fn coloured(outcome: Outcome) -> String {
    let word = format!("{:<14}", outcome.as_str());
    let colour = match outcome {
        Outcome::Provided => "32",
        Outcome::Failed => "31",
        _ => "2",
    };
    if std::io::stdout().is_terminal() { format!("\x1b[{colour}m{word}\x1b[0m") } else { word }
}
