//! Mocks of the plug-in traits: strict doubles, on which an unexpected call panics and a missing
//! one fails the test.

use async_trait::async_trait;
use mockall::mock;
use s3_credential_core::{
    Changes, CredentialForm, CredentialSource, ExchangeRequest, Failure, KeyExchange, Keys,
    ProvideContext, Region, RegionError, RegionResolver, SourceError,
};

mock! {
    /// A scripted [`CredentialSource`].
    #[derive(Debug)]
    pub Source {}

    #[async_trait]
    impl CredentialSource for Source {
        fn name(&self) -> &str;
        async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError>;
        fn changes(&self) -> Option<Changes>;
    }
}

mock! {
    /// A scripted [`RegionResolver`].
    #[derive(Debug)]
    pub Resolver {}

    #[async_trait]
    impl RegionResolver for Resolver {
        fn name(&self) -> &str;
        async fn resolve(&self, context: &ProvideContext) -> Result<Region, RegionError>;
    }
}

mock! {
    /// A scripted [`KeyExchange`].
    #[derive(Debug)]
    pub Exchange {}

    #[async_trait]
    impl KeyExchange for Exchange {
        async fn exchange(&self, form: &CredentialForm, request: &ExchangeRequest) -> Result<Keys, Failure>;
    }
}
