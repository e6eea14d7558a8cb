//! The one type that holds secret text.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

/// Secret text: shared rather than copied, zeroised when the last owner drops it, and opaque in
/// `Debug`.
///
/// There is no `Display` and no `Serialize`: the only way to the text is [`Secret::expose`], which
/// stands out in review.
///
/// ```
/// use s3_credential_core::Secret;
///
/// let secret = Secret::new("wJalrXUtnFEMI");
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// assert_eq!(secret.expose(), "wJalrXUtnFEMI");
/// ```
#[derive(Clone, Eq)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes ownership of the text. A `&str` is copied once, into memory that is zeroised on drop.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// Returns the text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the text without leading and trailing white space; the same memory if there was
    /// none.
    #[must_use]
    pub fn trimmed(&self) -> Self {
        let trimmed = self.expose().trim();
        if trimmed.len() == self.len() { self.clone() } else { Self::new(trimmed) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// For noticing a change. Not in constant time: what authenticates a caller compares elsewhere.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.expose() == other.expose()
    }
}

/// For maps in memory, whose hashes are keyed and kept to themselves.
impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// From JSON text only (`serde_json::from_str` and `from_slice`): the raw value is unescaped
/// straight into zeroised memory, where serde's own string path would leave a copy in its scratch
/// buffer.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        unescape(raw.get()).map(Self).ok_or_else(|| D::Error::custom("expected a string"))
    }
}

/// The text of a JSON string literal. `RawValue` has checked the grammar, so only the escapes are
/// left to resolve.
fn unescape(raw: &str) -> Option<Arc<Zeroizing<String>>> {
    let literal = raw.strip_prefix('"')?.strip_suffix('"')?;
    // Unescaping never lengthens the text, so the buffer is never reallocated and leaves no partial
    // copy.
    let mut text = Zeroizing::new(String::with_capacity(literal.len()));
    let mut rest = literal;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = rest[at + 1..].chars().next()?;
        rest = &rest[at + 1 + escape.len_utf8()..];
        text.push(match escape {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unicode_escape(&mut rest)?,
            plain => plain,
        });
    }
    text.push_str(rest);
    Some(Arc::new(text))
}

fn unicode_escape(rest: &mut &str) -> Option<char> {
    let first = code_unit(rest)?;
    let scalar = if (0xD800..0xDC00).contains(&first) {
        *rest = rest.strip_prefix("\\u")?;
        let second = code_unit(rest)?.checked_sub(0xDC00).filter(|bits| *bits < 0x400)?;
        0x1_0000 + ((first - 0xD800) << 10) + second
    } else {
        first
    };
    char::from_u32(scalar)
}

fn code_unit(rest: &mut &str) -> Option<u32> {
    let mut digits = rest.get(..4)?.to_owned();
    *rest = &rest[4..];
    let unit = u32::from_str_radix(&digits, 16).ok();
    digits.zeroize();
    unit
}
