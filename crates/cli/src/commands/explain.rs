//! `s3cred explain`

use s3_credential_provider::{ProvideError, Provided, PublishRequest, Registry};

use crate::arguments::{ExplainArguments, ReportFormat};
use crate::output::{self, ProvidedObject};
use crate::{request, setup, text};

/// In lines a failure is explained, too, whatever it comes from.
pub(crate) async fn run(
    arguments: ExplainArguments,
    registry: &Registry,
) -> Result<(), ProvideError> {
    let explained = explain(&arguments, registry).await;
    match (arguments.output, &explained) {
        (ReportFormat::Text, Ok(provided)) => output::print_text(&text::provided(provided)),
        (ReportFormat::Text, Err(error)) => output::print_text(&text::failed(error)),
        (ReportFormat::Json, Ok(provided)) => {
            output::print_json(&ProvidedObject::new(provided, false));
        }
        (ReportFormat::Json, Err(_)) => {}
    }
    explained.map(drop)
}

async fn explain(
    arguments: &ExplainArguments,
    registry: &Registry,
) -> Result<Provided, ProvideError> {
    let builder = setup::builder(registry, &arguments.config, Some(&arguments.state))?;
    let provider = setup::choose(builder, &arguments.choices).build()?;
    let target = setup::target(None, &arguments.mount)?;
    let request: PublishRequest = request::read(&arguments.request.request)?;
    let context = provider.context(request, target)?;
    provider.explain(&context).await
}
