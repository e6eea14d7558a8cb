//! `s3cred cleanup`

use s3_credential_provider::{CleanupContext, ProvideError, Registry, UnpublishRequest};

use crate::arguments::{CleanupArguments, ReportFormat};
use crate::output::{self, CleanedUpObject};
use crate::{request, setup};

pub(crate) async fn run(
    arguments: CleanupArguments,
    registry: &Registry,
) -> Result<(), ProvideError> {
    let provider = setup::builder(registry, &arguments.config, Some(&arguments.state))?.build()?;
    let request: UnpublishRequest = request::read(&arguments.request.request)?;
    let write_path = setup::absolute("--write-path", &arguments.write_path.write_path)?;
    let pod = arguments.pod.mountpoint_pod_uid.as_deref();
    let context = CleanupContext::from_unpublish_request(&request, write_path, pod)?;
    let cleaned = provider.cleanup(&context).await?;
    match arguments.output {
        ReportFormat::Json => output::print_json(&CleanedUpObject::from(&cleaned)),
        ReportFormat::Text => {
            for path in &cleaned.removed {
                output::print_text(&format!("removed {}\n", path.display()));
            }
            if cleaned.remaining_holders > 0 {
                output::print_text(&format!(
                    "still held by {} target path(s)\n",
                    cleaned.remaining_holders
                ));
            }
        }
    }
    Ok(())
}
