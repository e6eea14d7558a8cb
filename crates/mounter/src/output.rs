//! What a Mountpoint process prints: whether it is ready, and its last lines.

use std::collections::VecDeque;

/// How much is kept, in bytes.
const KEPT: usize = 4 << 10;

/// What Mountpoint prints in the foreground once its file system is ready.
const READY: &str = "is mounted at";

/// The end of a process's output.
#[derive(Debug, Default)]
pub(crate) struct Output {
    lines: VecDeque<String>,
    len: usize,
}

impl Output {
    /// Takes a line, and returns whether it says that the file system is ready.
    pub(crate) fn push(&mut self, line: &str) -> bool {
        let line: String = line.chars().filter(|c| !c.is_control()).take(KEPT).collect();
        let is_ready = line.contains(READY);
        self.len += line.len();
        self.lines.push_back(line);
        while self.len > KEPT && self.lines.len() > 1 {
            self.len -= self.lines.pop_front().map_or(0, |line| line.len());
        }
        is_ready
    }

    /// Returns the last lines.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_seen_and_the_end_is_kept() {
        let mut output = Output::default();
        assert!(!output.push("starting"));
        assert!(output.push("bucket b is mounted at /dev/fd/3"));
        for number in 0..1_000 {
            output.push(&format!("line {number}"));
        }
        assert!(output.text().ends_with("line 999\n"));
        assert!(output.text().len() <= KEPT + 1_000);
    }
}
