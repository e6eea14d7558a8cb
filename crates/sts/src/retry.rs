//! A few attempts within a budget, told apart by what the first ones came to.

use std::future::Future;
use std::time::Duration;

use s3_credential_core::Failure;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use crate::refusal::{Again, Refusal};
use crate::settings::StsSettings;

/// How much longer the pauses are where STS limits the rate.
const THROTTLED: u32 = 5;

/// Calls until an answer is final, the attempts are used up, or the next one would begin beyond the budget.
///
/// It ends with what the last attempt was told, never with a mere "out of time" while an answer is known.
pub(crate) async fn attempts<T, F>(
    settings: &StsSettings,
    call: impl Fn() -> F,
    timed_out: impl Fn() -> Refusal,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Refusal>>,
{
    let deadline = Instant::now() + settings.budget;
    let mut attempt = 1;
    let mut told = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let refusal = match timeout(left.min(settings.attempt_timeout), call()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(refusal)) => refusal,
            // Cut short by the budget, which says nothing about STS.
            Err(_) if left < settings.attempt_timeout => {
                return Err(told.unwrap_or_else(|| timed_out().failure));
            }
            Err(_) => timed_out(),
        };
        debug!(attempt, problem = refusal.failure.message(), "no keys from STS");
        let pause = match refusal.again {
            Again::Never => return Err(refusal.failure),
            Again::Soon => pause(settings.backoff, attempt),
            Again::Later => pause(settings.backoff * THROTTLED, attempt),
        };
        if attempt >= settings.max_attempts || Instant::now() + pause >= deadline {
            return Err(refusal.failure);
        }
        told = Some(refusal.failure);
        sleep(pause).await;
        attempt += 1;
    }
}

/// "Full jitter": anything up to a bound that doubles, so that callers who failed together do not come back together.
fn pause(first: Duration, attempt: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(attempt - 1)).mul_f64(fastrand::f64())
}
