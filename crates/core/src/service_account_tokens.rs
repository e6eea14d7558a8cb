//! The service-account tokens that the kubelet puts into a publish request.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{ErrorKind, Failure};
use crate::secret::Secret;
use crate::text::printable;
use crate::token::Token;

/// The key of the tokens, in the request's secrets (KEP-5538) or its volume context.
pub const TOKENS_KEY: &str = "csi.storage.k8s.io/serviceAccount.tokens";

/// More than any kubelet sends: a few audiences of at most 20,000 bytes each.
const MAX_LEN: usize = 1 << 20;

/// The nesting limit of Go's decoder, through which every other driver reads this text.
const MAX_DEPTH: usize = 10_000;

/// Tokens by audience, as `{"<audience>": {"token": "…", "expirationTimestamp": "RFC 3339"}}`.
///
/// Each entry is checked when it is read: a malformed entry of an unused audience does no harm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceAccountTokens(BTreeMap<String, Result<Token, Failure>>);

impl ServiceAccountTokens {
    /// Reads the JSON text of the request. An empty text is no tokens.
    pub fn parse(json: &Secret) -> Result<Self, Failure> {
        let text = json.expose().trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let malformed = || {
            Failure::new(
                ErrorKind::MalformedToken,
                format!("`{TOKENS_KEY}` is not a JSON object of tokens by audience"),
            )
        };
        if text.len() > MAX_LEN || depth(text) > MAX_DEPTH {
            return Err(malformed());
        }
        let entries: BTreeMap<String, &RawValue> =
            serde_json::from_str(text).map_err(|_| malformed())?;
        Ok(Self(
            entries
                .into_iter()
                .map(|(audience, entry)| {
                    let token = parse_entry(&audience, entry);
                    (audience, token)
                })
                .collect(),
        ))
    }

    /// Returns whether the request carried no tokens at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether there is an entry for this audience.
    pub fn has(&self, audience: &str) -> bool {
        self.0.contains_key(audience)
    }

    /// Returns the name of the token for this audience in messages. It is on one line, although a
    /// tenant's annotation may set the audience.
    pub fn field(audience: &str) -> String {
        format!("the service-account token for {}", printable(audience))
    }

    /// Returns the token for this audience, which must be there and well-formed.
    pub fn get(&self, audience: &str) -> Result<&Token, Failure> {
        match self.0.get(audience) {
            Some(Ok(token)) => Ok(token),
            Some(Err(failure)) => Err(failure.clone()),
            None => {
                let audience = printable(audience);
                let found = if self.is_empty() {
                    "the request has no service-account tokens".to_owned()
                } else {
                    format!("the request has no service-account token for the audience {audience}")
                };
                Err(Failure::new(ErrorKind::MissingToken, found).with_help(format!(
                    "list the audience {audience} under `tokenRequests` of the CSIDriver object"
                )))
            }
        }
    }
}

fn parse_entry(audience: &str, entry: &RawValue) -> Result<Token, Failure> {
    let field = ServiceAccountTokens::field(audience);
    let malformed =
        |problem: &str| Failure::new(ErrorKind::MalformedToken, format!("{field} {problem}"));
    let entry: Entry<'_> =
        serde_json::from_str(entry.get()).map_err(|_| malformed("is not a JSON object"))?;
    let token = entry.token.ok_or_else(|| malformed("has no field `token`"))?;
    let token: Secret =
        serde_json::from_str(token.get()).map_err(|_| malformed("is not a string"))?;
    let expires_at = entry
        .expires_at
        .map(|at| {
            serde_json::from_str(at.get()).ok().and_then(|at: String| instant(&at)).ok_or_else(
                || malformed("has an `expirationTimestamp` that is not an RFC 3339 instant"),
            )
        })
        .transpose()?;
    Token::parse(&field, token, expires_at)
}

/// The two fields of an entry, found as Go's decoder finds them: whatever their case, the last of a
/// repeated one, and null is none.
#[derive(Default)]
struct Entry<'a> {
    token: Option<&'a RawValue>,
    expires_at: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Entry<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Entry<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entry<'de>, M::Error> {
                let mut entry = Entry::default();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if value.get() == "null" {
                        continue;
                    }
                    // Both ways, since there are letters that only one of them folds.
                    match name.to_uppercase().to_lowercase().as_str() {
                        "token" => entry.token = Some(value),
                        "expirationtimestamp" => entry.expires_at = Some(value),
                        _ => {}
                    }
                }
                Ok(entry)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// RFC 3339 as Go reads it: jiff alone takes lower case, leap seconds and offsets without a colon,
/// but no hour of one digit.
fn instant(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let hour = if time.as_bytes().get(1) == Some(&b':') { "0" } else { "" };
    let time = format!("{hour}{time}");
    let offset_at = time.len().checked_sub("+00:00".len())?;
    let has_offset = time.get(offset_at..).is_some_and(|offset| {
        offset.starts_with(['+', '-']) && offset.as_bytes().get(3) == Some(&b':')
    });
    if !(has_offset || time.ends_with('Z')) || time.get(6..8) == Some("60") {
        return None;
    }
    format!("{date}T{time}").parse().ok()
}

/// Returns the nesting depth of objects and arrays.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
