//! Bearer tokens: what can be read of one without its key, and whether it is for this use.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::{ErrorKind, Failure};
use crate::secret::Secret;
use crate::text;

/// The audience that STS expects of a web-identity token.
pub const STS_AUDIENCE: &str = "sts.amazonaws.com";
/// The audience that the EKS Pod Identity agent expects.
pub const POD_IDENTITY_AUDIENCE: &str = "pods.eks.amazonaws.com";

/// The longest token that STS takes, in bytes (API reference of AssumeRoleWithWebIdentity).
pub const MAX_TOKEN_LEN: usize = 20_000;

/// The most that the issuer's clock may be ahead of ours before a JWT's `exp` counts as past.
pub const CLOCK_SKEW: Duration = Duration::from_secs(30);

/// A bearer token, read but not verified: the signature is the business of the service that takes
/// it.
///
/// A token of three dot-separated parts is a JWT and must decode; any other is opaque, and only the
/// expiry that came beside it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    secret: Secret,
    claims: Option<Claims>,
    expires_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Claims {
    audiences: Vec<String>,
    subject: Option<String>,
    issued_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

/// The times at which a token was issued and expires. They distinguish an older token of a pod from
/// a newer one, and hold no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenAge {
    /// `iat` of a JWT.
    pub issued_at: Option<Timestamp>,
    /// The earliest expiry known.
    pub expires_at: Option<Timestamp>,
}

impl TokenAge {
    /// Returns whether this token is older than the other one: by issue if both have it, otherwise
    /// by expiry. Unknown ages return false.
    pub fn is_older_than(&self, other: &Self) -> bool {
        match (self.issued_at, other.issued_at, self.expires_at, other.expires_at) {
            (Some(mine), Some(theirs), ..) if mine != theirs => mine < theirs,
            (_, _, Some(mine), Some(theirs)) => mine < theirs,
            _ => false,
        }
    }
}

impl Token {
    /// Reads a token. `field` is what the error names; `expires_at` is the expiry that came beside
    /// the token, if one did.
    pub fn parse(
        field: &str,
        secret: Secret,
        expires_at: Option<Timestamp>,
    ) -> Result<Self, Failure> {
        text::check(ErrorKind::MalformedToken, field, secret.expose(), MAX_TOKEN_LEN)?;
        let malformed =
            |problem: &str| Failure::new(ErrorKind::MalformedToken, format!("{field} {problem}"));
        if secret.expose().contains(char::is_whitespace) {
            return Err(malformed("holds white space"));
        }
        let claims = if secret.expose().split('.').count() == 3 {
            Some(decode(secret.expose()).ok_or_else(|| {
                malformed("has three parts as a JWT has, but does not decode as one")
            })?)
        } else {
            None
        };
        Ok(Self { secret, claims, expires_at })
    }

    /// Returns the token itself.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Returns the earliest expiry known.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let claimed = self.claims.as_ref().and_then(|claims| claims.expires_at);
        claimed.into_iter().chain(self.expires_at).min()
    }

    /// Returns the times of its issue and its expiry.
    pub fn age(&self) -> TokenAge {
        TokenAge {
            issued_at: self.claims.as_ref().and_then(|claims| claims.issued_at),
            expires_at: self.expires_at(),
        }
    }

    /// `sub` of a JWT.
    pub fn subject(&self) -> Option<&str> {
        self.claims.as_ref()?.subject.as_deref()
    }

    /// Refuses a token that is past its expiry. A JWT's own `exp` is another machine's word and
    /// gets [`CLOCK_SKEW`].
    pub fn check_expiry(&self, field: &str, now: Timestamp) -> Result<(), Failure> {
        let claimed = self.claims.as_ref().and_then(|claims| claims.expires_at);
        let past = self.expires_at.is_some_and(|at| at <= now)
            || claimed.is_some_and(|at| {
                now.duration_since(at) >= CLOCK_SKEW.try_into().unwrap_or_default()
            });
        if past {
            return Err(Failure::new(ErrorKind::ExpiredToken, format!("{field} has expired"))
                .with_help("the kubelet renews tokens before they expire: check the clock of the node, and that the driver's CSIDriver object has `requiresRepublish: true`"));
        }
        Ok(())
    }

    /// Refuses a JWT that is made for another audience. One without `aud`, and an opaque token, are
    /// for their taker to judge.
    pub fn check_audience(&self, field: &str, audience: &str) -> Result<(), Failure> {
        match &self.claims {
            Some(claims)
                if !claims.audiences.is_empty()
                    && !claims.audiences.iter().any(|it| it == audience) =>
            {
                let audience = text::printable(audience);
                Err(Failure::new(ErrorKind::WrongToken, format!("{field} is made for another audience than {audience}"))
                    .with_help(format!("list the audience {audience} under `tokenRequests` of the CSIDriver object, and give each token under its own audience")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a JWT of another service account. An opaque token, and one without `sub`, are for
    /// their taker to judge.
    pub fn check_service_account(
        &self,
        field: &str,
        namespace: &str,
        name: &str,
    ) -> Result<(), Failure> {
        match self.subject() {
            Some(subject) if subject != format!("system:serviceaccount:{namespace}:{name}") => {
                Err(Failure::new(
                    ErrorKind::WrongToken,
                    format!(
                        "{field} belongs to another service account than the pod's, {}/{}",
                        text::printable(namespace),
                        text::printable(name)
                    ),
                )
                .with_help("a request must carry the tokens of the pod that it is for: check what builds the request"))
            }
            _ => Ok(()),
        }
    }
}

/// The registered claims of RFC 7519 that are read here. A claim of the wrong type makes the token
/// malformed.
#[derive(Deserialize)]
struct RegisteredClaims {
    #[serde(default)]
    aud: Option<OneOrMany>,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    exp: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn decode(token: &str) -> Option<Claims> {
    let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?);
    let claims: RegisteredClaims = serde_json::from_slice(&payload).ok()?;
    Some(Claims {
        audiences: match claims.aud {
            None => Vec::new(),
            Some(OneOrMany::One(audience)) => vec![audience],
            Some(OneOrMany::Many(audiences)) => audiences,
        },
        subject: claims.sub,
        issued_at: claims.iat.and_then(numeric_date),
        expires_at: claims.exp.and_then(numeric_date),
    })
}

/// Seconds since 1970, perhaps with a fraction. What no calendar holds is the end of time.
#[allow(
    clippy::cast_possible_truncation,
    reason = "a float-to-integer cast saturates, and whole seconds are enough"
)]
fn numeric_date(seconds: f64) -> Option<Timestamp> {
    (!seconds.is_nan()).then(|| {
        let whole = (seconds as i64).clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(whole).unwrap_or(Timestamp::MAX)
    })
}
