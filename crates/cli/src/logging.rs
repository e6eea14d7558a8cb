//! Logs: on stderr, only where RUST_LOG asks, and only our own.

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

use crate::text::wants_colour;

/// To be called once.
pub(crate) fn init() {
    if let Ok(filter) = EnvFilter::try_from_default_env() {
        let ansi = wants_colour(&std::io::stderr());
        subscriber(filter, std::io::stderr, ansi).init();
    }
}

fn subscriber<W>(filter: EnvFilter, writer: W, ansi: bool) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(ansi);
    tracing_subscriber::registry().with(filter).with(lines.with_filter(filter_fn(is_ours)))
}

/// Other crates' logs are left out at every level, whatever RUST_LOG asks for: the AWS SDK prints a
/// malformed answer of STS, keys included.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    let name = metadata.target().split("::").next().unwrap_or_default();
    name == "s3cred" || name.starts_with("s3_credential_")
}

#[cfg(test)]
mod tests {
    use s3_credential_testkit::log::LogBuffer;

    use super::*;

    #[test]
    fn only_our_own_crates_are_heard_whatever_is_asked_for() {
        for directives in ["trace", "aws_smithy_runtime=trace,s3_credential_sts=trace,s3cred=trace"]
        {
            let log = LogBuffer::default();
            let writer = log.clone();
            let heard = subscriber(EnvFilter::new(directives), move || writer.clone(), false);
            tracing::subscriber::with_default(heard, || {
                macro_rules! say {
                    ($($level:ident)*) => { $(
                        tracing::event!(target: "aws_smithy_runtime::client", tracing::Level::$level, "theirs");
                        tracing::event!(target: "kube_client::client", tracing::Level::$level, "theirs");
                        tracing::event!(target: "s3_credentials_of_another", tracing::Level::$level, "theirs");
                        tracing::event!(target: "s3credulous", tracing::Level::$level, "theirs");
                        tracing::event!(target: "s3_credential_sts::retry", tracing::Level::$level, "ours");
                        tracing::event!(target: "s3cred", tracing::Level::$level, "ours");
                    )* };
                }
                // What a span of theirs holds would be printed before an event of ours.
                let span =
                    tracing::error_span!(target: "aws_smithy_runtime", "theirs", key = "theirs");
                span.in_scope(|| {
                    say!(ERROR WARN INFO DEBUG TRACE);
                });
            });
            let log = log.text();
            assert_eq!(log.matches("ours").count(), 10, "{log}");
            assert!(!log.contains("theirs"), "{log}");
        }
    }
}
