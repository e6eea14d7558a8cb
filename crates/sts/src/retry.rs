//! A few attempts within a budget, which depend on the results of the first ones.

use std::future::Future;
use std::time::Duration;

use s3_credential_core::Failure;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use crate::rate_limiter::{Outcome, RateLimiters};
use crate::refusal::{Again, Asked, Refusal};
use crate::settings::StsSettings;

/// Calls until an answer is final, the attempts are used up, or the next one would begin beyond the
/// budget.
///
/// It ends with the answer to the last attempt, never with a mere "out of time" while an answer is
/// known.
pub(crate) async fn attempts<T, F>(
    settings: &StsSettings,
    limiters: &RateLimiters,
    asked: Asked<'_>,
    call: impl Fn() -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Refusal>>,
{
    let limiter = limiters.limiter(&asked.endpoint.url);
    let patience = Instant::now() + settings.rate_limit_timeout;
    // Waiting for a permit is no attempt, and does not count.
    let mut deadline = Instant::now() + settings.operation_timeout;
    let mut answered = None;
    for attempt in 1..=settings.max_attempts {
        let start = Instant::now();
        let Some(permit) = limiter.acquire(patience).await else {
            return Err(answered.unwrap_or_else(|| asked.throttled().failure));
        };
        deadline += start.elapsed();
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = match timeout(left.min(settings.attempt_timeout), call()).await {
            Ok(answer) => answer,
            // Cut short by the budget, which is no sign of a fault of STS.
            Err(_) if left < settings.attempt_timeout => {
                return Err(answered.unwrap_or_else(|| asked.timed_out().failure));
            }
            Err(_) => Err(asked.timed_out()),
        };
        permit.report(match &answer {
            Ok(_) => Outcome::Granted,
            Err(refusal) => match refusal.again {
                Again::Later => Outcome::Throttled,
                Again::Never => Outcome::Granted,
                Again::Soon => Outcome::NoAnswer,
            },
        });
        let refusal = match answer {
            Ok(answer) => return Ok(answer),
            Err(refusal) => refusal,
        };
        debug!(attempt, problem = refusal.failure.message(), "no keys from STS");
        let pause = match refusal.again {
            Again::Never => return Err(refusal.failure),
            Again::Soon => pause(settings.initial_backoff, attempt),
            // The rate limiter knows.
            Again::Later => Duration::ZERO,
        };
        answered = Some(refusal.failure);
        if attempt == settings.max_attempts || Instant::now() + pause >= deadline {
            break;
        }
        sleep(pause).await;
    }
    Err(answered.unwrap_or_else(|| asked.timed_out().failure))
}

/// "Full jitter": anything up to a bound that doubles, so that callers who failed together do not
/// come back together.
fn pause(first: Duration, attempt: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(attempt - 1)).mul_f64(fastrand::f64())
}
