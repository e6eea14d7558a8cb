//! `s3cred region`

use s3_credential_provider::{MountTarget, ProvideContext, ProvideError, PublishRequest, Registry};

use crate::arguments::{RegionArguments, ReportFormat};
use crate::output::{self, RegionObject};
use crate::{request, setup};

pub(crate) async fn run(
    arguments: RegionArguments,
    registry: &Registry,
) -> Result<(), ProvideError> {
    let provider = setup::builder(registry, &arguments.config, None)?.build()?;
    let request: PublishRequest = request::read(&arguments.request.request)?;
    let context = ProvideContext::from_publish_request(request, MountTarget::default())?;
    let answer = provider.region(&context).await;
    match answer.result {
        Ok(resolved) => match arguments.output {
            ReportFormat::Json => {
                output::print_json(&RegionObject::new(&resolved, &answer.attempts));
            }
            ReportFormat::Text => {
                output::print_text(&format!("{} (from {})\n", resolved.region, resolved.resolver));
            }
        },
        Err(failure) => {
            return Err(ProvideError::from(failure).with_region_attempts(answer.attempts));
        }
    }
    Ok(())
}
