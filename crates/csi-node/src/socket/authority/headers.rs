//! The header block of a request (RFC 7541, section 6): only lengths and the name `:authority` are
//! understood.

const AUTHORITY: &[u8] = b":authority";

/// The index of `:authority` in the static table.
const AUTHORITY_INDEX: u32 = 1;

/// Stands for a byte that is not allowed. As plain as the dots of a host name, it decodes to
/// itself.
const SUBSTITUTE: u8 = b'.';

/// The most continuation bytes of an integer that the server takes.
const MAX_SHIFT: u32 = 21;

/// The block is none that the server takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Where a header block is.
#[derive(Debug, Default)]
pub(super) enum Headers {
    /// At the first byte of a header.
    #[default]
    Start,
    /// In the bytes that continue an integer.
    Integer {
        of: Part,
        value: u32,
        shift: u32,
    },
    NameLength,
    /// In a literal name, which has been `:authority` so far where `matched` is its length.
    Name {
        left: u32,
        matched: Option<usize>,
    },
    ValueLength {
        is_authority: bool,
    },
    Value {
        left: u32,
        is_rewritten: bool,
    },
}

/// What an integer says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// A whole header of the table, or a new size of the table.
    Whole,
    /// The index of a literal's name; 0 for a literal name.
    NameIndex,
    NameLength {
        is_huffman: bool,
    },
    ValueLength {
        is_authority: bool,
        is_huffman: bool,
    },
}

impl Headers {
    pub(super) fn step(&mut self, byte: &mut u8) -> Result<(), Malformed> {
        *self = match *self {
            Self::Start => {
                // The prefix says what it is, and how many bits are left for the integer.
                let (of, bits) = match *byte {
                    0x80.. => (Part::Whole, 7),
                    0x40.. => (Part::NameIndex, 6),
                    0x20.. => (Part::Whole, 5),
                    _ => (Part::NameIndex, 4),
                };
                Self::integer(of, *byte, bits)
            }
            Self::NameLength => {
                Self::integer(Part::NameLength { is_huffman: *byte & 0x80 != 0 }, *byte, 7)
            }
            Self::ValueLength { is_authority } => {
                let is_huffman = *byte & 0x80 != 0;
                Self::integer(Part::ValueLength { is_authority, is_huffman }, *byte, 7)
            }
            Self::Integer { of, value, shift } => {
                if shift > MAX_SHIFT {
                    return Err(Malformed);
                }
                let value = value.saturating_add(u32::from(*byte & 0x7f) << shift);
                match *byte & 0x80 {
                    0 => Self::after(of, value),
                    _ => Self::Integer { of, value, shift: shift + 7 },
                }
            }
            Self::Name { left, matched } => {
                let matched = matched.filter(|len| AUTHORITY.get(*len) == Some(byte));
                match (left, matched.map(|len| len + 1)) {
                    (1, matched) => {
                        Self::ValueLength { is_authority: matched == Some(AUTHORITY.len()) }
                    }
                    (_, matched) => Self::Name { left: left - 1, matched },
                }
            }
            Self::Value { left, is_rewritten } => {
                if is_rewritten && !is_allowed(*byte) {
                    *byte = SUBSTITUTE;
                }
                match left {
                    1 => Self::Start,
                    _ => Self::Value { left: left - 1, is_rewritten },
                }
            }
        };
        Ok(())
    }

    fn integer(of: Part, byte: u8, bits: u32) -> Self {
        let most = (1_u32 << bits) - 1;
        match u32::from(byte) & most {
            value if value == most => Self::Integer { of, value, shift: 0 },
            value => Self::after(of, value),
        }
    }

    /// Returns what follows an integer.
    fn after(of: Part, value: u32) -> Self {
        match of {
            Part::Whole => Self::Start,
            Part::NameIndex if value == 0 => Self::NameLength,
            Part::NameIndex => Self::ValueLength { is_authority: value == AUTHORITY_INDEX },
            Part::NameLength { .. } if value == 0 => Self::ValueLength { is_authority: false },
            // The clients that send a path do not compress it.
            Part::NameLength { is_huffman } => {
                Self::Name { left: value, matched: (!is_huffman).then_some(0) }
            }
            Part::ValueLength { .. } if value == 0 => Self::Start,
            Part::ValueLength { is_authority, is_huffman } => {
                Self::Value { left: value, is_rewritten: is_authority && !is_huffman }
            }
        }
    }
}

/// The unreserved characters of a URI.
fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
