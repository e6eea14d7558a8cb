//! Reads and writes a bucket through each adapter and its own library, command by command.
//!
//! **In:** the CSI request (a file), the S3 endpoint and the bucket as arguments; the driver's
//! environment; commands on standard input, a line each. **Out:** one JSON object a line. **Fails**
//! with a message on standard error and exit status 1.
//!
//! | command | does |
//! |---|---|
//! | `use NAME` | writes an object through each adapter, reads it back: `{"opendal": "NAME", ...}` |
//! | `ahead SECONDS` | moves the clock of the provider ahead |
//! | `keys` | `{"accessKeyId": ..., "expiresAt": ..., "lastError": ...}` of the cached keys |
//! | `refreshed` | waits until a refresh that is due has ended, then as `keys` |

mod clock;
mod subjects;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use s3_credential_provider::{
    CachedKeys, Environment, MountTarget, Provider, PublishRequest, RoleArn,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use clock::AheadClock;
use subjects::{Place, Subjects};

/// How long a refresh in the background may take.
const REFRESH: Duration = Duration::from_secs(120);

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [request, role_arn, endpoint, bucket, region] = arguments.as_slice() else {
        return Err("usage: reader REQUEST_FILE ROLE_ARN S3_ENDPOINT BUCKET REGION".into());
    };
    let clock = AheadClock::default();
    let provider = Provider::builder()
        .environment(std::env::vars().collect::<Environment>())
        .clock(clock.clone())
        .build()?;
    let request: PublishRequest = serde_json::from_slice(&std::fs::read(request)?)?;
    let mut target = MountTarget::new("/nowhere");
    target.role_arn = Some(RoleArn::parse("ROLE_ARN", role_arn)?);
    let context = provider.context(request, target)?;
    let keys = provider.cached_keys(&context);
    let place = Place { endpoint, bucket, region };
    let subjects = Subjects::new(&provider, &context, &keys, place)?;

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let answer = match line.split_once(' ').unwrap_or((line.as_str(), "")) {
            ("use", name) => subjects.all(name).await,
            ("ahead", seconds) => {
                clock.advance(Duration::from_secs(seconds.parse()?));
                json!({})
            }
            ("keys", "") => describe(&keys),
            ("refreshed", "") => {
                refreshed(&keys).await?;
                describe(&keys)
            }
            (command, _) => return Err(format!("unknown command: {command}").into()),
        };
        println!("{answer}");
    }
    Ok(())
}

/// Starts the refresh that is due, and waits until it has succeeded or failed.
async fn refreshed(keys: &CachedKeys) -> Result<()> {
    let before = keys.current().map(|keys| keys.share());
    let ended = async {
        loop {
            let now = keys.current().map(|keys| keys.share());
            let is_new = match (&before, &now) {
                (Some(before), Some(now)) => !Arc::ptr_eq(before, now),
                _ => now.is_some(),
            };
            if is_new || keys.last_error().is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    Ok(tokio::time::timeout(REFRESH, ended).await?)
}

fn describe(keys: &CachedKeys) -> Value {
    json!({
        "accessKeyId": keys.current().map(|keys| keys.access_key_id.expose().to_owned()),
        "expiresAt": keys.expires_at().map(|at| at.to_string()),
        "lastError": keys.last_error().map(|error| error.to_string()),
    })
}
