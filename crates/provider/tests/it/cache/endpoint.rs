//! Cached keys as what the loopback endpoint serves.

use std::sync::Arc;
use std::time::Duration;

use s3_credential_delivery::KeySource;
use tokio::time::sleep;

use crate::cache::upstream::{Answer, HOUR, MINUTE, SECOND, Upstream, id};

#[tokio::test(start_paused = true)]
async fn the_endpoint_has_keys_through_rotation_and_outage() {
    let upstream = Upstream::new();
    let source: Arc<dyn KeySource> = Arc::new(upstream.cached());
    assert!(source.current().is_none());
    assert_eq!(id(&source.load().await.unwrap()), "KEY1");

    sleep(56 * MINUTE).await;
    assert_eq!(id(&source.current().unwrap()), "KEY1");
    sleep(SECOND).await;
    assert_eq!(id(&source.current().unwrap()), "KEY2");

    upstream.fail();
    for _ in 0..59 {
        sleep(MINUTE).await;
        assert_eq!(id(&source.current().unwrap()), "KEY2");
    }
    upstream.answer(Duration::ZERO, Answer::Keys(HOUR));
    sleep(2 * MINUTE).await;
    assert_eq!(id(&source.load().await.unwrap()), upstream.last());
}
