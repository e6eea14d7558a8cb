//! The program that is judged: a driver's credential code behind two commands.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use s3_credential_core::Keys;
use s3_credential_testkit::client::{Client, S3Client};
use serde::Deserialize;
use serde_json::Value;

use crate::Result;
use crate::world::{REGION, World};

#[derive(Debug)]
pub(crate) struct Driver {
    words: Vec<String>,
}

/// What the program did.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It succeeded; the variables that Mountpoint is to be started with.
    Provided(BTreeMap<String, String>),
    /// It refused, with an exit status other than 0.
    Refused(String),
}

#[derive(Deserialize)]
struct Output {
    environment: BTreeMap<String, String>,
}

impl Driver {
    pub(crate) fn new(words: &[&str]) -> Self {
        Self { words: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    /// Runs `PROGRAM provide` with a CSI publish request.
    pub(crate) async fn provide(
        &self,
        world: &World,
        own: &BTreeMap<String, String>,
        request: &Value,
    ) -> Result<Answer> {
        let (succeeded, stdout, stderr) = self.run("provide", world, own, request).await?;
        if !succeeded {
            return Ok(Answer::Refused(format!("{stdout}{stderr}")));
        }
        let output: Output = serde_json::from_str(&stdout)
            .map_err(|_| "`provide` printed no object with `environment`")?;
        Ok(Answer::Provided(output.environment))
    }

    /// Runs `PROGRAM cleanup` with a CSI unpublish request.
    pub(crate) async fn cleanup(
        &self,
        world: &World,
        own: &BTreeMap<String, String>,
        request: &Value,
    ) -> Result<()> {
        let (succeeded, stdout, stderr) = self.run("cleanup", world, own, request).await?;
        if succeeded { Ok(()) } else { Err(format!("`cleanup` failed: {stdout}{stderr}").into()) }
    }

    async fn run(
        &self,
        command: &str,
        world: &World,
        own: &BTreeMap<String, String>,
        request: &Value,
    ) -> Result<(bool, String, String)> {
        let [program, arguments @ ..] = self.words.as_slice() else {
            return Err("no program is named".into());
        };
        let mut process = Command::new(program);
        process.args(arguments).arg(command).env_clear();
        process.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        process.envs(world.services()).envs(own);
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let request = serde_json::to_vec(request)?;
        // The emulators answer on this thread meanwhile.
        let ended = tokio::task::spawn_blocking(move || {
            let mut child = process.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A program that does not read its request is judged by what it prints.
                let _ = stdin.write_all(&request);
            }
            child.wait_with_output()
        });
        let ended = ended.await??;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ok((ended.status.success(), text(&ended.stdout), text(&ended.stderr)))
    }
}

/// Finds keys as a program does that is started with this environment, and reads a bucket's object with them.
pub(crate) async fn read(
    world: &World,
    environment: &BTreeMap<String, String>,
    bucket: &str,
) -> Result<(Keys, String)> {
    // Where the node's services are; a delivered variable goes first.
    let services = world.services();
    let ambient = ["AWS_ENDPOINT_URL_STS", "AWS_EC2_METADATA_SERVICE_ENDPOINT"];
    let ambient = services.iter().filter(|(name, _)| ambient.contains(&name.as_str()));
    let merged: BTreeMap<&str, &str> =
        ambient.chain(environment).map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let keys = Client::new(merged).keys().await?;
    let object = S3Client::new(world.s3.url(), REGION, &keys).get(bucket, "owner").await?;
    Ok((keys, String::from_utf8_lossy(&object).into_owned()))
}
