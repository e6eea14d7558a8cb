//! `peers-bench SECTION`: measures one section, and prints its rows as lines of JSON.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use peers_bench::{cluster, cold, endpoint, leases, outage, provide, refresh, silence, warm};

/// Where the upstream listens. In the environment, since aws-config finds its STS nowhere else.
const STS: &str = "AWS_ENDPOINT_URL_STS";
const SECTIONS: [&str; 9] =
    ["warm", "cold", "refresh", "outage", "silence", "provide", "leases", "endpoint", "cluster"];

fn main() {
    let section = std::env::args().nth(1).unwrap_or_default();
    let Some(url) = std::env::var(STS).ok() else {
        again(&section);
    };
    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    match section.as_str() {
        "warm" => warm::run(address),
        "cold" => cold::run(address),
        "refresh" => refresh::run(address),
        "outage" => outage::run(address),
        "silence" => silence::run(),
        "provide" => provide::run(),
        "leases" => leases::run(),
        "endpoint" => endpoint::run(),
        "cluster" => cluster::run(),
        _ => {
            eprintln!("usage: peers-bench {}", SECTIONS.join("|"));
            std::process::exit(2);
        }
    }
    // Tasks that still wait for an answer are not waited for.
    std::process::exit(0);
}

/// Starts this program again with only the environment that it needs, without the caller's.
fn again(section: &str) -> ! {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .arg(section)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env(STS, format!("http://{free}"))
        .env("AWS_REGION", "us-east-1")
        .status()
        .unwrap();
    std::process::exit(status.code().unwrap_or(1));
}
