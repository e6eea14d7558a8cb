//! All that was shown of a run.

use std::collections::{BTreeSet, HashMap};
use std::fmt::{Debug, Display};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use s3_credential_core::Attempt;
use s3_credential_provider::ProvideError;
use s3_credential_testkit::log::CapturedLog;

/// Captures every event of this thread, of every crate and at every level, until it is dropped.
pub(crate) struct Record {
    log: CapturedLog,
    shown: Vec<String>,
}

impl Record {
    pub(crate) fn start() -> Self {
        Self { log: CapturedLog::start(), shown: Vec::new() }
    }

    pub(crate) fn show(&mut self, value: &impl Debug) {
        self.shown.extend([format!("{value:?}"), format!("{value:#?}")]);
    }

    pub(crate) fn say(&mut self, value: &impl Display) {
        self.shown.push(value.to_string());
    }

    pub(crate) fn show_error(&mut self, error: &ProvideError) {
        self.show(error);
        self.say(error);
        self.say(&error.failure);
        self.shown.extend([error.failure.message().to_owned(), error.help().to_owned()]);
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            self.shown.extend([error.to_string(), format!("{error:?}")]);
            cause = error.source();
        }
        self.attempts(&error.attempts);
        self.attempts(&error.region_attempts);
    }

    pub(crate) fn attempts(&mut self, attempts: &[Attempt]) {
        self.say(&Attempt::reasons(attempts));
    }

    /// The contents of every file of this directory.
    pub(crate) fn files(&mut self, directory: &Path) {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            self.shown.push(path.display().to_string());
            if path.is_file() {
                let bytes = fs::read(&path).unwrap();
                self.shown.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }

    pub(crate) fn shown(&self) -> impl Iterator<Item = &str> {
        self.shown.iter().map(String::as_str)
    }

    /// Returns what was logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Whatever way a secret is written, it is nowhere.
    pub(crate) fn assert_silent(&self, secrets: impl IntoIterator<Item = String>) {
        let spellings = Spellings::of(secrets);
        for text in self.shown.iter().chain([&self.log()]) {
            if let Some((spelling, at)) = spellings.find(text) {
                let line = text[..at].lines().count().saturating_sub(1);
                let line = text.lines().nth(line).unwrap_or(text);
                panic!("a secret is shown as {spelling}: {line}");
            }
        }
    }
}

/// All that is searched for, by how it begins: there are hundreds of secrets, and megabytes of
/// logs.
struct Spellings(HashMap<[u8; BEGINNING], Vec<String>>);

/// The number of bytes of a spelling that are looked up.
const BEGINNING: usize = 8;

/// In bytes; shorter ones could be found by chance.
const SHORTEST_SECRET: usize = 16;

impl Spellings {
    fn of(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut by_beginning = HashMap::<_, Vec<String>>::new();
        for secret in secrets.into_iter().collect::<BTreeSet<_>>() {
            assert!(secret.len() >= SHORTEST_SECRET, "too short to be searched for: {secret}");
            for spelling in spellings(&secret) {
                let beginning = spelling.as_bytes()[..BEGINNING].try_into().unwrap();
                by_beginning.entry(beginning).or_default().push(spelling);
            }
        }
        assert!(!by_beginning.is_empty());
        Self(by_beginning)
    }

    /// A spelling that is in the text, and where.
    fn find(&self, text: &str) -> Option<(&str, usize)> {
        text.as_bytes().windows(BEGINNING).enumerate().find_map(|(at, beginning)| {
            let spellings = self.0.get(beginning)?.iter().map(String::as_str);
            let mut found = spellings.filter(|spelling| text[at..].starts_with(spelling));
            Some((found.next()?, at))
        })
    }
}

/// Returns the secret as plain text, as part of a longer text in base64, and percent-encoded.
fn spellings(secret: &str) -> Vec<String> {
    let encode = |skipped: usize| {
        let text = BASE64_STANDARD.encode(format!("{}{secret}", "x".repeat(skipped)));
        // The letters at either end depend on what is beside the secret.
        let inner = &text[4 * usize::from(skipped > 0)..];
        inner[..inner.len() - 4].to_owned()
    };
    let percent: String = secret
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    vec![secret.to_owned(), percent, encode(0), encode(1), encode(2)]
}

/// Every secret in every spelling, wherever it begins, and in the log as well.
#[test]
fn a_secret_is_found_in_every_spelling() {
    const SECRET: &str = "canary/12345678+abcdef";
    let finds = |record: &Record| {
        let search = AssertUnwindSafe(|| record.assert_silent([SECRET.to_owned()]));
        catch_unwind(search).is_err()
    };
    let mut texts = vec![format!("a {SECRET} b"), "a%2Fcanary%2F12345678%2Babcdef".to_owned()];
    texts.extend((0..4).map(|skipped| {
        BASE64_STANDARD.encode(format!("{}{SECRET} and more", "\u{e9}".repeat(skipped)))
    }));
    for text in texts {
        let mut record = Record::start();
        assert!(!finds(&record));
        record.say(&text);
        assert!(finds(&record), "{text}");
    }
    let record = Record::start();
    tracing::trace!(value = SECRET);
    assert!(finds(&record));
}
