//! A thousand callers at once, without cached keys, and a failing STS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::for_each_subject;
use crate::subjects::{Ours, Subject};
use crate::table::{Row, median, time};
use crate::upstream::Upstream;

const CALLERS: usize = 1000;
/// The longest wait for a caller.
const CAP: Duration = Duration::from_secs(30);

pub fn run(address: SocketAddr) {
    let upstream = Upstream::start(address);
    upstream.failing();
    let mut errors = Row::new(
        "1,000 cold callers, STS answers 500: until half / all have the error",
        "2 s for all, at most",
    );
    let mut calls = Row::new("the same: calls of STS", "4, at most");
    for_each_subject!(S => {
        let before = upstream.calls();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let took = runtime.block_on(crowd::<S>(&upstream));
        let made = upstream.calls() - before;
        runtime.shutdown_background();
        let (half, all) = (median(&took), took.iter().copied().fold(0.0, f64::max));
        let waiting = CALLERS - took.len();
        let all_of_them = if waiting == 0 { time(all) } else { format!("> {} s ({waiting} wait still)", CAP.as_secs()) };
        let half = if took.len() > CALLERS / 2 { time(half) } else { format!("> {} s", CAP.as_secs()) };
        errors = errors.cell(S::NAME, format!("{half} / {all_of_them}"));
        calls = calls.cell(S::NAME, made.to_string());
        if S::NAME == Ours::NAME {
            // The budget, and a moment to wake a thousand tasks on a shared machine.
            errors = errors.met(waiting == 0 && all <= 2.1);
            calls = calls.met(made <= 4);
        }
    });
    errors.print();
    calls.print();
}

/// Returns how long each caller waited for its error.
async fn crowd<S: Subject>(upstream: &Upstream) -> Vec<f64> {
    let subject = Arc::new(S::new(upstream));
    let mut callers = JoinSet::new();
    let start = Instant::now();
    for _ in 0..CALLERS {
        let subject = Arc::clone(&subject);
        callers.spawn(async move {
            subject.fetch().await.unwrap_err();
            start.elapsed().as_secs_f64()
        });
    }
    let mut took = Vec::new();
    let _ = tokio::time::timeout(CAP, async {
        while let Some(caller) = callers.join_next().await {
            took.push(caller.unwrap());
        }
    })
    .await;
    took
}
