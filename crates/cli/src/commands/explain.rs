//! `s3cred explain`

use s3_credential_provider::{ProvideError, PublishRequest, Registry};

use crate::arguments::{ExplainArguments, ReportFormat};
use crate::output::{self, ProvidedObject};
use crate::{request, setup, text};

pub(crate) async fn run(
    arguments: ExplainArguments,
    registry: &Registry,
) -> Result<(), ProvideError> {
    let builder = setup::builder(registry, &arguments.config, Some(&arguments.state))?;
    let provider = setup::choose(builder, &arguments.choices).build()?;
    let target = setup::target(None, &arguments.mount)?;
    let request: PublishRequest = request::read(&arguments.request.request)?;
    let explained = match provider.context(request, target) {
        Ok(context) => provider.explain(&context).await,
        Err(error) => Err(error),
    };
    if arguments.output == ReportFormat::Text {
        let text = match &explained {
            Ok(provided) => text::provided(provided),
            Err(error) => text::failed(error),
        };
        output::print_text(&text);
    }
    let provided = explained?;
    if arguments.output == ReportFormat::Json {
        output::print_json(&ProvidedObject::new(&provided, false));
    }
    Ok(())
}
