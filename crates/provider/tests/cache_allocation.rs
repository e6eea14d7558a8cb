//! Reading keys costs no memory. A program of its own, since what counts the allocations is its
//! allocator.

use s3_credential_core::Keys;
use s3_credential_provider::CachedKeys;
use tokio::runtime::Handle;

#[tokio::test]
async fn reading_current_keys_does_not_allocate() {
    let cached =
        CachedKeys::builder(|| async { Ok(Keys::new("KEY", "secret")) }).build(Handle::current());
    cached.get().await.unwrap();
    // The first read of a thread sets up what the thread needs for all its reads.
    assert!(cached.current().is_some());

    let reads = allocation_counter::measure(|| {
        for _ in 0..1000 {
            assert!(cached.current().is_some_and(|keys| !keys.access_key_id.is_empty()));
        }
    });
    assert_eq!((reads.count_total, reads.bytes_total), (0, 0));

    let counted = allocation_counter::measure(|| drop(Box::new(cached.clone())));
    assert_eq!(counted.count_total, 1, "the counter counts");
}
