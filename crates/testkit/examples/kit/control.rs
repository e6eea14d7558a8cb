//! Commands on standard input, a line each, each with one line of JSON as its answer.

use std::time::Duration;

use s3_credential_testkit::server::{Fault, Server};
use s3_credential_testkit::sts::StsError;
use serde_json::{Value, json};

use crate::Result;
use crate::world::World;

pub(crate) async fn run(world: &World) -> Result<()> {
    while let Some(line) = next_line().await? {
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = obey(world, &words).await;
        println!("{}", answer.unwrap_or_else(|error| json!({"error": error.to_string()})));
    }
    Ok(())
}

/// The emulators go on while a thread waits for the line.
async fn next_line() -> Result<Option<String>> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|length| (length > 0).then_some(line))
    });
    Ok(read.await??)
}

async fn obey(world: &World, words: &[&str]) -> Result<Value> {
    let server = |name: &str| {
        world.server(name).ok_or("unknown service: expected sts, imds, agent, kubernetes or s3")
    };
    match words {
        ["fault", name, operation, fault, count @ ..] => {
            let count = count.first().map(|count| count.parse()).transpose()?;
            plan(server(name)?, operation, fault_of(fault)?, count);
        }
        ["clear", name] => server(name)?.faults().clear_all(),
        ["stop", name] => server(name)?.stop().await,
        ["restart", name] => server(name)?.restart().await?,
        ["calls", name] => return Ok(json!({"calls": server(name)?.calls().total()})),
        ["rotate"] => world.rotate(Duration::ZERO)?,
        ["tokens"] => {
            return Ok(json!({"podTokens": world.tokens(crate::world::POD, Duration::ZERO)}));
        }
        ["who", access_key_id] => {
            let issued = world.iam.issued(access_key_id).ok_or("unknown access key")?;
            let expires_at = issued.expires_at.map(|at| at.to_string());
            return Ok(json!({"arn": issued.arn, "expiresAt": expires_at}));
        }
        ["revoke", access_key_id] => world.iam.revoke(access_key_id),
        _ => {
            return Err("unknown command: expected fault, clear, stop, restart, calls, rotate, \
                        tokens, who or revoke"
                .into());
        }
    }
    Ok(json!({}))
}

fn plan(server: &Server, operation: &str, fault: Fault, count: Option<usize>) {
    match count {
        Some(count) => server.faults().times(operation, count, fault),
        None => server.faults().always(operation, fault),
    }
}

fn fault_of(name: &str) -> Result<Fault> {
    Ok(match name {
        "hang" => Fault::hang(),
        "reset" => Fault::reset(),
        "half" => Fault::half_answer(),
        "garbage" => Fault::garbage(),
        "throttled" => StsError::throttling().into(),
        "unavailable" => StsError::service_unavailable().into(),
        "denied" => StsError::access_denied("the kit denies it").into(),
        "expired" => StsError::expired_token().into(),
        _ => match name.parse() {
            Ok(status) => Fault::status(status, ""),
            Err(_) => {
                return Err("unknown fault: expected hang, reset, half, garbage, throttled, \
                                  unavailable, denied, expired or a status"
                    .into());
            }
        },
    })
}
