//! The memory cost of a warm fetch and a lease. A program of its own: the allocator counts, which
//! costs a little itself.

use std::hint::black_box;
use std::net::TcpListener;

use allocation_counter::measure;
use peers_bench::for_each_subject;
use peers_bench::subjects::{Ours, Subject};
use peers_bench::table::Row;
use peers_bench::upstream::Upstream;
use peers_bench::volumes::Volumes;

const CALLS: u64 = 1000;
const LEASES: usize = 10_000;

fn main() {
    let address = match std::env::var("AWS_ENDPOINT_URL_STS") {
        Ok(url) => url.strip_prefix("http://").unwrap().parse().unwrap(),
        Err(_) => {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let status = std::process::Command::new(std::env::current_exe().unwrap())
                .env_clear()
                .env("AWS_ENDPOINT_URL_STS", format!("http://{free}"))
                .status()
                .unwrap();
            std::process::exit(status.code().unwrap_or(1));
        }
    };
    let upstream = Upstream::start(address);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    warm(&runtime, &upstream);
    leases(&runtime);
}

fn warm(runtime: &tokio::runtime::Runtime, upstream: &Upstream) {
    let mut row = Row::new("warm fetch: allocations; bytes", "none");
    for_each_subject!(S => {
        let subject = runtime.block_on(async {
            let subject = S::new(upstream);
            subject.fetch().await.unwrap();
            subject.warm().await.unwrap();
            subject
        });
        let counted = measure(|| runtime.block_on(async {
            for _ in 0..CALLS {
                black_box(subject.warm().await.unwrap());
            }
        }));
        let (count, bytes) = (counted.count_total / CALLS, counted.bytes_total / CALLS);
        row = row.cell(S::NAME, format!("{count}; {bytes}"));
        if S::NAME == Ours::NAME {
            row = row.met(counted.count_total == 0);
        }
    });
    row.print();
}

fn leases(runtime: &tokio::runtime::Runtime) {
    let volumes = Volumes::of_tokens();
    let provider = volumes.provider();
    // Whatever the first one sets up for all.
    runtime.block_on(async { provider.provide(&volumes.context(LEASES)).await }).unwrap();
    let kept = measure(|| runtime.block_on(async {
        for number in 0..LEASES {
            provider.provide(&volumes.context(number)).await.unwrap();
        }
    }));
    let each = kept.bytes_current / LEASES as i64;
    Row::new("10,000 leases: bytes kept for each, the token excluded; allocations kept", "2 KiB, at most")
        .cell(Ours::NAME, format!("{each}; {}", kept.count_current / LEASES as i64))
        .met(each <= 2048)
        .print();
}
