//! The directories that are written to, and the system call that guards them.

use std::path::Path;
use std::time::Duration;

use s3_credential_delivery::{DirectoryState, StatePath, WritePath, has_openat2};

use super::check::{Check, CheckStatus, Verdict};
use super::patience::Patience;

/// The bit of a mode that lets other users write.
const WORLD_WRITE: u32 = 0o002;
const WORLD: u32 = 0o007;
const NOT_OWNER: u32 = 0o077;

pub(super) fn look(
    patience: &Patience<'_>,
    write_path: Option<&Path>,
    state_path: &Path,
) -> Vec<Check> {
    let (write, write_took) = match write_path {
        Some(path) => patience.time(|| of_write_path(path)),
        None => (Verdict::skipped("no write path was named (--write-path)"), Duration::ZERO),
    };
    let (state, state_took) = patience.time(|| of_state_path(state_path));
    let (openat2, openat2_took) = patience.time(of_openat2);
    vec![
        write.check("write-path", write_took),
        state.check("state-path", state_took),
        openat2.check("openat2", openat2_took),
    ]
}

fn of_write_path(path: &Path) -> Verdict {
    let state = match WritePath::open(path).and_then(|opened| opened.examine()) {
        Ok(state) => state,
        Err(failure) => return Verdict::of(CheckStatus::Failed, &failure),
    };
    let warning = |reason: &str, help| {
        Verdict::new(CheckStatus::Warning, format!("{}: {reason}", path.display()), help)
    };
    if state.is_full {
        warning("no room is left", "make room on this file system")
    } else if state.mode & WORLD_WRITE != 0 {
        warning(
            &format!("any user of the node may write there (mode {:04o})", state.mode),
            "let only the driver write there, or see that no other user reaches it: an emptyDir is for its pod and the kubelet",
        )
    } else if state.mode & WORLD != 0 {
        warning(
            &format!("any user of the node may look into it (mode {:04o})", state.mode),
            "take read and search permission from others; the volumes' own directories are closed all the same",
        )
    } else if !state.is_in_memory {
        warning(ON_DISK, "use an emptyDir with `medium: Memory`, or another tmpfs")
    } else {
        Verdict::ok(format!("{}: writable, in memory, mode {:04o}", path.display(), state.mode))
    }
}

fn of_state_path(path: &Path) -> Verdict {
    let state = match StatePath::examine(path) {
        Ok(Some(state)) => state,
        Ok(None) => {
            return Verdict::ok(format!("{} is not there yet, and can be made", path.display()));
        }
        Err(failure) => return Verdict::of(CheckStatus::Failed, &failure),
    };
    let DirectoryState { mode, is_in_memory, is_full, .. } = state;
    let warning = |reason: &str, help| {
        Verdict::new(CheckStatus::Warning, format!("{}: {reason}", path.display()), help)
    };
    if is_full {
        warning("no room is left", "make room on this file system")
    } else if mode & NOT_OWNER != 0 {
        warning(&format!("its mode is {mode:04o}"), "set its mode to 0700")
    } else if !is_in_memory {
        warning(
            "it is on a disk, so leases of the delivery `endpoint` do not outlive a restart of the driver",
            "name a directory on tmpfs, under /run",
        )
    } else {
        Verdict::ok(format!("{}: writable, in memory, mode {mode:04o}", path.display()))
    }
}

const ON_DISK: &str = "it is on a disk, where deleted credentials may be found again";

fn of_openat2() -> Verdict {
    if has_openat2() {
        Verdict::ok("the kernel has it")
    } else {
        Verdict::new(
            CheckStatus::Warning,
            "the kernel, or a seccomp filter, does not have it: directories are opened in two steps",
            "use Linux 5.6 or later, and a container runtime whose seccomp profile knows openat2",
        )
    }
}
