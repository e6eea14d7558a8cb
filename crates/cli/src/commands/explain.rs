//! `s3cred explain`

use s3_credential_provider::{Explanation, ProvideContext, ProvideError, PublishRequest, Registry};
use serde::Serialize;

use crate::arguments::{ExplainArguments, ReportFormat};
use crate::output::{self, ProvidedObject, ResolverAttempt, resolver_attempts};
use crate::{request, setup, tree};

/// What `provide` would print, and why.
#[derive(Serialize)]
struct ExplainedObject<'a> {
    #[serde(flatten)]
    provided: ProvidedObject<'a>,
    explanation: ExplanationObject<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplanationObject<'a> {
    level: &'a str,
    role: Option<Role<'a>>,
    delivery: &'a str,
    refresh: &'a str,
    /// What to do about each source that did not provide.
    help: Vec<SourceHelp<'a>>,
    region_attempts: Vec<ResolverAttempt<'a>>,
}

#[derive(Serialize)]
struct Role<'a> {
    arn: &'a str,
    origin: Option<&'a str>,
}

#[derive(Serialize)]
struct SourceHelp<'a> {
    source: &'a str,
    help: &'a str,
}

/// In lines a failure is explained, too, whatever it comes from.
pub(crate) async fn run(
    arguments: ExplainArguments,
    registry: &Registry,
) -> Result<(), ProvideError> {
    let mut context = None;
    let explained = explain(&arguments, registry, &mut context).await;
    if let Ok(explained) = &explained {
        explained.provided.warnings.iter().for_each(output::warn);
    }
    match (arguments.output, &explained) {
        (ReportFormat::Text, explained) => {
            output::print_text(&tree::explanation(context.as_ref(), explained));
        }
        (ReportFormat::Json, Ok(explained)) => output::print_json(&object(explained)),
        (ReportFormat::Json, Err(_)) => {}
    }
    explained.map(drop)
}

/// Explains a request, and sets `parsed` to its context once it is parsed.
async fn explain(
    arguments: &ExplainArguments,
    registry: &Registry,
    parsed: &mut Option<ProvideContext>,
) -> Result<Explanation, ProvideError> {
    let builder = setup::builder(registry, &arguments.config, Some(&arguments.state))?;
    let provider = setup::choose(builder, &arguments.choices).build()?;
    let target = setup::target(None, &arguments.mount)?;
    let request: PublishRequest = request::read(&arguments.request.request)?;
    let context = parsed.insert(provider.context(request, target)?);
    Box::pin(provider.explain(context)).await
}

fn object(explained: &Explanation) -> ExplainedObject<'_> {
    let Explanation { provided, reasons, .. } = explained;
    ExplainedObject {
        provided: ProvidedObject::new(provided, false),
        explanation: ExplanationObject {
            level: reasons.level,
            role: provided
                .identity
                .role_arn
                .as_ref()
                .map(|arn| Role { arn: arn.as_str(), origin: reasons.role.as_deref() }),
            delivery: &reasons.delivery,
            refresh: &reasons.refresh,
            help: provided
                .attempts
                .iter()
                .filter_map(|attempt| {
                    Some(SourceHelp { source: &attempt.plugin, help: attempt.help.as_deref()? })
                })
                .collect(),
            region_attempts: resolver_attempts(&provided.region_attempts),
        },
    }
}
