//! `AssumeRoleWithWebIdentity`: a token for keys. Not signed.

use jiff::Timestamp;
use serde_json::Value;

use super::validation::{Rule, required};
use super::xml::Element;
use super::{Parameters, StsError, session};
use crate::iam::{Caller, Iam, Session};
use crate::jwt::{self, Claims, JwtError};

const OPERATION: &str = "AssumeRoleWithWebIdentity";
const TOKEN: Rule =
    Rule { member: "webIdentityToken", length: 4..=20000, pattern: None, sensitive: true };

/// The claim that carries session tags (IAM user guide, "Passing session tags using
/// AssumeRoleWithWebIdentity").
const TAGS_CLAIM: &str = "https://aws.amazon.com/tags";

pub(super) fn assume(iam: &Iam, parameters: &Parameters) -> Result<Vec<Element>, StsError> {
    let mut session = session::parse(OPERATION, parameters)?;
    let token = required(parameters, "WebIdentityToken", &TOKEN)?;
    let verified = verify(iam, token)?;
    let claims = &verified.claims;

    let denied = || StsError::access_denied(format!("Not authorized to perform sts:{OPERATION}"));
    let caller = Caller::WebIdentity {
        issuer: claims.issuer(),
        audience: &verified.audience,
        subject: claims.subject(),
    };
    let role =
        iam.role(&session.role_arn).filter(|role| role.trusts(&caller)).ok_or_else(denied)?;
    session.tags = session_tags(claims)?;
    let packed = session::check(&session, &role)?;

    session.subject = Some(claims.subject().to_owned());
    session.audience = Some(verified.audience.clone());
    let provider = provider_arn(&session, claims.issuer());
    let mut elements = vec![
        Element::text("SubjectFromWebIdentityToken", claims.subject()),
        Element::text("Audience", &verified.audience),
        Element::text("Provider", &provider),
    ];
    elements.extend(session::answer(&iam.issue(session), packed));
    Ok(elements)
}

/// A token that its provider stands for, and the audience that was accepted.
struct Verified {
    claims: Claims,
    audience: String,
}

fn verify(iam: &Iam, token: &str) -> Result<Verified, StsError> {
    let invalid = |message: &str| StsError::invalid_identity_token(message);
    let malformed = || {
        invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    };
    let unverified = jwt::unverified_claims(token).map_err(|_| malformed())?;
    let provider = iam.provider(unverified.issuer()).ok_or_else(|| {
        invalid(&format!(
            "No OpenIDConnect provider found in your account for {}",
            unverified.issuer()
        ))
    })?;
    let claims = provider.verifier.verify(token, iam.now()).map_err(|error| match error {
        JwtError::Malformed => malformed(),
        JwtError::Expired => expired(&unverified, iam.now()),
        JwtError::NotYetValid => invalid("Token is not valid yet"),
        // A key set that was fetched before a rotation answers like this, too.
        JwtError::UnknownKey => {
            invalid("Couldn't retrieve verification key from your identity provider")
        }
        _ => invalid("The token's signature could not be verified"),
    })?;
    let known = |audience: &&&str| provider.audiences.iter().any(|known| known == **audience);
    let audience = claims.audiences().iter().find(known).map(|audience| (*audience).to_owned());
    let audience = audience.ok_or_else(|| invalid("Incorrect token audience"))?;
    Ok(Verified { claims, audience })
}

fn expired(claims: &Claims, now: Timestamp) -> StsError {
    let expiry = claims.expires_at().unwrap_or(Timestamp::UNIX_EPOCH).as_second();
    StsError::expired_token().with_message(format!(
        "Token expired: current date/time {} must be before the expiration date/time {expiry}",
        now.as_second()
    ))
}

fn session_tags(claims: &Claims) -> Result<std::collections::BTreeMap<String, String>, StsError> {
    let tags = claims.get(TAGS_CLAIM).and_then(|claim| claim["principal_tags"].as_object());
    let first = |value: &'_ Value| {
        value.as_str().or_else(|| value[0].as_str()).unwrap_or_default().to_owned()
    };
    let pairs: Vec<(String, String)> =
        tags.into_iter().flatten().map(|(key, value)| (key.clone(), first(value))).collect();
    session::tags(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

fn provider_arn(session: &Session, issuer: &str) -> String {
    let mut arn = session.role_arn.split(':');
    let (partition, account) = (arn.nth(1).unwrap_or_default(), arn.nth(2).unwrap_or_default());
    let host = issuer.split_once("://").map_or(issuer, |(_, host)| host);
    format!("arn:{partition}:iam::{account}:oidc-provider/{host}")
}
