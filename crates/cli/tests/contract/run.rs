//! What a run of the binary came to, judged by the part of the contract that every command keeps.

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::Value;

use crate::driver::CANARY;

/// The STS of these tests is on the loopback interface, which is warned of.
const OF_EMULATOR: &str = "s3cred: warning: AWS_ENDPOINT_URL_STS is on the loopback interface";

#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            status: output.status.code().unwrap(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// All went well, and silently: what is on stdout.
    pub(crate) fn ok(&self) -> &str {
        let lines: Vec<&str> =
            self.stderr.lines().filter(|line| !line.starts_with(OF_EMULATOR)).collect();
        assert_eq!((self.status, lines), (0, vec![]), "{}", self.stdout);
        &self.stdout
    }

    /// All went well: the one object on stdout, on one line.
    pub(crate) fn object(&self) -> Value {
        let text = self.ok();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        serde_json::from_str(text).unwrap()
    }

    /// The same, of something that shows no secret.
    pub(crate) fn public_object(&self) -> Value {
        self.keeps(CANARY);
        self.object()
    }

    /// It failed: the one error object on stdout, whose kind and message are also the one line on
    /// stderr.
    pub(crate) fn error(&self) -> Failure {
        let (object, failure) = self.object_with_error();
        assert_eq!(keys(&object), ["error"].into());
        failure
    }

    /// It failed: the one object on stdout has the error beside what was found.
    pub(crate) fn object_with_error(&self) -> (Value, Failure) {
        self.keeps(CANARY);
        assert_eq!(self.stdout.matches('\n').count(), 1, "{}", self.stdout);
        let object: Value = serde_json::from_str(&self.stdout).unwrap();
        let failure = Failure { status: self.status, error: object["error"].clone() };
        failure.is_well_formed();
        self.reports(&failure);
        (object, failure)
    }

    /// Asserts that standard error is exactly one line for a person.
    pub(crate) fn reports(&self, failure: &Failure) {
        assert_eq!(self.stderr.matches('\n').count(), 1, "{}", self.stderr);
        let line = format!("s3cred: {}: {}", failure.text("kind"), failure.text("message"));
        assert!(self.stderr.starts_with(&line), "{}", self.stderr);
        assert!(self.stderr.contains(failure.text("help")), "{}", self.stderr);
        assert_eq!(self.status, failure.status);
    }

    pub(crate) fn keeps(&self, secret: &str) {
        assert!(!self.stdout.contains(secret), "on stdout: {}", self.stdout);
        assert!(!self.stderr.contains(secret), "on stderr: {}", self.stderr);
    }
}

/// An error object, and the exit status that came with it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: i32,
    pub(crate) error: Value,
}

impl Failure {
    fn is_well_formed(&self) {
        let mut names = keys(&self.error);
        names.remove("regionAttempts");
        assert_eq!(names, ["kind", "code", "retryable", "message", "help", "attempts"].into());
        assert!(self.error["retryable"].is_boolean());
        assert!(
            ["kind", "code", "message", "help"].iter().all(|name| !self.text(name).contains('\n'))
        );
        for attempt in self.error["attempts"].as_array().unwrap() {
            is_attempt(attempt, "source");
        }
        for attempt in
            self.error.get("regionAttempts").and_then(Value::as_array).into_iter().flatten()
        {
            is_attempt(attempt, "resolver");
        }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.error[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.error))
    }

    #[track_caller]
    pub(crate) fn is(&self, kind: &str, code: &str, status: i32) -> &Self {
        assert_eq!(
            (self.text("kind"), self.text("code"), self.status),
            (kind, code, status),
            "{self:?}"
        );
        let is_retryable = ["UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"];
        assert_eq!(self.error["retryable"], is_retryable.contains(&code), "{self:?}");
        self
    }

    /// The message has this in it.
    #[track_caller]
    pub(crate) fn says(&self, part: &str) -> &Self {
        assert!(self.text("message").contains(part), "{part:?} is not in {self:?}");
        self
    }

    /// The help has this in it.
    #[track_caller]
    pub(crate) fn helps(&self, part: &str) -> &Self {
        assert!(self.text("help").contains(part), "{part:?} is not in {self:?}");
        self
    }

    /// Without what no two runs have in common.
    pub(crate) fn timeless(&self) -> Value {
        let mut error = self.error.clone();
        for attempts in ["attempts", "regionAttempts"] {
            for attempt in
                error.get_mut(attempts).and_then(Value::as_array_mut).into_iter().flatten()
            {
                attempt.as_object_mut().unwrap().remove("durationMs");
            }
        }
        error
    }
}

/// `{source|resolver, outcome, reason, durationMs}`.
pub(crate) fn is_attempt(attempt: &Value, plugin: &str) {
    assert_eq!(keys(attempt), [plugin, "outcome", "reason", "durationMs"].into());
    assert!(attempt[plugin].is_string());
    let outcome = attempt["outcome"].as_str().unwrap();
    let has_reason = match outcome {
        "provided" | "not-tried" => false,
        "not-applicable" | "failed" => true,
        _ => panic!("an unknown outcome: {attempt}"),
    };
    assert_eq!(attempt["reason"].is_string(), has_reason, "{attempt}");
    assert!(attempt["durationMs"].as_f64().unwrap() >= 0.0);
}

pub(crate) fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}
