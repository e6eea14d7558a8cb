//! A plug-in under the name that it has in a chain.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use s3_credential_core::{
    Changes, CredentialForm, CredentialSource, ErrorKind, Failure, Permission, ProvideContext,
    Region, RegionError, RegionResolver, SourceError,
};
use tokio::time::timeout;

/// A plug-in under the name that it has in a chain, with the time that it has to answer.
#[derive(Debug)]
pub(crate) struct Named<P: ?Sized> {
    pub(crate) name: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) plugin: Arc<P>,
}

impl<P: ?Sized> Named<P> {
    async fn within_timeout<T, E: From<Failure>>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some(limit) = self.timeout else {
            return answer.await;
        };
        timeout(limit, answer).await.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", limit.as_secs_f64());
            let help = format!(
                "see what `{0}` waits for, or raise the `timeout` of `{0}` in the configuration",
                self.name
            );
            Err(Failure::new(ErrorKind::TimedOut, message).with_help(help).into())
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods, reason = "a method that is not forwarded is lost")]
impl CredentialSource for Named<dyn CredentialSource> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        self.within_timeout(self.plugin.provide(context)).await
    }

    fn is_from_request(&self, context: &ProvideContext) -> bool {
        self.plugin.is_from_request(context)
    }

    fn looks_role_up(&self) -> bool {
        self.plugin.looks_role_up()
    }

    fn changes(&self) -> Option<Changes> {
        self.plugin.changes()
    }

    fn permissions(&self) -> Vec<Permission> {
        self.plugin.permissions()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods, reason = "a method that is not forwarded is lost")]
impl RegionResolver for Named<dyn RegionResolver> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn resolve(&self, context: &ProvideContext) -> Result<Region, RegionError> {
        self.within_timeout(self.plugin.resolve(context)).await
    }

    fn permissions(&self) -> Vec<Permission> {
        self.plugin.permissions()
    }
}
