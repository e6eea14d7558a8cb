//! Public recorded cases of aws-config, replayed against our sources: the same keys, the same
//! refusals, or a deviation with its reason. `README.md` describes the format of a case.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail as tests do")]

mod case;
mod replay;

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use s3_credential_core::{Environment, ErrorKind, MountTarget, ProvideContext, PublishRequest};
use s3_credential_provider::Provider;
use s3_credential_testkit::client::Client;
use s3_credential_testkit::clock::ManualClock;
use tempfile::TempDir;

use case::{Answer, Case};
use replay::Replay;

/// When the cases were recorded: the keys in them expire hours later.
const RECORDED_AT: &str = "2021-09-21T18:32:00Z";

#[tokio::test]
async fn every_recorded_case_of_aws_config_agrees_or_deviates_by_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recorded/cases");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 15, "the cases are missing");
    let mut problems = Vec::new();
    for file in files {
        let case: Case = serde_json::from_str(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let (answer, unscripted) = ask(&case).await;
        problems.extend(case.problems(&answer).into_iter().map(|it| format!("{name}: {it}")));
        problems.extend(unscripted.into_iter().map(|it| format!("{name}: unexpected {it}")));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Asks the driver level of the default chains, and lists requests that the case does not answer.
async fn ask(case: &Case) -> (Answer, Vec<String>) {
    let scratch = tempfile::tempdir().unwrap();
    let replay = Replay::start(&case.traffic).await;
    for (name, content) in &case.files {
        fs::write(scratch.path().join(name), content).unwrap();
    }
    let environment: Environment = case
        .environment
        .iter()
        .map(|(name, value)| (name.as_str(), filled(value, &scratch, &replay)))
        .collect();
    let recorded_at: Timestamp = RECORDED_AT.parse().unwrap();
    let provider = Provider::builder()
        .environment(environment)
        .state_path(scratch.path().join("state"))
        .clock(ManualClock::new(recorded_at))
        .build();
    let answer = match provider {
        Err(error) => Answer::refusal(error.kind()),
        Ok(provider) => {
            let request = PublishRequest::new(
                "v",
                "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount",
            );
            let write_path = scratch.path().join("write");
            fs::create_dir(&write_path).unwrap();
            let context = provider.context(request, MountTarget::new(write_path)).unwrap();
            match provider.credentials(&context).await {
                Ok(keys) => Answer::keys(&keys),
                Err(error) if error.kind() == ErrorKind::UnsupportedDelivery => {
                    delivered(&provider, &context).await
                }
                Err(error) => Answer::refusal(error.kind()),
            }
        }
    };
    (answer, replay.unscripted())
}

/// A profile is delivered as files only: what the SDK finds in them is the answer.
async fn delivered(provider: &Provider, context: &ProvideContext) -> Answer {
    let provided = match provider.provide(context).await {
        Ok(provided) => provided,
        Err(error) => return Answer::refusal(error.kind()),
    };
    let environment = provided.environment.iter();
    let client = Client::new(environment.map(|(name, value)| (name.as_str(), value.expose())));
    Answer::keys(&client.keys().await.unwrap())
}

/// `{server}` is the server that replays, `{files}` the folder of the case's files.
fn filled(value: &str, scratch: &TempDir, replay: &Replay) -> String {
    value
        .replace("{server}", &replay.url())
        .replace("{files}", &scratch.path().display().to_string())
}
