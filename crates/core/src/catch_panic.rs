//! A panic of a plug-in is an error of the call that it happened in.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::error::{ErrorKind, Failure};

/// Runs a future of a plug-in, and turns its panic into an error.
///
/// The message of the panic is left out, since it may hold a secret.
///
/// # Errors
/// `internal` if the future panics.
pub async fn catch_panic<T, E: From<Failure>>(
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut future = pin!(future);
    // A future that has panicked is not polled again, so no half-done state of it is seen.
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
            .unwrap_or_else(|_| Poll::Ready(Err(panicked().into())))
    })
    .await
}

fn panicked() -> Failure {
    Failure::new(ErrorKind::Internal, "the plug-in panicked")
        .with_help("report it to the author of the plug-in, with what the driver printed on stderr")
}
