//! The loopback endpoint under `wrk`: as many requests as it can answer, with a thousand
//! connections open.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use s3_credential_core::{Keys, SystemClock};
use s3_credential_delivery::{Endpoint, EndpointSettings, Grants, new_token};

use crate::subjects::{Ours, Subject};
use crate::table::{Row, median, time};

const CONNECTIONS: usize = 1_000;
/// The number of clients that ask without a pause. If all thousand did, 50,000 answers in a second
/// would take 20 ms each, however fast the endpoint is (Little's law).
const ASKING: usize = 50;
const SECONDS: usize = 5;
const ROUNDS: usize = 5;

/// The result of one round.
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
    // Measures the highest rate, not the default limit of 100,000.
    let settings = EndpointSettings {
        address: Some(([127, 0, 0, 1], 0).into()),
        requests_per_second: u32::MAX,
        ..EndpointSettings::default()
    };
    let endpoint = Endpoint::bind(&settings, grants.clone(), Arc::new(SystemClock), runtime.handle()).unwrap();
    let token = new_token().unwrap();
    let keys = Keys::new("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        .with_session_token("FwoGZXIvYXdzE".repeat(64));
    grants.insert("volume", token.clone(), Arc::new(Arc::new(keys))).unwrap();
    let uri = endpoint.uri("volume");
    let load = |connections: usize, asking: usize| {
        let idle = open(&endpoint, "volume", token.expose(), connections - asking);
        let load = wrk(&uri, token.expose(), asking);
        drop(idle);
        // Until the endpoint has seen that they are gone, they count.
        std::thread::sleep(Duration::from_millis(200));
        load
    };
    for (connections, asking) in [(CONNECTIONS, ASKING), (CONNECTIONS, CONNECTIONS)] {
        let rounds: Vec<Load> = (0..ROUNDS).map(|_| load(connections, asking)).collect();
        let of = |of: fn(&Load) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
        let (per_second, p99, processor) = (of(|load| load.per_second), of(|load| load.p99), of(|load| load.processor));
        let failed = rounds.iter().any(|load| load.errors);
        let mut row = Row::new(
            format!(
                "endpoint, {connections} connections open, {asking} of them ask without a pause, 2 cores with wrk: GET/s; p99; processor \
                 time of the endpoint for one"
            ),
            if asking == ASKING { "50,000/s; below 2 ms" } else { "" },
        )
        .cell(
            Ours::NAME,
            format!("{per_second:.0}/s{}; {}; {}", if failed { " (errors)" } else { "" }, time(p99), time(processor)),
        );
        if asking == ASKING {
            row = row.met(!failed && per_second >= 50_000.0 && p99 < 2e-3);
        }
        row.print();
    }
    runtime.shutdown_background();
}

/// Connections that have asked once, and stay.
fn open(endpoint: &Endpoint, id: &str, token: &str, count: usize) -> Vec<TcpStream> {
    let address = endpoint.address();
    let request = format!("GET /v1/volumes/{id} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {token}\r\n\r\n");
    let connect = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 4096];
        assert!(stream.read(&mut answer).unwrap() > 900);
        stream
    };
    (0..count).map(connect).collect()
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

/// Parses a time of wrk: `1.23ms`.
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
