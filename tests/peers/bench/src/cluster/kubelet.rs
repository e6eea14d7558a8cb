//! The kubelet's retries of a volume that it cannot publish.

use std::time::Duration;

/// Pauses after a failure, each twice the one before (kubernetes,
/// pkg/util/goroutinemap/exponentialbackoff).
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(122);

/// How long it waits for an answer of the driver (kubernetes, pkg/volume/csi, csiTimeout).
const PATIENCE: Duration = Duration::from_secs(120);

/// Nodes that start together do so within this time.
const SPREAD: Duration = Duration::from_secs(1);

/// Publishes a volume until it is.
pub(super) async fn publish<F: Future<Output = bool>>(attempt: impl Fn() -> F) {
    tokio::time::sleep(SPREAD.mul_f64(fastrand::f64())).await;
    let mut pause = FIRST_PAUSE;
    while !tokio::time::timeout(PATIENCE, attempt()).await.unwrap_or(false) {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
