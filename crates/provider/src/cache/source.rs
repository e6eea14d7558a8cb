//! Cached keys, served by the loopback endpoint.

use std::sync::Arc;

use async_trait::async_trait;
use s3_credential_core::{Failure, Keys};
use s3_credential_delivery::KeySource;

use super::CachedKeys;

#[async_trait]
impl KeySource for CachedKeys {
    fn current(&self) -> Option<Arc<Keys>> {
        self.current().map(|keys| keys.share())
    }

    async fn load(&self) -> Result<Arc<Keys>, Failure> {
        self.get().await
    }
}
