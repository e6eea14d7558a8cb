//! Files that are wrong, each with its expected report.
//!
//! `corpus/*/NAME.yaml` is a file and `NAME.txt` its report: exactly what
//! `s3cred config check NAME.yaml` prints there, which is how a new one is made. In `schema` are
//! those that the printed schema refuses as well; in `meaning` those that no schema can; `text` has
//! what another validator would not get to see; `warnings` what is accepted, with a word about it.

use std::fs;
use std::path::Path;

use s3_credential_provider::{Config, ConfigReport, ConfigSeverity, ErrorKind, Failure, Registry};

use crate::config::schema::{Validator, parse};

struct Case {
    name: String,
    text: String,
    expected: String,
}

impl Case {
    fn report(&self) -> (bool, ConfigReport) {
        match Config::parse(&Registry::default(), &self.name, &self.text) {
            Ok(config) => (true, config.report().clone()),
            Err(report) => (false, report),
        }
    }
}

fn cases(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/config/corpus").join(folder);
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let cases: Vec<Case> = files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "yaml"))
        .map(|file| Case {
            name: file.file_name().unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(file).unwrap(),
            expected: fs::read_to_string(file.with_extension("txt")).unwrap(),
        })
        .collect();
    assert_eq!(2 * cases.len(), files.len(), "each file has its report");
    cases
}

fn is_reported_as_written(folder: &str, is_valid: bool) {
    for case in cases(folder) {
        let (valid, report) = case.report();
        assert_eq!(valid, is_valid, "{folder}/{}", case.name);
        assert_eq!(report.to_string(), case.expected, "{folder}/{}", case.name);
    }
}

#[test]
fn broken_files_are_refused_with_line_column_and_what_to_do() {
    for folder in ["schema", "meaning", "text"] {
        is_reported_as_written(folder, false);
    }
}

#[test]
fn what_is_only_questionable_is_accepted_with_a_warning() {
    is_reported_as_written("warnings", true);
}

#[test]
fn another_validator_refuses_only_what_types_can_express() {
    let validator = Validator::new();
    for case in cases("schema") {
        assert!(!validator.accepts(&case.text), "schema/{} is accepted", case.name);
    }
    for folder in ["meaning", "warnings"] {
        for case in cases(folder) {
            assert!(validator.accepts(&case.text), "{folder}/{} is refused", case.name);
        }
    }
}

#[test]
fn every_problem_is_at_a_place_of_the_file() {
    for case in ["schema", "meaning", "text", "warnings"].into_iter().flat_map(cases) {
        let (_, report) = case.report();
        assert!(!report.problems().is_empty(), "{}", case.name);
        let lines: Vec<&str> = case.text.lines().collect();
        for problem in report.problems() {
            let line = lines[problem.line - 1];
            assert!(
                (1..=line.chars().count()).contains(&problem.column),
                "{}: {problem:?}",
                case.name
            );
        }
    }
}

#[test]
fn a_line_ends_where_yaml_says_and_no_other_lines_values_are_shown() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["a: 1", "roleArn: secret-one", "scope: volumes", "b: secret-two", ""].join(end);
        let report = Config::parse(&Registry::default(), "chains.yaml", &text).unwrap_err();
        let scope = report.problems().iter().find(|problem| problem.path == "scope").unwrap();
        assert_eq!(scope.line, 3, "{end:?}");
        let shown = report.to_string();
        assert!(shown.contains(" 3 | scope: volumes") && !shown.contains("secret"), "{shown}");
    }
}

#[test]
fn names_of_keys_stay_on_one_line_and_short() {
    let text = format!("\"a\\n\\tb\\e[2J\": 1\n\"{}\": 1\n", "long".repeat(200));
    let report = Config::parse(&Registry::default(), "chains.yaml", &text).unwrap_err();
    assert_eq!(report.problems().len(), 2);
    for problem in report.problems() {
        for text in [&problem.message, &problem.path] {
            assert!(text.len() < 500 && !text.contains(char::is_control), "{text:?}");
        }
    }
    let message = Failure::from(report).message().to_owned();
    assert!(!message.contains(char::is_control) && message.contains(r"a\n\tb"), "{message}");
}

#[test]
fn a_broken_file_is_one_failure_with_its_first_error_and_how_many_more_there_are() {
    let text = "chains: {driver: [isra]}\nscope: volumes\noperationTimeout: 1\n";
    let report = Config::parse(&Registry::default(), "c.yaml", text).unwrap_err();
    let failure = Failure::from(report);
    assert_eq!(failure.kind(), ErrorKind::InvalidConfiguration);
    assert_eq!(
        failure.message(),
        "c.yaml:1:19: chains.driver[0]: there is no source `isra` (and 2 more problems)"
    );
    assert!(failure.help().starts_with("did you mean `irsa`?"), "{}", failure.help());
}

#[test]
fn what_a_chain_goes_on_past_is_a_warning_and_no_error() {
    let text = "chains: {driver: [{name: irsa, onFailure: continue}, imds]}";
    let config = Config::parse(&Registry::default(), "c.yaml", text).unwrap();
    let severities: Vec<_> = config.report().problems().iter().map(|it| it.severity).collect();
    assert_eq!(severities, [ConfigSeverity::Warning]);
}

#[test]
fn former_names_of_keys_are_read_with_a_warning() {
    let former = "deadline: 20s
rotation: {firstRetry: 2s, cache: {lastBackoff: 12m}}
sources:
  irsa: {poll: 20s}
  team-a: {type: secret-watch, name: keys, namespace: team-a, apiTimeout: 2s}
chains: {driver: [irsa, team-a]}
services: {sts: {budget: 3s}}
";
    let config = parse("c.yaml", former).unwrap();
    let settings = config.settings();
    assert_eq!(settings.operation_timeout.as_secs(), 20);
    assert_eq!(settings.rotation.initial_backoff.as_secs(), 2);
    assert_eq!(settings.rotation.cache.max_backoff.as_secs(), 720);
    let warnings: Vec<String> = config
        .report()
        .problems()
        .iter()
        .map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.message))
        .collect();
    assert_eq!(
        warnings,
        [
            "1:1 `deadline` is the former name of `operationTimeout`",
            "2:12 `firstRetry` is the former name of `initialBackoff`",
            "2:36 `lastBackoff` is the former name of `maxBackoff`",
            "4:10 `poll` is the former name of `pollInterval`",
            "5:63 `apiTimeout` is the former name of `operationTimeout`",
            "7:18 `budget` is the former name of `operationTimeout`",
        ]
    );

    // A key that is set under both names is set twice.
    let report = parse("c.yaml", "deadline: 20s\noperationTimeout: 30s\n").unwrap_err();
    assert!(report.contains("there is no key `deadline` here"), "{report}");
}
