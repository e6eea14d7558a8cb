//! Many who ask at once cause one call.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use s3_credential_core::SingleFlight;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};

type Answer = Result<usize, &'static str>;

/// A service that counts its calls and answers on demand.
#[derive(Clone)]
struct Service {
    flights: Arc<SingleFlight<&'static str, Answer>>,
    asked: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

struct CountsDrop(Arc<AtomicUsize>);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Service {
    fn new() -> Self {
        Self {
            flights: Arc::default(),
            asked: Arc::default(),
            calls: Arc::default(),
            dropped: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    async fn ask(self, key: &'static str, answer: Answer) -> Answer {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (calls, gate) = (self.calls, self.gate);
        let ends = CountsDrop(self.dropped);
        let call = move || async move {
            let _ends = ends;
            calls.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            answer
        };
        self.flights.run(key, call).await
    }

    /// Until this many have asked. On one thread, each of them then waits for the answer.
    async fn asked(&self, count: usize) {
        while self.asked.load(Ordering::SeqCst) < count {
            yield_now().await;
        }
    }

    fn answer(&self, calls: usize) {
        self.gate.add_permits(calls);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn under_way(&self) -> String {
        format!("{:?}", self.flights)
    }
}

#[tokio::test]
async fn a_thousand_callers_share_one_call_and_its_failure() {
    let service = Service::new();
    let mut callers = JoinSet::new();
    for _ in 0..1000 {
        callers.spawn(service.clone().ask("key", Err("upstream is down")));
    }
    service.asked(1000).await;
    assert_eq!(service.under_way(), "SingleFlight(1 under way)");
    service.answer(1);
    for answer in callers.join_all().await {
        assert_eq!(answer, Err("upstream is down"));
    }
    assert_eq!(service.calls(), 1);
    assert_eq!(service.under_way(), "SingleFlight(0 under way)");
}

#[tokio::test]
async fn no_result_is_cached_for_later_callers() {
    let service = Service::new();
    service.answer(2);
    assert_eq!(service.clone().ask("key", Err("down")).await, Err("down"));
    assert_eq!(service.clone().ask("key", Ok(2)).await, Ok(2));
    assert_eq!(service.calls(), 2);
}

#[tokio::test]
async fn different_keys_are_different_calls() {
    let service = Service::new();
    service.answer(2);
    let (one, two) =
        tokio::join!(service.clone().ask("one", Ok(1)), service.clone().ask("two", Ok(2)),);
    assert_eq!((one, two), (Ok(1), Ok(2)));
    assert_eq!(service.calls(), 2);
}

#[tokio::test]
async fn the_call_outlives_the_caller_who_began_it() {
    let service = Service::new();
    let first = tokio::spawn(service.clone().ask("key", Ok(1)));
    service.asked(1).await;
    let second = tokio::spawn(service.clone().ask("key", Ok(2)));
    service.asked(2).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    service.answer(1);
    assert_eq!(second.await.unwrap(), Ok(1));
    assert_eq!(service.calls(), 1);
}

#[tokio::test]
async fn a_call_without_waiting_callers_is_dropped() {
    let service = Service::new();
    let mut callers = JoinSet::new();
    for _ in 0..3 {
        callers.spawn(service.clone().ask("key", Ok(1)));
    }
    service.asked(3).await;
    callers.shutdown().await;
    assert_eq!(service.calls(), 1);
    // One guard for each caller: two never became a call, one was dropped with it.
    assert_eq!(service.dropped.load(Ordering::SeqCst), 3);
    assert_eq!(service.under_way(), "SingleFlight(0 under way)");
}

/// Passes by coming to its end: a lost wake-up would leave a caller waiting.
#[test]
fn no_caller_is_forgotten_on_several_threads() {
    let flights = SingleFlight::<usize, usize>::default();
    let ask_all = || {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for round in 0..2000 {
                let call = move || async move {
                    for _ in 0..round % 4 {
                        yield_now().await;
                    }
                    round
                };
                assert_eq!(flights.run(round, call).await, round);
            }
        });
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(ask_all);
        }
    });
    assert_eq!(format!("{flights:?}"), "SingleFlight(0 under way)");
}
