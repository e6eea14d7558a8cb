//! The machine's own clock.

use s3_credential_core::{Clock, SystemClock};
use s3_credential_provider::KernelClock;

use crate::cache::upstream::SECOND;

#[test]
fn the_kernel_clock_has_the_time() {
    let clock = KernelClock;
    let (before, started) = (SystemClock.now(), clock.elapsed());
    let coarse = clock.coarse();
    let (now, elapsed) = (clock.now(), clock.elapsed());
    assert!(coarse.now <= now && coarse.elapsed <= elapsed, "never ahead");
    // Far more than the tick: the machine that runs this may be busy.
    assert!(before.duration_since(coarse.now).as_secs() < 1);
    assert!(started.saturating_sub(coarse.elapsed) < SECOND);
}
