//! The system calls that change a directory, or create a file in it.
//!
//! With the feature `step-kills`, a test kills its process before any of them.

#[cfg(not(feature = "step-kills"))]
pub(crate) use rustix::fs::{mkdirat, openat, renameat, renameat_with, unlinkat};

#[cfg(feature = "step-kills")]
pub(crate) use counted::{mkdirat, openat, renameat, renameat_with, unlinkat};

#[cfg(feature = "step-kills")]
pub use counted::kill_at;

#[cfg(feature = "step-kills")]
mod counted {
    use std::os::fd::{AsFd, OwnedFd};
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
    use rustix::io::Result;
    use rustix::path::Arg;
    use rustix::process::{Signal, getpid, kill_process};

    const NEVER: u64 = u64::MAX;

    /// How many steps are left before the kill, its own included.
    static LEFT: AtomicU64 = AtomicU64::new(NEVER);

    /// Kills this process (SIGKILL) before its step of this number from now on, counted from 1.
    pub fn kill_at(step: u64) {
        LEFT.store(step, Ordering::Relaxed);
    }

    fn step() {
        let count = |left: u64| (left != NEVER).then(|| left.saturating_sub(1));
        if LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count) == Ok(1) {
            // A kill of the own process cannot fail.
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }

    pub(crate) fn mkdirat<P: Arg, D: AsFd>(directory: D, path: P, mode: Mode) -> Result<()> {
        step();
        rustix::fs::mkdirat(directory, path, mode)
    }

    pub(crate) fn openat<P: Arg, D: AsFd>(
        directory: D,
        path: P,
        flags: OFlags,
        mode: Mode,
    ) -> Result<OwnedFd> {
        step();
        rustix::fs::openat(directory, path, flags, mode)
    }

    pub(crate) fn renameat<P: Arg, Q: Arg, D: AsFd, E: AsFd>(
        from: D,
        old: P,
        to: E,
        new: Q,
    ) -> Result<()> {
        step();
        rustix::fs::renameat(from, old, to, new)
    }

    pub(crate) fn renameat_with<P: Arg, Q: Arg, D: AsFd, E: AsFd>(
        from: D,
        old: P,
        to: E,
        new: Q,
        flags: RenameFlags,
    ) -> Result<()> {
        step();
        rustix::fs::renameat_with(from, old, to, new, flags)
    }

    pub(crate) fn unlinkat<P: Arg, D: AsFd>(directory: D, path: P, flags: AtFlags) -> Result<()> {
        step();
        rustix::fs::unlinkat(directory, path, flags)
    }
}
