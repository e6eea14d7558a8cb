//! `serve` that is killed in the midst of its leases, and the one that is started after it: real
//! processes and real files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly, its helpers too")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A node's directories. In memory, as a driver's state path is.
struct Node {
    scratch: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Node {
    fn new() -> Self {
        let scratch = tempfile::tempdir_in("/dev/shm").unwrap();
        fs::create_dir(scratch.path().join("write")).unwrap();
        let request = json!({
            "volumeId": "s3-volume",
            "targetPath": "/var/lib/kubelet/pods/4a5d/volumes/kubernetes.io~csi/pv/mount",
            "volumeContext": {"bucketName": "photos"},
        });
        fs::write(scratch.path().join("request.json"), request.to_string()).unwrap();
        let environment = vec![
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_REGION", "eu-north-1".to_owned()),
            ("RUST_LOG", "info".to_owned()),
        ];
        Self { scratch, environment }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// As the kubelet replaces a projected token.
    fn replace(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn serve(&self, more: &[&str]) -> Serving {
        let mut command = Command::new(env!("CARGO_BIN_EXE_s3cred"));
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.arg("serve").arg("--request").arg(self.path("request.json"));
        command.arg("--write-path").arg(self.path("write"));
        command.arg("--state-path").arg(self.path("state")).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Serving { child, stdout, stderr }
    }

    fn is_empty(&self) -> bool {
        let count = |name| fs::read_dir(self.path(name)).unwrap().count();
        count("write") == 0 && count("state") == usize::from(self.path("state/.endpoint").exists())
    }
}

struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Serving {
    /// What is printed of the next publish.
    fn provided(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    /// Reads the log until it holds this text.
    fn log(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "it ended before {part:?}");
            if line.contains(part) {
                return line;
            }
        }
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_driver_that_was_killed_is_followed_by_one_that_goes_on_rotating() {
    let mut node = Node::new();
    node.replace("projected", "token-1");
    node.environment.extend([
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/reader".to_owned()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", node.path("projected").display().to_string()),
    ]);
    fs::write(node.path("config.yaml"), "sources: {irsa: {poll: 200ms}}").unwrap();
    let config = node.path("config.yaml").display().to_string();
    let more = ["--config", &config];
    let mut serving = node.serve(&more);
    let provided = serving.provided();
    let token = PathBuf::from(provided["files"][0]["path"].as_str().unwrap());
    let reader = Reader::of(&token);
    node.replace("projected", "token-2");
    serving.log("Refreshed");
    assert_eq!(fs::read_to_string(&token).unwrap(), "token-2");

    assert_eq!(serving.end(Signal::KILL), None);
    let torn = token.with_file_name(".token.0123456789abcdef.tmp");
    fs::write(&torn, "token-").unwrap();
    node.replace("projected", "token-3");
    let mut serving = node.serve(&more);
    assert!(serving.log("leases resumed").contains("adopted=1"));
    assert_eq!(serving.provided()["environment"], provided["environment"]);
    assert_eq!(fs::read_to_string(&token).unwrap(), "token-3");
    assert!(!torn.exists(), "what the killed one left half-written");
    node.replace("projected", "token-4");
    serving.log("Refreshed");
    assert_eq!(fs::read_to_string(&token).unwrap(), "token-4");

    reader.end();
    assert_eq!(serving.end(Signal::TERM), Some(0));
    assert!(node.is_empty());
}

/// Reads a token again and again, as a Mountpoint that must never find it missing or torn.
struct Reader {
    goes_on: Arc<AtomicBool>,
    reading: thread::JoinHandle<()>,
}

impl Reader {
    fn of(token: &Path) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let (flag, token) = (Arc::clone(&goes_on), token.to_owned());
        let reading = thread::spawn(move || {
            while flag.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&token).unwrap();
                let number = text.strip_prefix("token-").and_then(|text| text.parse().ok());
                assert!(matches!(number, Some(1..=4)), "{text:?}");
                thread::yield_now();
            }
        });
        Self { goes_on, reading }
    }

    fn end(self) {
        self.goes_on.store(false, Ordering::Relaxed);
        self.reading.join().unwrap();
    }
}

#[test]
fn an_endpoint_that_was_killed_answers_again_at_its_address_to_the_same_token() {
    let mut node = Node::new();
    node.environment.extend([
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI".to_owned()),
    ]);
    let more = ["--delivery", "endpoint", "--mount-kind", "systemd"];
    let mut serving = node.serve(&more);
    let provided = serving.provided();
    let variable = |name: &str| provided["environment"][name].as_str().unwrap().to_owned();
    let token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    let token = fs::read_to_string(token).unwrap();
    let uri = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    assert!(ask(&uri, &token).contains("AKIAIOSFODNN7EXAMPLE"));

    assert_eq!(serving.end(Signal::KILL), None);
    let mut serving = node.serve(&more);
    serving.log("leases resumed");
    assert!(ask(&uri, &token).contains("AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(serving.provided()["environment"], provided["environment"]);
    assert!(ask(&uri, &token).contains("AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(serving.end(Signal::TERM), Some(0));
    assert!(node.is_empty());
}

/// What a credentials endpoint answers.
fn ask(uri: &str, token: &str) -> String {
    let (address, path) = uri.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
