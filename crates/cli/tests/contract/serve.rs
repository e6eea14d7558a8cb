//! `serve`: volumes by request files, kept until a signal ends it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::driver::{CANARY, Driver};
use crate::requests::{ROLE, publish, publish_with_keys, target_path, with_token};
use crate::run::Failure;

/// How long a line, or the end, may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running `serve`, which logs what it does. It is killed when it takes too long, and when its
/// test ends.
struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
    /// Ends the watch.
    _watch: Sender<()>,
}

impl Serving {
    fn start(driver: &Driver, requests: &[&Path], more: &[&str]) -> Self {
        let mut command = driver.command(&["serve", "--output", "json"]);
        for request in requests {
            command.arg("--request").arg(request);
        }
        command.arg("--write-path").arg(driver.path("write"));
        command.arg("--state-path").arg(driver.path("state")).args(more);
        command.env("RUST_LOG", "info").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (watch, ended) = mpsc::channel();
        let pid = Pid::from_child(&child);
        std::thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        Self { child, stdout, stderr, _watch: watch }
    }

    /// The next object on stdout.
    fn object(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(!line.contains(CANARY), "{line}");
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

    /// Sends a signal, and awaits the end: the exit status.
    fn end(mut self, signal: Signal) -> i32 {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn volume(id: &str, key: &str) -> String {
    let mut request = publish_with_keys(key, CANARY);
    request["volumeId"] = json!(id);
    request.to_string()
}

/// Replaces a file at once, as who writes requests should.
fn replace(driver: &Driver, name: &str, text: &str) {
    let new = driver.file(&format!("{name}.new"), text);
    fs::rename(new, driver.path(name)).unwrap();
}

fn credentials(object: &Value) -> String {
    fs::read_to_string(object["environment"]["AWS_SHARED_CREDENTIALS_FILE"].as_str().unwrap())
        .unwrap()
}

#[test]
fn each_publish_and_republish_is_an_object_on_a_line_and_sigterm_cleans_up() {
    let driver = Driver::new();
    driver.file("a.json", &volume("a", "AKIAFIRST"));
    driver.file("b.json", &volume("b", "AKIAFIRST"));
    let (a, b) = (driver.path("a.json"), driver.path("b.json"));
    let mut serving = Serving::start(&driver, &[&a, &b], &[]);
    let (first, second) = (serving.object(), serving.object());
    assert_eq!(first["credentialSource"], "secret-request");
    assert!(credentials(&first).contains("AKIAFIRST"));
    assert_ne!(first["environment"], second["environment"]);
    replace(&driver, "a.json", &volume("a", "AKIASECOND"));
    let again = serving.object();
    assert_eq!(again["environment"], first["environment"]);
    assert!(credentials(&again).contains("AKIASECOND"));
    assert_eq!(serving.end(Signal::TERM), 0);
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}

#[test]
fn a_folder_is_followed_and_a_removed_file_is_an_unpublish() {
    let driver = Driver::new();
    let folder = driver.path("volumes");
    fs::create_dir(&folder).unwrap();
    driver.file("volumes/a.json", &volume("a", "AKIAFIRST"));
    driver.file("volumes/notes.txt", "no request");
    let mut serving = Serving::start(&driver, &[&folder], &[]);
    let first = serving.object();
    replace(&driver, "volumes/b.json", &volume("b", "AKIAFIRST"));
    let second = serving.object();
    fs::remove_file(folder.join("a.json")).unwrap();
    serving.log("credentials removed");
    let path = |object: &Value| object["files"][0]["path"].as_str().unwrap().to_owned();
    assert!(!Path::new(&path(&first)).exists() && Path::new(&path(&second)).exists());
    // It is published again when its file comes back.
    replace(&driver, "volumes/a.json", &volume("a", "AKIATHIRD"));
    assert!(credentials(&serving.object()).contains("AKIATHIRD"));
    assert_eq!(serving.end(Signal::INT), 0);
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}

#[test]
fn a_file_that_becomes_another_volume_takes_the_old_one_along() {
    let driver = Driver::new();
    driver.file("a.json", &volume("a", "AKIAFIRST"));
    let mut serving = Serving::start(&driver, &[&driver.path("a.json")], &[]);
    serving.object();
    replace(&driver, "a.json", &volume("b", "AKIAFIRST"));
    serving.object();
    assert_eq!(driver.entries("write")[0], "s3cred@4a5d@b");
    assert_eq!(serving.end(Signal::TERM), 0);
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}

#[test]
fn what_is_kept_is_taken_up_by_the_next_start() {
    let driver = Driver::new();
    driver.file("a.json", &volume("a", "AKIAFIRST"));
    let file = driver.path("a.json");
    let mut serving = Serving::start(&driver, &[&file], &["--keep"]);
    let first = serving.object();
    assert_eq!(serving.end(Signal::TERM), 0);
    assert!(credentials(&first).contains("AKIAFIRST"));

    let mut serving = Serving::start(&driver, &[&file], &[]);
    assert_eq!(serving.object()["environment"], first["environment"]);
    assert_eq!(serving.end(Signal::TERM), 0);
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}

#[test]
fn a_request_that_fails_is_an_error_object_and_harms_no_other() {
    let driver = Driver::new();
    driver.file("a.json", "{");
    driver.file("b.json", &volume("b", "AKIAFIRST"));
    let (a, b) = (driver.path("a.json"), driver.path("b.json"));
    let mut serving = Serving::start(&driver, &[&a, &b], &[]);
    let failure = Failure { status: 2, error: serving.object()["error"].clone() };
    failure.is("invalid-request", "INVALID_ARGUMENT", 2).says("line 1");
    assert!(serving.log("s3cred: invalid-request: ").contains(failure.text("message")));
    assert_eq!(serving.object()["credentialSource"], "secret-request");
    replace(&driver, "a.json", &volume("a", "AKIAFIRST"));
    assert!(credentials(&serving.object()).contains("AKIAFIRST"));
    // A request that cannot be read removes no file of a mounted volume.
    replace(&driver, "a.json", &volume("a", ""));
    let failure = Failure { status: 5, error: serving.object()["error"].clone() };
    failure.is("unavailable", "UNAVAILABLE", 5).says("keeps its credentials");
    assert_eq!(driver.entries("write").len(), 6);
    assert_eq!(serving.end(Signal::TERM), 0);
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}

#[test]
fn a_volume_that_hangs_keeps_no_other_waiting_and_no_signal() {
    // No server answers there: the connection waits in the queue.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let driver = Driver::new().with("AWS_ENDPOINT_URL_STS", &url).with("AWS_REGION", "eu-north-1");
    let mut hanging = with_token(publish("pod"), CANARY, "2100-01-01T00:00:00Z");
    hanging["volumeId"] = json!("hangs");
    hanging["targetPath"] = json!(target_path("other"));
    driver.file("a.json", &hanging.to_string());
    driver.file("b.json", &volume("b", "AKIAFIRST"));
    let config = driver.file("config.yaml", "services: {sts: {attemptTimeout: 60s, budget: 120s}}");
    let (a, b) = (driver.path("a.json"), driver.path("b.json"));
    let more = ["--config", &config, "--role-arn", ROLE, "--delivery", "profile"];
    let mut serving = Serving::start(&driver, &[&a, &b], &more);
    assert_eq!(serving.object()["credentialSource"], "secret-request");
    assert_eq!(serving.end(Signal::TERM), 0);
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}

#[tokio::test]
async fn a_request_that_is_not_there_at_the_start_is_refused() {
    let driver = Driver::new();
    let arguments = ["serve", "--request", "nowhere.json", "--write-path", "write"];
    let failure = driver.run(&arguments).await.error();
    failure.is("invalid-request", "INVALID_ARGUMENT", 2).says("nowhere.json").helps("--request");
}

#[tokio::test]
async fn a_second_serve_on_the_same_state_path_is_refused_and_the_first_one_keeps_its_files() {
    let driver = Driver::new();
    driver.file("a.json", &volume("a", "AKIAFIRST"));
    let a = driver.path("a.json");
    let mut first = Serving::start(&driver, &[&a], &[]);
    let provided = first.object();
    let mut second = Serving::start(&driver, &[&a], &[]);
    let refused = second.object();
    assert_eq!(refused["error"]["kind"], "misconfigured", "{refused}");
    assert_eq!(second.child.wait().unwrap().code(), Some(3));
    assert!(credentials(&provided).contains("AKIAFIRST"));
    // One-shot commands beside it work.
    let mut request = publish_with_keys("AKIASECOND", CANARY);
    request["volumeId"] = json!("b");
    let once = driver.provide(&request, &[]).await.object();
    assert!(credentials(&once).contains("AKIASECOND"));
    driver.cleanup(&request, &[]).await.object();
    replace(&driver, "a.json", &volume("a", "AKIATHIRD"));
    assert!(credentials(&first.object()).contains("AKIATHIRD"));
    assert_eq!(first.end(Signal::TERM), 0);
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}

#[test]
fn each_object_and_each_error_names_its_request_file_and_its_volume() {
    let driver = Driver::new();
    driver.file("good.json", &volume("volume-a", "AKIAFIRST"));
    let without_keys = json!({
        "volumeId": "volume-b",
        "targetPath": target_path("b"),
        "volumeContext": {"bucketName": "photos", "authenticationSource": "secret"},
    });
    driver.file("bad.json", &without_keys.to_string());
    let (good, bad) = (driver.path("good.json"), driver.path("bad.json"));
    let mut serving = Serving::start(&driver, &[&good, &bad], &[]);
    let objects = [serving.object(), serving.object()];
    let about = |object: &Value, name: &str| object[name].as_str().unwrap_or_default().to_owned();
    for object in &objects {
        let (path, id) =
            if object.get("error").is_some() { (&bad, "volume-b") } else { (&good, "volume-a") };
        assert_eq!(about(object, "request"), path.to_str().unwrap(), "{object}");
        assert_eq!(about(object, "volumeId"), id, "{object}");
    }
    assert_eq!(objects.iter().filter(|object| object.get("error").is_some()).count(), 1);
    let line = serving.log(&format!("request {} of volume volume-b: ", bad.display()));
    assert!(line.starts_with("s3cred: "), "{line}");
    assert_eq!(serving.end(Signal::TERM), 0);
}

#[test]
fn a_republish_is_logged_where_it_brings_a_change_and_not_otherwise() {
    let driver = Driver::new();
    driver.file("a.json", &volume("a", "AKIAFIRST"));
    let a = driver.path("a.json");
    let mut serving = Serving::start(&driver, &[&a], &[]);
    serving.object();
    for key in ["AKIAFIRST", "AKIAFIRST", "AKIASECOND", "AKIASECOND"] {
        replace(&driver, "a.json", &volume("a", key));
        assert!(credentials(&serving.object()).contains(key));
    }
    kill_process(Pid::from_child(&serving.child), Signal::TERM).unwrap();
    let mut log = String::new();
    serving.stderr.read_to_string(&mut log).unwrap();
    assert_eq!(log.matches("credentials provided").count(), 2, "{log}");
}
