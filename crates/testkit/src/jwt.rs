//! Service-account tokens: an issuer that makes them as the Kubernetes API server does, and their
//! verification.
//!
//! ```
//! use s3_credential_testkit::jwt::Issuer;
//!
//! let now = "2026-11-23T20:00:00Z".parse()?;
//! let issuer = Issuer::new("https://oidc.example.test/id/1");
//! let claims = issuer.service_account("apps", "web").audience("sts.amazonaws.com");
//! let token = claims.issued_at(now).sign();
//! let claims = issuer.verifier().verify(&token, now)?;
//! assert_eq!(claims.subject(), "system:serviceaccount:apps:web");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod claims;
mod verifier;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

pub use builder::TokenBuilder;
pub use claims::Claims;
pub(crate) use verifier::unverified_claims;
pub use verifier::{JwtError, Verifier};

/// An OpenID Connect issuer with one ES256 key of its own. Clones share the key.
#[derive(Clone)]
pub struct Issuer {
    url: Arc<str>,
    kid: Arc<str>,
    key: Arc<EcdsaKeyPair>,
}

impl Issuer {
    /// Makes an issuer with a new key. `url` becomes the `iss` claim unchanged; two issuers of one
    /// URL have different keys.
    ///
    /// # Panics
    /// If the system has no randomness.
    pub fn new(url: impl Into<String>) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("the system has randomness");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random)
            .expect("the key was just made");
        let kid = encode(digest::digest(&digest::SHA256, key.public_key().as_ref()).as_ref());
        Self { url: url.into().into(), kid: kid.into(), key: Arc::new(key) }
    }

    /// Returns the `iss` claim.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the name of the key in the JWKS.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns a token for a Kubernetes service account, valid for an hour; see [`TokenBuilder`]
    /// for the rest.
    pub fn service_account(&self, namespace: &str, name: &str) -> TokenBuilder {
        TokenBuilder::new(self.clone(), namespace, name)
    }

    /// Signs these claims as they are: the way to tokens with missing or odd claims.
    ///
    /// # Panics
    /// If the system has no randomness.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": &*self.kid, "typ": "JWT"});
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self
            .key
            .sign(&SystemRandom::new(), message.as_bytes())
            .expect("the system has randomness");
        format!("{message}.{}", encode(signature))
    }

    /// Returns the key set (RFC 7517), as served at `/openid/v1/jwks`.
    pub fn jwks(&self) -> Value {
        // An uncompressed point: 0x04, then the two coordinates of 32 bytes.
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        json!({"keys": [{
            "use": "sig", "kty": "EC", "kid": &*self.kid, "alg": "ES256", "crv": "P-256", "x": encode(x), "y": encode(y),
        }]})
    }

    /// Returns the discovery document, as served at `/.well-known/openid-configuration`.
    pub fn discovery(&self) -> Value {
        json!({
            "issuer": &*self.url,
            "jwks_uri": format!("{}/openid/v1/jwks", self.url.trim_end_matches('/')),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    }

    /// Verifies what this issuer signs.
    ///
    /// # Panics
    /// Never: the key set is this issuer's own.
    pub fn verifier(&self) -> Verifier {
        Verifier::from_jwks(&*self.url, &self.jwks()).expect("our own key set is well-formed")
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
