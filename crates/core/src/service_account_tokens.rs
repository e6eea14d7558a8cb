//! The service-account tokens that the kubelet puts into a publish request.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::error::{ErrorKind, Failure};
use crate::secret::Secret;
use crate::token::Token;

/// The key of the tokens, in the request's secrets (KEP-5538) or its volume context.
pub const TOKENS_KEY: &str = "csi.storage.k8s.io/serviceAccount.tokens";

/// More than any kubelet sends: a few audiences of at most 20,000 bytes each.
const MAX_LEN: usize = 1 << 20;

/// Tokens by audience, as `{"<audience>": {"token": "…", "expirationTimestamp": "RFC 3339"}}`.
///
/// Each entry is judged when it is asked for: a malformed entry of an audience that nobody uses harms no one.
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
        if text.len() > MAX_LEN {
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

    /// Whether the request carried no tokens at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is an entry for this audience.
    pub fn has(&self, audience: &str) -> bool {
        self.0.contains_key(audience)
    }

    /// The token for this audience, which must be there and well-formed.
    pub fn get(&self, audience: &str) -> Result<&Token, Failure> {
        match self.0.get(audience) {
            Some(Ok(token)) => Ok(token),
            Some(Err(failure)) => Err(failure.clone()),
            None => {
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

/// Field names are matched as Go's decoder does, whatever their case, and the last of a repeated field counts.
fn parse_entry(audience: &str, entry: &RawValue) -> Result<Token, Failure> {
    let field = format!("the service-account token for {audience}");
    let malformed =
        |problem: &str| Failure::new(ErrorKind::MalformedToken, format!("{field} {problem}"));
    let fields: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(entry.get()).map_err(|_| malformed("is not a JSON object"))?;
    let find = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| *key == name)
            .or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)))
    };
    let (_, token) = find("token").ok_or_else(|| malformed("has no field `token`"))?;
    let token: Secret =
        serde_json::from_str(token.get()).map_err(|_| malformed("is not a string"))?;
    let expires_at = match find("expirationTimestamp") {
        Some((_, at)) if at.get() != "null" => Some(
            serde_json::from_str::<String>(at.get())
                .ok()
                .and_then(|at| at.parse::<Timestamp>().ok())
                .ok_or_else(|| {
                    malformed("has an `expirationTimestamp` that is not an RFC 3339 instant")
                })?,
        ),
        _ => None,
    };
    Token::parse(&field, token, expires_at)
}
