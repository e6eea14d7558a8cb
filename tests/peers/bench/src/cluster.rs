//! All nodes of a cluster start at once, and one region of STS is all there is for them: our
//! policies and the peers', each on paused time.
//!
//! What is real: every line of the libraries between a publish and the HTTP request. What is
//! played: the network, STS, and the kubelet that publishes a volume again after a failure. See
//! docs/performance.md for the numbers that it plays by, and for the scale.

mod kubelet;
mod members;
mod network;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use s3_credential_testkit::clock::TokioClock;
use tokio::task::JoinSet;

use crate::subjects::{AwsConfig, ObjectStore, Ours, Reqsign, Subject};
use crate::table::{Row, time};
use kubelet::publish;
use members::{Member, aws_config, object_store, ours, reqsign};
use network::Network;

/// The whole: 5,000 nodes, and 600 requests a second. Both are divided by this, so that as many
/// identities wait for each request that is granted; calls and times for one identity are those of
/// the whole.
const SCALE: usize = 50;
const NODES: usize = 5_000 / SCALE;
const VOLUMES: usize = 50;
const RATE: f64 = 600.0 / SCALE as f64;

/// The longest wait for credentials: later volumes are counted, and not waited for.
const CAP: Duration = Duration::from_hours(1);

struct Run {
    /// Seconds of the simulation, for each volume that got its credentials.
    took: Vec<f64>,
    calls: usize,
    peak: f64,
}

pub fn run() {
    let ideal = (NODES * VOLUMES) as f64 / RATE;
    let mut until = Row::new(
        format!(
            "a cluster, 5,000 nodes x 50 volumes of 50 identities, STS grants 600/s (at best {ideal:.0} s): until half / all have credentials"
        ),
        "all; no later than the peers",
    );
    let mut calls = Row::new(
        "the same: calls of STS for one identity; most calls in a second, by what STS grants",
        "no retry storm: below the peers",
    );
    let mut all = Vec::new();
    for (name, simulate) in [
        (Ours::NAME, (|| simulate::<ours::Node>()) as fn() -> Run),
        (AwsConfig::NAME, || simulate::<aws_config::Node>()),
        (Reqsign::NAME, || simulate::<reqsign::Node>()),
        (ObjectStore::NAME, || simulate::<object_store::Node>()),
    ] {
        let run = simulate();
        let each = run.calls as f64 / (NODES * VOLUMES) as f64;
        until = until.cell(name, shown(&run.took));
        calls = calls.cell(name, format!("{each:.1}; {:.1} x", run.peak / RATE));
        all.push((run, each));
    }
    let last = |run: &Run| {
        let complete = run.took.len() == NODES * VOLUMES;
        if complete { run.took.iter().copied().fold(0.0, f64::max) } else { f64::INFINITY }
    };
    let (ours, peers) = all.split_first().unwrap();
    let fastest = peers.iter().map(|(run, _)| last(run)).fold(f64::INFINITY, f64::min);
    let calmest = peers.iter().map(|(_, each)| *each).fold(f64::INFINITY, f64::min);
    until.met(last(&ours.0).is_finite() && last(&ours.0) <= fastest).print();
    calls.met(ours.1 <= calmest).print();
}

fn shown(took: &[f64]) -> String {
    let mut took = took.to_vec();
    took.sort_by(f64::total_cmp);
    let at = |position: usize| took.get(position).map_or_else(|| format!("> {} s", CAP.as_secs()), |took| time(*took));
    format!("{} / {}", at(NODES * VOLUMES / 2), at(NODES * VOLUMES - 1))
}

fn simulate<M: Member>() -> Run {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let clock = TokioClock::new(Timestamp::now());
        let network = Arc::new(Network::new(RATE, clock));
        let start = tokio::time::Instant::now();
        let mut publishes = JoinSet::new();
        for _ in 0..NODES {
            let node = Arc::new(M::new(&network));
            for volume in 0..VOLUMES {
                let node = Arc::clone(&node);
                publishes.spawn(async move {
                    publish(|| node.publish(volume)).await;
                    start.elapsed().as_secs_f64()
                });
            }
        }
        let mut took = Vec::new();
        let _ = tokio::time::timeout(CAP, async {
            while let Some(published) = publishes.join_next().await {
                took.push(published.unwrap());
            }
        })
        .await;
        Run { took, calls: network.calls(), peak: network.peak() }
    })
}
