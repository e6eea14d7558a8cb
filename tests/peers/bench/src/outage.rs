//! STS breaks down while the cached keys are due for renewal and still good.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::for_each_subject;
use crate::refresh::call;
use crate::subjects::{Ours, Subject};
use crate::table::{Row, quantile, time};
use crate::upstream::Upstream;

const DURATION: Duration = Duration::from_millis(1500);

type Break = fn(&Upstream);

pub fn run(address: SocketAddr) {
    let upstream = Upstream::start(address);
    let breaks: [(&str, Break); 3] = [
        ("answers 500", Upstream::failing),
        ("never answers", Upstream::silent),
        ("answers by half", Upstream::breaking_off),
    ];
    for (what, break_down) in breaks {
        let mut row = Row::new(
            format!("outage with good keys, STS {what}, 1 kHz callers: served; p99.9; calls of STS in 1.5 s"),
            "100 %; below 1 ms; by the backoff",
        );
        for_each_subject!(S => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let (calls, made) = runtime.block_on(outage::<S>(&upstream, break_down));
            runtime.shutdown_background();
            let took: Vec<f64> = calls.iter().map(|call| call.took).collect();
            let served = calls.iter().filter(|call| call.succeeded).count();
            let p999 = quantile(&took, 0.999);
            // Who was not served when the callers stopped had no answer then.
            let shown = if served == 0 && p999 >= 1.0 { "no answer".to_owned() } else { time(p999) };
            row = row.cell(S::NAME, format!("{:.0} %; {shown}; {made}", served as f64 / calls.len() as f64 * 100.0));
            if S::NAME == Ours::NAME {
                row = row.met(served == calls.len() && p999 < 1e-3);
            }
        });
        row.print();
    }
}

async fn outage<S: Subject>(upstream: &Upstream, break_down: Break) -> (Vec<crate::refresh::Call>, usize) {
    upstream.lasting(S::TTL, Duration::ZERO);
    let subject = Arc::new(S::new(upstream));
    subject.fetch().await.unwrap();
    break_down(upstream);
    // No caller asks until the keys are due.
    tokio::time::sleep(S::DUE_BY).await;
    let before = upstream.calls();
    let calls = call(&subject, DURATION).await;
    (calls, upstream.calls() - before)
}
