//! The emulators and directories of one group of cases.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use s3_credential_core::{Clock as _, POD_IDENTITY_AUDIENCE, STS_AUDIENCE, SystemClock};
use s3_credential_testkit::iam::{Iam, Role, Trust};
use s3_credential_testkit::imds::Imds;
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::scratch::Scratch;
use s3_credential_testkit::server::Fault;
use s3_credential_testkit::sts::Sts;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;

use crate::case::Case;

const ROLE: &str = "arn:aws:iam::111122223333:role/pod-a-role";

#[derive(Debug)]
pub(crate) struct World {
    scratch: Scratch,
    issuer: Issuer,
    pub(crate) iam: Iam,
    sts: Sts,
    imds: Imds,
    proxy: String,
    /// The first line of each request that the proxy got.
    proxied: Arc<Mutex<Vec<String>>>,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The object on stdout, or null.
    pub(crate) object: Value,
    pub(crate) write_path: PathBuf,
    pub(crate) journal: String,
    pub(crate) proxied: Vec<String>,
    /// How often STS was called.
    pub(crate) sts_calls: usize,
    /// The session policies that STS was asked for.
    pub(crate) policies: Vec<Option<String>>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let iam = Iam::default();
        let issuer = Issuer::new("https://oidc.example.test/id/1");
        iam.add_provider(issuer.verifier(), [STS_AUDIENCE]);
        let pod = Trust::web_identity(issuer.url(), "system:serviceaccount:test-ns:test-sa");
        iam.add_role(Role::new(ROLE).trusting(pod).trusting(Trust::service("ec2.amazonaws.com")));
        let imds = Imds::start(iam.clone()).await.unwrap();
        imds.set_role(Some(ROLE));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let proxied = Arc::<Mutex<Vec<String>>>::default();
        tokio::spawn(refuse_and_note(listener, Arc::clone(&proxied)));
        let scratch = Scratch::new_in(env!("CARGO_TARGET_TMPDIR"), "public-cases").unwrap();
        scratch.directory("write").unwrap();
        Self {
            scratch,
            sts: Sts::start(iam.clone()).await.unwrap(),
            issuer,
            iam,
            imds,
            proxy,
            proxied,
        }
    }

    pub(crate) async fn run(&self, case: &Case) -> Seen {
        self.answers(case);
        let path = |name: &str| self.scratch.path().join(name).display().to_string();
        for (name, text) in &case.files {
            self.scratch.write(name, text).unwrap();
        }
        let command = case.cmd.as_deref().unwrap_or("provide");
        let mut arguments = vec![command.to_owned()];
        if let Some(request) = &case.request {
            let request =
                self.scratch.write("request.json", &self.filled(request).to_string()).unwrap();
            arguments.extend(["--request".to_owned(), request.display().to_string()]);
        }
        if command != "process" && command != "region" {
            arguments.extend(["--state-path".to_owned(), path("state")]);
        }
        if command != "process" {
            arguments.extend(["--output".to_owned(), "json".to_owned()]);
        }
        if command == "provide" {
            arguments.extend(["--write-path".to_owned(), path("write")]);
        }
        if let Some(yaml) = &case.config {
            let config = self.scratch.write("config.yaml", yaml).unwrap();
            arguments.extend(["--config".to_owned(), config.display().to_string()]);
        }
        arguments.extend(case.args.iter().cloned());
        let mut program = Command::new(env!("CARGO_BIN_EXE_s3cred"));
        program.env_clear().args(&arguments).stdin(Stdio::null());
        for (name, value) in &case.env {
            program.env(name, self.text(value));
        }
        let (calls, issued) = (self.sts.requests().len(), self.iam.all_issued().len());
        let output = tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        Seen {
            status: output.status.code().unwrap(),
            object: serde_json::from_str(&stdout).unwrap_or(Value::Null),
            stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
            write_path: self.scratch.path().join("write"),
            journal: self.journal(),
            proxied: self.proxied.lock().unwrap().clone(),
            sts_calls: self.sts.requests().len() - calls,
            policies: self.iam.all_issued()[issued..]
                .iter()
                .filter_map(|issued| issued.session.as_ref().map(|session| session.policy.clone()))
                .collect(),
        }
    }

    fn answers(&self, case: &Case) {
        self.sts.faults().clear_all();
        if let Some(answer) = &case.sts {
            let fault = Fault::status(answer.status, answer.body.clone());
            self.sts.faults().always("AssumeRoleWithWebIdentity", fault);
        }
        self.imds.faults().clear_all();
        let imds = case.imds.clone().unwrap_or_default();
        if let Some(role) = imds.role {
            self.imds.faults().always("ListRoles", Fault::status(200, role));
        }
        if let Some(document) = imds.document {
            self.imds.faults().always("GetCredentials", Fault::status(200, document));
        }
    }

    fn journal(&self) -> String {
        let mut text = String::new();
        let mut directories = vec![self.scratch.path().join("state")];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    text.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap()));
                }
            }
        }
        text
    }

    /// The value with its placeholders filled in.
    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(values) => values.iter().map(|value| self.filled(value)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.filled(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        match text {
            "@STS" => self.sts.url(),
            "@IMDS" => self.imds.url(),
            "@PROXY" => self.proxy.clone(),
            "@TOKENS" => self.tokens(0),
            _ => match text.split_once(':') {
                Some(("@FILE", name)) => self.scratch.path().join(name).display().to_string(),
                Some(("@TOKENS", how)) => {
                    let how: Value = serde_json::from_str(how).unwrap();
                    self.tokens(how["ahead"].as_i64().unwrap())
                }
                _ => text.to_owned(),
            },
        }
    }

    /// Tokens for both audiences, issued so many seconds from now.
    fn tokens(&self, ahead: i64) -> String {
        let issued_at = SystemClock.now() + SignedDuration::from_secs(ahead);
        let tokens = [STS_AUDIENCE, POD_IDENTITY_AUDIENCE].map(|audience| {
            let token = self
                .issuer
                .service_account("test-ns", "test-sa")
                .audience(audience)
                .issued_at(issued_at)
                .ttl(Duration::from_hours(1));
            let entry = json!({
                "token": token.sign(),
                "expirationTimestamp": token.expires_at().to_string(),
            });
            (audience.to_owned(), entry)
        });
        Value::Object(tokens.into_iter().collect()).to_string()
    }
}

/// A proxy that notes what it is asked for, and closes the connection.
async fn refuse_and_note(listener: TcpListener, proxied: Arc<Mutex<Vec<String>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut line = String::new();
        let _ = BufReader::new(stream).read_line(&mut line).await;
        proxied.lock().unwrap().push(line.trim_end().to_owned());
    }
}

impl Seen {
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Everything that came out, in lines for a message.
    pub(crate) fn all(&self) -> String {
        format!("exit {}\n{}\n{}", self.status, self.stdout, self.stderr)
    }

    /// Message and help of the error.
    pub(crate) fn said(&self) -> String {
        format!("{} {}", self.text("/error/message"), self.text("/error/help"))
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.object["environment"].get(name).and_then(Value::as_str)
    }
}
