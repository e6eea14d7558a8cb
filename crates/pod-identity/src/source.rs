//! EKS Pod Identity as a credential source.

use std::sync::Arc;

use async_trait::async_trait;
use s3_credential_core::{
    AuthenticationLevel, Changes, Clock, CredentialForm, CredentialSource, Environment,
    ProvideContext, SourceError, source_names,
};
use s3_credential_files::Follower;

use crate::settings::PodIdentitySettings;
use crate::{driver, pod};

/// The agent's address with a token for it: the driver's own at driver level, the pod's at pod
/// level. The agent itself is not asked.
#[derive(Debug)]
pub struct PodIdentitySource {
    environment: Environment,
    settings: PodIdentitySettings,
    clock: Arc<dyn Clock>,
    /// Follows the driver's token file, where there is one.
    follower: Option<Follower>,
}

impl PodIdentitySource {
    /// Reads the driver's environment.
    pub fn new(
        environment: Environment,
        settings: PodIdentitySettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let follower = driver::token_file(&environment)
            .map(|path| Follower::new([path], settings.poll_interval));
        Self { environment, settings, clock, follower }
    }
}

#[async_trait]
impl CredentialSource for PodIdentitySource {
    fn name(&self) -> &'static str {
        source_names::POD_IDENTITY
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        let now = self.clock.now();
        let container = match context.level() {
            AuthenticationLevel::Driver => driver::container(&self.environment, now),
            AuthenticationLevel::Pod => {
                pod::container(&self.environment, &self.settings, context, now)
            }
            AuthenticationLevel::Secret => Err(SourceError::not_applicable(
                "EKS Pod Identity does not serve volumes at secret level",
            )),
        };
        container.map(CredentialForm::Container)
    }

    /// At pod level the agent gets the pod's own token.
    fn is_from_request(&self, context: &ProvideContext) -> bool {
        context.level() == AuthenticationLevel::Pod
    }

    fn changes(&self) -> Option<Changes> {
        self.follower.as_ref().and_then(Follower::changes)
    }
}
