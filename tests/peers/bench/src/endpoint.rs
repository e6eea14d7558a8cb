//! The loopback endpoint under `wrk`: as many requests as it can answer, over a thousand connections.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use s3_credential_core::{Keys, SystemClock};
use s3_credential_delivery::{Endpoint, EndpointSettings, Grants, new_token};

use crate::subjects::{Ours, Subject};
use crate::table::{Row, median, time};

const CONNECTIONS: usize = 1_000;
const SECONDS: usize = 5;
const ROUNDS: usize = 5;

/// What one round came to.
struct Load {
    per_second: f64,
    p99: f64,
    errors: bool,
    /// Seconds of the server's processor time for one request.
    processor: f64,
}

pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let grants = Grants::default();
    let settings = EndpointSettings { address: Some(([127, 0, 0, 1], 0).into()), ..EndpointSettings::default() };
    let endpoint = Endpoint::bind(&settings, grants.clone(), Arc::new(SystemClock), runtime.handle()).unwrap();
    let token = new_token().unwrap();
    let keys = Keys::new("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        .with_session_token("FwoGZXIvYXdzE".repeat(64));
    grants.insert("volume", token.clone(), Arc::new(Arc::new(keys))).unwrap();
    let load = |connections| wrk(&endpoint.uri("volume"), token.expose(), connections);
    for (connections, goal) in [(CONNECTIONS, true), (50, false)] {
        let rounds: Vec<Load> = (0..ROUNDS).map(|_| load(connections)).collect();
        let of = |of: fn(&Load) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
        let (per_second, p99, processor) = (of(|load| load.per_second), of(|load| load.p99), of(|load| load.processor));
        let failed = rounds.iter().any(|load| load.errors);
        let mut row = Row::new(
            format!("endpoint, {connections} connections of wrk, 2 cores for both: GET/s; p99; processor time of the endpoint for one"),
            "50,000/s; below 2 ms",
        )
        .cell(
            Ours::NAME,
            format!("{per_second:.0}/s{}; {}; {}", if failed { " (errors)" } else { "" }, time(p99), time(processor)),
        );
        if goal {
            row = row.met(!failed && per_second >= 50_000.0 && p99 < 2e-3);
        }
        row.print();
    }
    runtime.shutdown_background();
}

fn wrk(url: &str, token: &str, connections: usize) -> Load {
    let before = processor_time();
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", &connections.to_string()])
        .args(["--duration", &format!("{SECONDS}s"), "--latency"])
        .args(["--header", &format!("Authorization: {token}"), url])
        .output()
        .unwrap_or_else(|error| panic!("wrk is needed (the package of this name): {error}"));
    let used = processor_time() - before;
    let text = String::from_utf8(output.stdout).unwrap();
    let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label).map(str::trim));
    let per_second: f64 = after("Requests/sec:").unwrap_or_else(|| panic!("{text}")).parse().unwrap();
    let errors = after("Non-2xx").is_some() || after("Socket errors").is_some();
    let requests: f64 = text
        .lines()
        .find_map(|line| line.split_once(" requests in ")?.0.trim().parse().ok())
        .unwrap();
    Load { per_second, p99: seconds(after("99%").unwrap()), errors, processor: used / requests }
}

/// As wrk writes times: `1.23ms`.
fn seconds(text: &str) -> f64 {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        _ => 1.0,
    };
    digits.parse::<f64>().unwrap() * unit
}

pub fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32).as_secs_f64()
}
