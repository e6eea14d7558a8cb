//! `s3cred config`

use std::path::Path;
use std::process::ExitCode;

use s3_credential_core::Failure;
use s3_credential_provider::{Config, ConfigProblem, ConfigReport, ProvideError, Registry};
use serde::Serialize;

use crate::arguments::{ConfigCheckArguments, ConfigCommand, Format, ReportFormat};
use crate::error::{exit_status, report, report_line};
use crate::output::{self, ErrorObject};
use crate::setup;

/// What `config check --output json` prints.
#[derive(Serialize)]
struct CheckObject<'a> {
    valid: bool,
    problems: &'a [ConfigProblem],
    #[serde(flatten)]
    error: Option<ErrorObject<'a>>,
}

pub(crate) fn run(command: &ConfigCommand, registry: &Registry) -> ExitCode {
    match command {
        ConfigCommand::Check(arguments) => check(arguments, registry),
        ConfigCommand::Schema => {
            output::print_text(&format!("{:#}\n", Config::schema(registry)));
            ExitCode::SUCCESS
        }
        ConfigCommand::Default => {
            output::print_text(Config::DEFAULT_YAML);
            ExitCode::SUCCESS
        }
    }
}

/// Every problem goes to stdout; stderr has its one line, as for every command.
fn check(arguments: &ConfigCheckArguments, registry: &Registry) -> ExitCode {
    let name = if arguments.file == Path::new("-") {
        "<stdin>".to_owned()
    } else {
        arguments.file.display().to_string()
    };
    let text = match setup::config_text(&arguments.file) {
        Ok(text) => text,
        Err(failure) => return report(&failure.into(), Format::from(arguments.output)),
    };
    match Config::parse(registry, &name, &text) {
        Ok(config) => {
            print(arguments.output, config.report(), None);
            if arguments.output == ReportFormat::Text && config.report().problems().is_empty() {
                output::print_text(&format!("{name} is valid\n"));
            }
            ExitCode::SUCCESS
        }
        Err(report) => {
            let error = ProvideError::from(Failure::from(report.clone()));
            print(arguments.output, &report, Some(&error));
            report_line(&error);
            ExitCode::from(exit_status(error.code()))
        }
    }
}

fn print(format: ReportFormat, report: &ConfigReport, error: Option<&ProvideError>) {
    match format {
        ReportFormat::Text => output::print_text(&report.to_string()),
        ReportFormat::Json => output::print_json(&CheckObject {
            valid: report.is_valid(),
            problems: report.problems(),
            error: error.map(ErrorObject::new),
        }),
    }
}
