//! Many volumes on one node: what each further one costs, and what a restart does.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use s3_credential_provider::{Provider, ResumeOptions};

use crate::subjects::{Ours, Subject};
use crate::table::{Row, median, time};
use crate::volumes::Volumes;

const LEVELS: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
const RESUMED: usize = 10_000;
const SAMPLES: usize = 301;
const IDLE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
struct Costs {
    provide: f64,
    republish: f64,
    cleanup: f64,
    /// Where the lease is found by its holder.
    shared: f64,
}

pub fn run() {
    let volumes = Volumes::of_tokens();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let provider = volumes.provider();
        let mut there = 0;
        let mut costs = Vec::new();
        for level in LEVELS {
            while there < level {
                provider.provide(&volumes.context(there)).await.unwrap();
                there += 1;
            }
            costs.push(measure(&volumes, &provider, level).await);
            if level == RESUMED {
                idle(&provider).await;
                resume(&volumes, level).await;
            }
        }
        growth("provide", &costs, |costs| costs.provide);
        growth("republish", &costs, |costs| costs.republish);
        growth("cleanup", &costs, |costs| costs.cleanup);
        growth("cleanup without the shared Mountpoint pod's uid", &costs, |costs| costs.shared);
    });
}

async fn measure(volumes: &Volumes, provider: &Provider, level: usize) -> Costs {
    let (mut provide, mut republish, mut cleanup, mut shared) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for sample in 0..SAMPLES {
        let number = level + sample;
        let context = volumes.context(number);
        provide.push(timed(provider.provide(&context)).await);
        republish.push(timed(provider.provide(&context)).await);
        cleanup.push(timed(provider.cleanup(&volumes.cleanup(number))).await);
        // A scan of all that is there would take its time.
        if sample < 5 || shared.iter().sum::<f64>() < 5.0 {
            provider.provide(&volumes.shared_context(number)).await.unwrap();
            shared.push(timed(provider.cleanup(&volumes.cleanup(number))).await);
        }
    }
    Costs {
        provide: median(&provide),
        republish: median(&republish),
        cleanup: median(&cleanup),
        shared: median(&shared),
    }
}

async fn timed<T, E: std::fmt::Debug>(work: impl Future<Output = Result<T, E>>) -> f64 {
    let start = Instant::now();
    work.await.unwrap();
    start.elapsed().as_secs_f64()
}

fn growth(operation: &str, costs: &[Costs], of: fn(&Costs) -> f64) {
    let shown: Vec<_> = costs.iter().map(|costs| time(of(costs))).collect();
    let ratio = of(costs.last().unwrap()) / of(&costs[0]);
    Row::new(format!("growth, {operation}: with 10 / 100 / 1,000 / 10,000 / 100,000 volumes"), "flat")
        .cell(Ours::NAME, shown.join(" / "))
        .cell("ratio", format!("{ratio:.2} x from first to last"))
        .met(ratio <= 2.0)
        .print();
}

async fn idle(provider: &Provider) {
    let _fresh = provider.keep_fresh();
    let cpu = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32).as_secs_f64()
    };
    let before = cpu();
    tokio::time::sleep(IDLE).await;
    let share = (cpu() - before) / IDLE.as_secs_f64() * 100.0;
    Row::new("10,000 leases, none due: CPU", "0.1 %, at most")
        .cell(Ours::NAME, format!("{share:.4} %"))
        .met(share <= 0.1)
        .print();
}

async fn resume(volumes: &Volumes, level: usize) {
    let mut took = Vec::new();
    for _ in 0..3 {
        let provider = volumes.provider();
        let start = Instant::now();
        let resumed = provider
            .resume(ResumeOptions { own_write_paths: vec![volumes.write_path()], ..ResumeOptions::default() })
            .await
            .unwrap();
        took.push(start.elapsed().as_secs_f64());
        assert_eq!((resumed.adopted, resumed.failures.len()), (level, 0));
    }
    let took = median(&took);
    Row::new("resume of 10,000 leases", "1 s, at most").cell(Ours::NAME, time(took)).met(took <= 1.0).print();
}
