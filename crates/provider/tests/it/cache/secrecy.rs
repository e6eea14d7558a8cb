//! What a cache shows of itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::cache::upstream::{Answer, HOUR, Upstream};

#[tokio::test(start_paused = true)]
async fn no_secret_is_shown() {
    let upstream = Upstream::new();
    let shown = Arc::new(Mutex::new(Vec::new()));
    let show = |text: String| shown.lock().unwrap().push(text);
    let events = Arc::clone(&shown);
    let builder =
        upstream.builder().observer(move |event| events.lock().unwrap().push(format!("{event:?}")));
    show(format!("{builder:?}"));
    upstream.answer(Duration::ZERO, Answer::Keys(HOUR));
    let cached = builder.build(Handle::current());
    let keys = cached.get().await.unwrap();
    show(format!("{cached:?} {cached:#?} {:?} {keys:?}", cached.current()));
    let all = shown.lock().unwrap().join("\n");
    assert!(all.contains("Fetched") && all.contains("expires_at"), "{all}");
    assert!(!all.contains("canary") && !all.contains("KEY1"), "{all}");
}
