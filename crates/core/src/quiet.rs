//! Other libraries' logs of what is secret.

use std::future::Future;

use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

/// Runs a call of a library whose logs may show what it was answered: none of its words get out, at
/// no level.
///
/// The AWS SDK logs answers with their bodies at trace level, kube the whole of one that it cannot
/// read as a warning; both may hold keys and tokens. What is worth a log is for the caller to say,
/// of the result. A task that the call starts logs as ever.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let answer = s3_credential_core::quietly(async {
///     tracing::warn!("cannot read the answer <SecretAccessKey>wJalrXUtnFEMI</SecretAccessKey>");
///     42
/// });
/// assert_eq!(answer.await, 42);
/// # });
/// ```
pub fn quietly<F: Future>(call: F) -> impl Future<Output = F::Output> {
    call.with_subscriber(NoSubscriber::default())
}
