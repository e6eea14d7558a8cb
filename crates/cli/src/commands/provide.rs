//! `s3cred provide`

use s3_credential_provider::{ProvideError, PublishRequest, Registry};

use crate::arguments::{ProvideArguments, ProvideFormat};
use crate::output::{self, ProvidedObject};
use crate::{request, setup};

pub(crate) async fn run(
    arguments: ProvideArguments,
    registry: &Registry,
) -> Result<(), ProvideError> {
    let builder = setup::builder(registry, &arguments.config, Some(&arguments.state))?;
    let provider = setup::choose(builder, &arguments.choices).build()?;
    let target = setup::target(Some(&arguments.write_path.write_path), &arguments.mount)?;
    let request: PublishRequest = request::read(&arguments.request.request)?;
    let context = provider.context(request, target)?;
    let provided = provider.provide(&context).await?;
    provided.warnings.iter().for_each(output::warn);
    match arguments.output {
        ProvideFormat::Json => {
            output::print_json(&ProvidedObject::new(&provided, arguments.reveal));
        }
        ProvideFormat::Env => output::print_text(&output::shell_lines(&provided, arguments.reveal)),
    }
    Ok(())
}
