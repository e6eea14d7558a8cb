//! How an error reaches the person, the program and the shell.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use s3_credential_core::{Code, ErrorKind, Failure};
use s3_credential_provider::ProvideError;

use crate::arguments::Format;
use crate::output;
use crate::text::printable;

/// The exit status of a gRPC code.
pub(crate) fn exit_status(code: Code) -> u8 {
    match code {
        Code::InvalidArgument => 2,
        Code::FailedPrecondition | Code::NotFound => 3,
        Code::PermissionDenied | Code::Unauthenticated => 4,
        Code::Unavailable | Code::Aborted | Code::ResourceExhausted | Code::DeadlineExceeded => 5,
        _ => 1,
    }
}

pub(crate) fn internal(
    message: &'static str,
    cause: impl Error + Send + Sync + 'static,
) -> ProvideError {
    Failure::new(ErrorKind::Internal, message).with_cause(cause).into()
}

/// One object on stdout where JSON was asked for, and always one line on stderr.
pub(crate) fn report(error: &ProvideError, format: Format) -> ExitCode {
    if format == Format::Json {
        output::print_json(&output::ErrorObject::new(error));
    }
    report_line(error);
    ExitCode::from(exit_status(error.code()))
}

/// What went wrong and what to do, for a person.
pub(crate) fn report_line(error: &ProvideError) {
    report_line_about("", error);
}

/// As [`report_line`], with what it is about before the message.
pub(crate) fn report_line_about(subject: &str, error: &ProvideError) {
    let (kind, message, help) = (error.kind(), error.failure.message(), error.help());
    let line = format!("s3cred: {kind}: {subject}{message} ({help})");
    let _ = writeln!(std::io::stderr(), "{}", printable(&line));
}
