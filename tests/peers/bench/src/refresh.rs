//! A thousand callers a second, while keys are refreshed from a slow STS.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use s3_credential_core::Clock as _;
use s3_credential_provider::KernelClock;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::for_each_subject;
use crate::subjects::{Ours, Subject};
use crate::table::{Row, quantile, time};
use crate::upstream::Upstream;

const LATENCY: Duration = Duration::from_millis(300);
const DURATION: Duration = Duration::from_secs(20);
const STALLED: f64 = 0.05;

/// One caller: how long it waited, and whether it got keys.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub took: f64,
    pub succeeded: bool,
}

pub fn run(address: SocketAddr) {
    let upstream = Upstream::start(address);
    let mut waits = Row::new(
        "refresh, 1 kHz callers, STS takes 300 ms: p50 / p99.9 / longest wait",
        "p99.9 below 1 ms and 10 x p50",
    );
    let mut stalls = Row::new("the same: callers that wait more than 50 ms; refreshes", "none");
    for_each_subject!(S => {
        upstream.lasting(S::TTL, LATENCY);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let before = upstream.calls();
        let calls = runtime.block_on(async {
            let subject = Arc::new(S::new(&upstream));
            subject.fetch().await.unwrap();
            call(&subject, DURATION).await
        });
        let refreshes = upstream.calls() - before - 1;
        runtime.shutdown_background();
        assert!(calls.iter().all(|call| call.succeeded));
        let took: Vec<f64> = calls.iter().map(|call| call.took).collect();
        let (p50, p999, longest) = (quantile(&took, 0.5), quantile(&took, 0.999), quantile(&took, 1.0));
        let stalled = took.iter().filter(|took| **took > STALLED).count();
        waits = waits.cell(S::NAME, format!("{} / {} / {}", time(p50), time(p999), time(longest)));
        stalls = stalls.cell(S::NAME, format!("{:.2} %; {refreshes}", stalled as f64 / took.len() as f64 * 100.0));
        if S::NAME == Ours::NAME {
            waits = waits.met(p999 < 1e-3 && p999 <= p50 * 10.0);
            stalls = stalls.met(stalled == 0 && refreshes > 0);
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let calls = runtime.block_on(async { call(&Arc::new(OnlyTheTime::new(&upstream)), DURATION).await });
    let took: Vec<f64> = calls.iter().map(|call| call.took).collect();
    let [p50, p999, longest] = [0.5, 0.999, 1.0].map(|share| time(quantile(&took, share)));
    waits.cell("only the time is read", format!("{p50} / {p999} / {longest}")).print();
    stalls.print();
}

/// The cost of a caller who only reads the time: after a millisecond no cache holds even that.
struct OnlyTheTime;

impl Subject for OnlyTheTime {
    const NAME: &'static str = "";
    const TTL: Duration = Duration::ZERO;
    const DUE_BY: Duration = Duration::ZERO;

    fn new(_: &Upstream) -> Self {
        Self
    }

    async fn fetch(&self) -> Result<usize, String> {
        black_box(KernelClock.coarse());
        Ok(0)
    }
}

/// One caller every millisecond. Who has no answer a second after the last one came counts as
/// failed after that time.
pub async fn call<S: Subject>(subject: &Arc<S>, duration: Duration) -> Vec<Call> {
    let (answered, mut answers) = mpsc::unbounded_channel();
    let mut every = tokio::time::interval(Duration::from_millis(1));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let start = Instant::now();
    let mut asked = Vec::new();
    while start.elapsed() < duration {
        every.tick().await;
        let (subject, answered, number) = (Arc::clone(subject), answered.clone(), asked.len());
        asked.push(Instant::now());
        tokio::spawn(async move {
            let start = Instant::now();
            let succeeded = subject.fetch().await.is_ok();
            let call = Call { took: start.elapsed().as_secs_f64(), succeeded };
            let _ = answered.send((number, call));
        });
    }
    drop(answered);
    let mut calls = vec![None; asked.len()];
    let _ = tokio::time::timeout(Duration::from_secs(1), async {
        while let Some((number, call)) = answers.recv().await {
            calls[number] = Some(call);
        }
    })
    .await;
    let unanswered = |asked: Instant| Call { took: asked.elapsed().as_secs_f64(), succeeded: false };
    calls.into_iter().zip(asked).map(|(call, asked)| call.unwrap_or_else(|| unanswered(asked))).collect()
}
