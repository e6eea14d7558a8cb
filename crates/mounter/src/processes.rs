//! All processes of this mounter.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::message::{Message, ProcessEntry, Reply};
use crate::output::Output;
use crate::process::{self, Started};

/// How long a process may take to end by itself once its file system is unmounted, and after
/// SIGTERM.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// A thread that reads a pipe needs little.
const STACK: usize = 128 << 10;

/// The longest line that is kept in memory, in bytes.
const MAX_LINE: u64 = 16 << 10;

/// What follows the end of a process, with the mount's name.
pub(crate) type AtEnd = Box<dyn FnOnce(&str) + Send>;

/// The processes, by their mount.
#[derive(Debug, Clone)]
pub(crate) struct Processes(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    program: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    mounts: BTreeMap<String, Process>,
    is_draining: bool,
    /// Messages that have no answer yet.
    unanswered: usize,
}

/// A message that has no answer yet: a mounter that drains does not end before.
#[derive(Debug)]
pub(crate) struct Unanswered(Processes);

#[derive(Debug, Default)]
struct Process {
    pid: Option<u32>,
    is_ready: bool,
    status: Option<String>,
    output: Output,
}

impl Processes {
    pub(crate) fn new(program: PathBuf) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Shared { program, state, changed }))
    }

    /// Counts a message until its answer is sent.
    pub(crate) fn begin_answer(&self) -> Unanswered {
        self.state().unanswered += 1;
        Unanswered(self.clone())
    }

    /// Starts a mount's process, and returns when it is ready or has ended. `at_end` is called when
    /// a process that was ready has ended; a process without it is listed until it is stopped.
    pub(crate) fn mount(
        &self,
        id: &str,
        message: &Message,
        device: OwnedFd,
        user: Option<u32>,
        at_end: Option<AtEnd>,
    ) -> Reply {
        let id = id.to_owned();
        let is_forgotten_at_end = at_end.is_some();
        {
            let mut state = self.state();
            if state.is_draining {
                return Reply::Draining;
            }
            if state.mounts.get(&id).is_some_and(|process| process.status.is_none()) {
                return Reply::Refused {
                    reason: "a process of this mount runs already".to_owned(),
                };
            }
            let output = Output::new(&message.env);
            state.mounts.insert(id.clone(), Process { output, ..Process::default() });
        }
        let started = process::start(&self.0.program, message, device, user);
        let result = started.and_then(|started| self.watch(&id, started, at_end));
        if let Err(error) = result {
            self.state().mounts.remove(&id);
            self.0.changed.notify_all();
            let stderr = format!("cannot start {}: {error}\n", self.0.program.display());
            return Reply::Failed { status: "not started".to_owned(), stderr };
        }
        let state = self.state();
        let waiting = |state: &mut State| {
            let process = state.mounts.get(&id);
            process.is_some_and(|process| !process.is_ready && process.status.is_none())
        };
        let mut state =
            self.0.changed.wait_while(state, waiting).unwrap_or_else(PoisonError::into_inner);
        match state.mounts.get(&id) {
            Some(Process { status: Some(status), output, is_ready: false, .. }) => {
                let reply = Reply::Failed { status: status.clone(), stderr: output.text() };
                state.mounts.remove(&id);
                reply
            }
            Some(_) => Reply::Ready,
            // It was ready, and has ended since.
            None if is_forgotten_at_end => Reply::Ready,
            None => Reply::Refused { reason: "the mount was stopped".to_owned() },
        }
    }

    /// Reads the output of a process in a thread of its own, which reaps it.
    fn watch(&self, id: &str, started: Started, at_end: Option<AtEnd>) -> io::Result<()> {
        let Started { mut child, output } = started;
        let pid = child.id();
        if let Some(process) = self.state().mounts.get_mut(id) {
            process.pid = Some(pid);
        }
        let (processes, id) = (self.clone(), id.to_owned());
        let reading = thread::Builder::new().stack_size(STACK).spawn(move || {
            processes.read(&id, output);
            let was_ready = processes.ended(&id, child.wait());
            if let Some(at_end) = at_end.filter(|_| was_ready) {
                processes.state().mounts.remove(&id);
                at_end(&id);
            }
        });
        if let (Err(_), Some(pid)) = (&reading, pid_of(pid)) {
            // No thread would see its end, and a process that runs on would hold the file system.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        reading.map(drop)
    }

    fn read(&self, id: &str, output: io::PipeReader) {
        let mut reader = BufReader::with_capacity(1 << 10, output);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = io::Read::take(&mut reader, MAX_LINE).read_until(b'\n', &mut line);
            if !matches!(read, Ok(len) if len > 0) {
                return;
            }
            let text = String::from_utf8_lossy(&line);
            let mut state = self.state();
            let Some(process) = state.mounts.get_mut(id) else { continue };
            let text = process.output.clean(text.trim_end());
            tracing::info!(mount = id, "mountpoint: {text}");
            if process.output.push(text) {
                process.is_ready = true;
                self.0.changed.notify_all();
            }
        }
    }

    /// Returns whether the process was ready before.
    fn ended(&self, id: &str, status: io::Result<ExitStatus>) -> bool {
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        tracing::info!(mount = id, status, "a Mountpoint process has ended");
        let mut was_ready = false;
        if let Some(process) = self.state().mounts.get_mut(id) {
            process.pid = None;
            process.status = Some(status);
            was_ready = process.is_ready;
        }
        self.0.changed.notify_all();
        was_ready
    }

    /// Stops a mount's process: it ends by itself once its file system is unmounted, else by
    /// signals.
    pub(crate) fn stop(&self, id: &str) {
        for signal in [None, Some(Signal::TERM), Some(Signal::KILL)] {
            let pid = self.state().mounts.get(id).and_then(|process| process.pid);
            if let (Some(signal), Some(pid)) = (signal, pid.and_then(pid_of)) {
                // One that has ended meanwhile is fine.
                let _ = kill_process_group(pid, signal);
            }
            let running = |state: &mut State| {
                state.mounts.get(id).is_some_and(|process| process.status.is_none())
            };
            let state = self.state();
            let waited = self.0.changed.wait_timeout_while(state, EXIT_TIMEOUT, running);
            let waited = waited.unwrap_or_else(PoisonError::into_inner);
            if !waited.1.timed_out() {
                break;
            }
        }
        self.state().mounts.remove(id);
        self.0.changed.notify_all();
    }

    /// Returns all processes, and those that have ended by themselves until they are stopped.
    pub(crate) fn list(&self) -> Vec<ProcessEntry> {
        let state = self.state();
        let entry = |(id, process): (&String, &Process)| ProcessEntry {
            volume_id: id.clone(),
            pid: process.pid,
            last_lines: process.output.text(),
        };
        state.mounts.iter().map(entry).collect()
    }

    /// Takes no new mount from now on, and waits until no process is left and every message is
    /// answered.
    pub(crate) fn drain(&self) {
        let running = |state: &mut State| {
            state.unanswered > 0 || state.mounts.values().any(|process| process.status.is_none())
        };
        let mut state = self.state();
        state.is_draining = true;
        drop(self.0.changed.wait_while(state, running).unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.state().is_draining
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.state().unanswered -= 1;
        self.0.0.changed.notify_all();
    }
}

fn pid_of(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}
