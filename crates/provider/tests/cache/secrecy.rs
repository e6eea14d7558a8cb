//! What a cache shows of itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::upstream::{Answer, HOUR, Upstream};

#[tokio::test(start_paused = true)]
async fn nothing_secret_is_shown() {
    let upstream = Upstream::new();
    let shown = Arc::new(Mutex::new(String::new()));
    let record = Arc::clone(&shown);
    let builder = upstream
        .builder()
        .observer(move |event| record.lock().unwrap().push_str(&format!("{event:?}")));
    let mut all = format!("{builder:?}");
    upstream.answer(Duration::ZERO, Answer::Keys(HOUR));
    let cached = builder.build(Handle::current());
    let keys = cached.get().await.unwrap();
    all += &format!("{cached:?} {cached:#?} {:?} {keys:?}", cached.current());
    all += &shown.lock().unwrap();
    assert!(all.contains("Fetched") && all.contains("expires_at"), "{all}");
    assert!(!all.contains("canary") && !all.contains("KEY1"), "{all}");
}
