//! A secret that only this module knows, and the search of the process's own memory for it.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};

use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::{Zeroize as _, Zeroizing};

/// The length of a piece of the secret that counts as a copy: an allocator leaves more of a freed
/// block, whose first bytes it uses itself.
const PIECE: usize = 16;
const LEN: usize = 4 * PIECE;

/// Turns each byte into one that occurs in no text, and back, so that the memory never holds the
/// searched text itself.
const MASK: u8 = 0x80;

/// The number of bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// Serialises searches: one would find what another one has read.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// 64 random letters, kept so that a search does not find them here.
pub(crate) struct Canary {
    masked: [u8; LEN],
}

impl Canary {
    pub(crate) fn new() -> Self {
        let mut masked = [0; LEN];
        SystemRandom::new().fill(&mut masked).unwrap();
        for byte in &mut masked {
            *byte = (b'a' + *byte % 26) ^ MASK;
        }
        Self { masked }
    }

    /// Adds the secret to a text that has the room.
    pub(crate) fn push_to(&self, text: &mut String) {
        assert!(text.capacity() - text.len() >= LEN, "growing would leave a copy behind");
        text.extend(self.masked.iter().map(|byte| char::from(byte ^ MASK)));
    }

    /// A text with the secret in the place of each `$`, which zeroises itself.
    pub(crate) fn planted_in(&self, template: &str) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(template.len() + LEN * template.len()));
        for (index, part) in template.split('$').enumerate() {
            if index > 0 {
                self.push_to(&mut text);
            }
            text.push_str(part);
        }
        text
    }

    /// Returns the places of copies of the secret, or of pieces of it, in this process now.
    pub(crate) fn copies(&self) -> Vec<String> {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = File::open("/proc/self/mem").unwrap();
        let mut chunk = vec![0; CHUNK + LEN];
        let own = chunk.as_ptr_range();
        let own = own.start as usize..own.end as usize;
        let mut copies = Vec::new();
        for (range, name) in mappings() {
            for start in range.clone().step_by(CHUNK) {
                // Pieces may lie across the end of a chunk.
                let end = range.end.min(start + CHUNK + LEN);
                let chunk = &mut chunk[..end - start];
                // Pages of the kernel itself and guard pages cannot be read.
                if memory.read_exact_at(chunk, start as u64).is_ok() {
                    let found = self.find(chunk).into_iter().map(|at| start + at);
                    let elsewhere = found.filter(|at| !own.contains(at));
                    copies.extend(elsewhere.map(|at| format!("{at:#x} in {name}")));
                }
                // Or the next reading would find it once more.
                chunk.zeroize();
            }
        }
        copies.dedup();
        copies
    }

    /// Plain loops: tests are not optimised, and there are some ten megabytes to look at.
    fn find(&self, memory: &[u8]) -> Vec<usize> {
        let is_masked = |memory: &[u8], piece: &[u8]| {
            memory.iter().zip(piece).all(|(byte, masked)| byte ^ MASK == *masked)
        };
        let mut begins = [false; 256];
        self.masked
            .chunks_exact(PIECE)
            .for_each(|piece| begins[usize::from(piece[0] ^ MASK)] = true);
        let mut found = Vec::new();
        let mut at = 0;
        while at + PIECE <= memory.len() {
            if begins[usize::from(memory[at])]
                && self
                    .masked
                    .chunks_exact(PIECE)
                    .any(|piece| is_masked(&memory[at..at + PIECE], piece))
            {
                found.push(at);
            }
            at += 1;
        }
        found
    }
}

/// Everything that this process can read and write.
fn mappings() -> Vec<(Range<usize>, String)> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mapping = |line: &str| {
        let mut fields = line.split_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let address = |text: &str| usize::from_str_radix(text, 16).ok();
        let range = address(start)?..address(end)?;
        let is_writable = fields.next()?.starts_with("rw");
        let name = fields.nth(3).unwrap_or("memory").to_owned();
        is_writable.then_some((range, name))
    };
    maps.lines().filter_map(mapping).collect()
}
