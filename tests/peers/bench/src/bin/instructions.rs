//! `instructions WHAT COUNT`: repeats one operation COUNT times. The difference between valgrind's
//! counts of two runs is the cost of one operation, whatever else the machine does.
//! `cargo xtask bench --only instructions` computes it.

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use peers_bench::subjects::{AwsConfig, ObjectStore, Ours, Reqsign, Subject};
use peers_bench::upstream::Upstream;
use peers_bench::volumes::Volumes;
use s3_credential_core::{Keys, SystemClock};
use s3_credential_delivery::{Endpoint, EndpointSettings, Grants, new_token};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (what, count) = (arguments.next().unwrap(), arguments.next().unwrap().parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match what.as_str() {
            // Valgrind has no vDSO, without which the product's own clock does not read: all read
            // the time by a system call here.
            "warm s3-credential" => {
                warm(|upstream| Ours::with_clock(upstream, Arc::new(SystemClock)), count).await;
            }
            "warm aws-config" => warm(AwsConfig::new, count).await,
            "warm reqsign" => warm(Reqsign::new, count).await,
            "warm object_store" => warm(ObjectStore::new, count).await,
            "provide token" => provide(&Volumes::of_tokens(), count).await,
            "provide profile" => provide(&Volumes::of_profiles(), count).await,
            "republish" => republish(&Volumes::of_tokens(), count).await,
            "endpoint" => endpoint(count).await,
            what => panic!("{what}?"),
        }
    });
    std::process::exit(0);
}

async fn warm<S: Subject>(new: impl FnOnce(&Upstream) -> S, count: usize) {
    let address: SocketAddr =
        std::env::var("AWS_ENDPOINT_URL_STS").unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    let upstream = Upstream::start(address);
    let subject = new(&upstream);
    subject.fetch().await.unwrap();
    for _ in 0..count {
        black_box(subject.warm().await.unwrap());
    }
}

/// With its cleanup, so that there is no end of room.
async fn provide(volumes: &Volumes, count: usize) {
    let provider = volumes.provider();
    let context = volumes.context(0);
    let cleanup = volumes.cleanup(0);
    for _ in 0..count {
        provider.provide(&context).await.unwrap();
        provider.cleanup(&cleanup).await.unwrap();
    }
}

async fn republish(volumes: &Volumes, count: usize) {
    let provider = volumes.provider();
    let context = volumes.context(0);
    provider.provide(&context).await.unwrap();
    // What was written a moment ago is looked at more closely.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    for _ in 0..=count {
        provider.provide(&context).await.unwrap();
    }
}

/// One connection, whose client is counted too: a write and a read.
async fn endpoint(count: usize) {
    let grants = Grants::default();
    let settings = EndpointSettings { address: Some(([127, 0, 0, 1], 0).into()), ..EndpointSettings::default() };
    let endpoint =
        Endpoint::bind(&settings, grants.clone(), Arc::new(SystemClock), &tokio::runtime::Handle::current()).unwrap();
    let token = new_token().unwrap();
    let keys = Keys::new("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        .with_session_token("FwoGZXIvYXdzE".repeat(64));
    grants.insert("volume", token.clone(), Arc::new(Arc::new(keys))).unwrap();
    let request = format!(
        "GET /v1/volumes/volume HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n",
        endpoint.address(),
        token.expose()
    );
    let address = endpoint.address();
    let client = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut answer = [0; 4096];
        for _ in 0..count {
            stream.write_all(request.as_bytes()).unwrap();
            assert!(stream.read(&mut answer).unwrap() > 900);
        }
    });
    client.await.unwrap();
}
