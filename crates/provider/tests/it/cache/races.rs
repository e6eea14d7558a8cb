//! Many at once, on real threads.

use std::time::Duration;

use s3_credential_core::Keys;

use crate::cache::upstream::{Answer, HOUR, Upstream, id};

/// Whatever is invalidated is never seen again by who asks afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_race_brings_invalidated_keys_back() {
    let upstream = Upstream::new();
    upstream.answer(Duration::ZERO, Answer::Keys(HOUR));
    let cached = upstream.cached();
    let readers = (0..4).map(|_| {
        let cached = cached.clone();
        tokio::spawn(async move {
            for _ in 0..2000 {
                let number = |keys: &Keys| id(keys)[3..].parse::<usize>().unwrap();
                let seen = number(&cached.get().await.unwrap());
                cached.invalidate();
                let next = number(&cached.get().await.unwrap());
                assert!(next > seen, "{next} after {seen}");
                tokio::task::yield_now().await;
            }
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        reader.await.unwrap();
    }
}
