//! Verification against a key set, by ES256 (our own issuers) or RS256 (a real API server's).

use jiff::Timestamp;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;
use thiserror::Error;

use super::{Claims, decode};

/// The reason why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JwtError {
    /// Not three dot-separated parts of base64url, or no JSON in them.
    #[error("the token is malformed")]
    Malformed,
    /// Its `iss` is not the verifier's.
    #[error("the token is from another issuer")]
    Issuer,
    /// Its `kid` or `alg` is not in the key set.
    #[error("no key of the issuer fits the token")]
    UnknownKey,
    /// The signature does not fit the claims.
    #[error("the signature is wrong")]
    Signature,
    /// It has no `exp`, or that is past.
    #[error("the token is expired")]
    Expired,
    /// Its `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The key set itself has no usable key.
    #[error("the key set has no ES256 or RS256 key")]
    KeySet,
}

/// Verifies the tokens of one issuer.
#[derive(Debug, Clone)]
pub struct Verifier {
    issuer: String,
    keys: Vec<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    kid: String,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Es256(Vec<u8>),
    Rs256 { n: Vec<u8>, e: Vec<u8> },
}

impl Verifier {
    /// For the issuer of this URL with this key set (RFC 7517). Keys of other kinds are passed
    /// over.
    pub fn from_jwks(issuer: impl Into<String>, jwks: &Value) -> Result<Self, JwtError> {
        let keys: Vec<Key> =
            jwks["keys"].as_array().into_iter().flatten().filter_map(Key::parse).collect();
        if keys.is_empty() {
            return Err(JwtError::KeySet);
        }
        Ok(Self { issuer: issuer.into(), keys })
    }

    /// Returns the issuer's URL.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the claims of `token`, if it is this issuer's and valid at `now`. Audience and
    /// subject are the caller's to judge.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, JwtError> {
        let (message, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, _) = message.split_once('.').ok_or(JwtError::Malformed)?;
        let claims = unverified_claims(token)?;
        if claims.issuer() != self.issuer {
            return Err(JwtError::Issuer);
        }
        let header = part(header).ok_or(JwtError::Malformed)?;
        let signature = decode(signature).ok_or(JwtError::Malformed)?;
        let key = self.keys.iter().find(|key| key.fits(&header)).ok_or(JwtError::UnknownKey)?;
        key.verify(message.as_bytes(), &signature)?;
        if claims.expires_at().is_none_or(|at| at <= now) {
            return Err(JwtError::Expired);
        }
        if claims.not_before().is_some_and(|at| at > now) {
            return Err(JwtError::NotYetValid);
        }
        Ok(claims)
    }
}

/// The claims of a token, not yet verified.
pub(crate) fn unverified_claims(token: &str) -> Result<Claims, JwtError> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts[..] else {
        return Err(JwtError::Malformed);
    };
    part(payload).and_then(Claims::new).ok_or(JwtError::Malformed)
}

impl Key {
    fn parse(jwk: &Value) -> Option<Self> {
        let field = |name: &str| jwk[name].as_str();
        let bytes = |name: &str| decode(field(name)?);
        let material = match (field("kty")?, field("crv")) {
            ("EC", Some("P-256")) => Material::Es256([vec![4], bytes("x")?, bytes("y")?].concat()),
            ("RSA", _) => Material::Rs256 { n: bytes("n")?, e: bytes("e")? },
            _ => return None,
        };
        Some(Self { kid: field("kid").unwrap_or_default().to_owned(), material })
    }

    fn fits(&self, header: &Value) -> bool {
        let algorithm = match self.material {
            Material::Es256(_) => "ES256",
            Material::Rs256 { .. } => "RS256",
        };
        header["alg"] == algorithm && header["kid"].as_str().unwrap_or_default() == self.kid
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), JwtError> {
        match &self.material {
            Material::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Material::Rs256 { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        }
        .map_err(|_| JwtError::Signature)
    }
}

fn part(text: &str) -> Option<Value> {
    serde_json::from_slice(&decode(text)?).ok()
}
