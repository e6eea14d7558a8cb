//! The frames of an HTTP/2 connection (RFC 9113, section 4), byte by byte: reads may end anywhere.

use super::headers::Headers;

/// What a client sends first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEADER_LEN: usize = 9;
const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;

const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
const PRIORITY_LEN: u32 = 5;

/// Where a connection is.
#[derive(Debug, Default)]
pub(super) struct Frames {
    at: At,
    /// Bytes of the frame's payload that are still to come, padding included.
    left: u32,
    /// The padding at the end of the frame's payload.
    padding: u32,
    is_last_of_headers: bool,
    headers: Headers,
}

#[derive(Debug)]
enum At {
    Preface(usize),
    FrameHeader {
        bytes: [u8; HEADER_LEN],
        len: usize,
    },
    /// The length of the padding, and whether a priority follows.
    PadLength {
        has_priority: bool,
    },
    Priority(u32),
    HeaderBlock,
    /// Padding, or a frame without headers.
    Skipped,
    /// No HTTP/2: everything is left alone.
    Foreign,
}

impl Default for At {
    fn default() -> Self {
        Self::Preface(0)
    }
}

impl Frames {
    /// Overwrites what is not allowed in an authority. `bytes` are the next ones of the connection.
    pub(super) fn rewrite(&mut self, mut bytes: &mut [u8]) {
        while let Some((first, rest)) = std::mem::take(&mut bytes).split_first_mut() {
            bytes = match self.at {
                At::Foreign => return,
                // Payloads without headers are large, and are not looked at.
                At::Skipped => {
                    let len = self
                        .left
                        .min(u32::try_from(rest.len()).unwrap_or(u32::MAX).saturating_add(1));
                    self.left -= len;
                    self.settle();
                    &mut rest[len as usize - 1..]
                }
                _ => {
                    self.step(first);
                    rest
                }
            };
        }
    }

    fn step(&mut self, byte: &mut u8) {
        match &mut self.at {
            At::Foreign | At::Skipped => {}
            At::Preface(len) => {
                self.at = match *len + 1 {
                    _ if PREFACE.get(*len) != Some(byte) => At::Foreign,
                    len if len == PREFACE.len() => frame_header(),
                    len => At::Preface(len),
                };
            }
            At::FrameHeader { bytes, len } => {
                bytes[*len] = *byte;
                *len += 1;
                if *len == HEADER_LEN {
                    let [a, b, c, kind, flags, ..] = *bytes;
                    self.begin(u32::from_be_bytes([0, a, b, c]), kind, flags);
                }
            }
            At::PadLength { has_priority } => {
                let has_priority = *has_priority;
                self.left -= 1;
                self.padding = u32::from(*byte);
                self.at = after_padding_length(has_priority);
                self.settle();
            }
            At::Priority(len) => {
                *len -= 1;
                self.left -= 1;
                if *len == 0 {
                    self.at = At::HeaderBlock;
                }
                self.settle();
            }
            At::HeaderBlock => {
                self.left -= 1;
                if self.headers.step(byte).is_err() {
                    self.at = At::Foreign;
                }
                self.settle();
            }
        }
    }

    fn begin(&mut self, len: u32, kind: u8, flags: u8) {
        (self.left, self.padding) = (len, 0);
        self.is_last_of_headers =
            matches!(kind, HEADERS | CONTINUATION) && flags & END_HEADERS != 0;
        self.at = match kind {
            HEADERS if flags & PADDED != 0 => At::PadLength { has_priority: flags & PRIORITY != 0 },
            HEADERS => after_padding_length(flags & PRIORITY != 0),
            CONTINUATION => At::HeaderBlock,
            _ => At::Skipped,
        };
        self.settle();
    }

    /// Goes on to what follows once a part of the frame is at its end.
    fn settle(&mut self) {
        if matches!(self.at, At::Foreign) {
            return;
        }
        if self.left <= self.padding && !matches!(self.at, At::PadLength { .. }) {
            self.at = At::Skipped;
        }
        if self.left == 0 {
            if self.is_last_of_headers {
                self.headers = Headers::default();
            }
            self.at = frame_header();
        }
    }
}

fn frame_header() -> At {
    At::FrameHeader { bytes: [0; HEADER_LEN], len: 0 }
}

fn after_padding_length(has_priority: bool) -> At {
    if has_priority { At::Priority(PRIORITY_LEN) } else { At::HeaderBlock }
}
