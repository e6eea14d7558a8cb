//! Configuration files.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use s3_credential_core::Failure;
use s3_credential_fuzz::assert_clean;
use s3_credential_provider::{Config, ConfigReport, Registry};

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::default);

fuzz_target!(|text: &str| {
    match Config::parse(&REGISTRY, "chains.yaml", text) {
        Ok(config) => {
            assert!(config.report().is_valid());
            check(config.report(), text);
        }
        Err(report) => {
            assert!(!report.is_valid());
            check(&report, text);
            assert_clean(&Failure::from(report));
        }
    }
});

/// Every problem is at a place in the file, and can be shown there.
fn check(report: &ConfigReport, text: &str) {
    // Every break of YAML's.
    let lines = 1 + text.matches(['\n', '\r']).count();
    for problem in report.problems() {
        assert!((1..=lines + 1).contains(&problem.line) && problem.column >= 1, "{problem:?}");
        assert!(!problem.message.is_empty());
    }
    assert!(report.to_string().len() <= 1000 + report.problems().len() * (4096 + 4 * text.len()));
}
