//! One budget of memory for all Mountpoint processes of a node.

use tonic::Code;

use crate::error::CallError;

/// The least that a Mountpoint process works with, in MiB.
const MINIMUM: u64 = 512;

/// The memory that all mounts share, in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryBudget(pub u64);

impl MemoryBudget {
    /// Returns the share of one more mount: half of what the live ones leave, so that later ones
    /// find some too.
    ///
    /// A running process keeps its share, and gives it back when it ends.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED if less than Mountpoint's minimum is left.
    pub fn share(self, live: impl IntoIterator<Item = u64>) -> Result<u64, CallError> {
        let left = self.0.saturating_sub(live.into_iter().sum());
        if left < MINIMUM {
            return Err(CallError::new(
                Code::ResourceExhausted,
                format!(
                    "the memory budget of the node's mounts is used up: {left} MiB of {} MiB are left and {MINIMUM} MiB are needed; raise `node.memoryBudget`, or lower the number of volumes of the node",
                    self.0
                ),
            ));
        }
        Ok((left / 2).max(MINIMUM))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a failed expectation stops the test")]

    use super::*;

    #[test]
    fn shares_shrink_to_the_minimum_and_never_exceed_the_budget() {
        let budget = MemoryBudget(4_096);
        let mut live = Vec::new();
        while let Ok(share) = budget.share(live.iter().copied()) {
            live.push(share);
        }
        assert_eq!(live, [2_048, 1_024, 512, 512]);
        assert_eq!(live.iter().sum::<u64>(), 4_096);
        assert_eq!(budget.share(live).unwrap_err().code, Code::ResourceExhausted);
    }
}
