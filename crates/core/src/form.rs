//! The forms in which credentials come.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Deserialize as _;

use jiff::Timestamp;

use crate::error::{ErrorKind, Failure};
use crate::region::Region;
use crate::role::RoleArn;
use crate::secret::Secret;
use crate::text;
use crate::token::Token;
use crate::user_info::mask_user_info;

/// The credentials of a source, in the form in which it has them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialForm {
    /// Keys, for a long time or until they expire.
    Keys(Keys),
    /// A token to be exchanged with STS for keys of a role.
    WebIdentity(Box<WebIdentity>),
    /// An address to fetch keys from, with the token that it asks for.
    Container(Container),
    /// AWS profile files, as they are.
    Profile(ProfileFiles),
    /// The node's instance profile: no credentials are handed over, Mountpoint asks IMDS itself.
    InstanceProfile,
    /// No credentials: requests are not signed.
    Anonymous,
}

impl CredentialForm {
    /// Returns the form without its contents.
    pub fn kind(&self) -> FormKind {
        match self {
            Self::Keys(_) => FormKind::Keys,
            Self::WebIdentity(_) => FormKind::WebIdentity,
            Self::Container(_) => FormKind::Container,
            Self::Profile(_) => FormKind::Profile,
            Self::InstanceProfile => FormKind::InstanceProfile,
            Self::Anonymous => FormKind::Anonymous,
        }
    }

    /// Returns the expiry of the keys or of the token.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Keys(keys) => keys.expires_at,
            Self::WebIdentity(identity) => identity.token.expires_at(),
            Self::Container(container) => container.token.as_ref().and_then(Token::expires_at),
            Self::Profile(_) | Self::InstanceProfile | Self::Anonymous => None,
        }
    }
}

/// The name of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FormKind {
    /// [`Keys`]
    Keys,
    /// [`WebIdentity`]
    WebIdentity,
    /// [`Container`]
    Container,
    /// [`ProfileFiles`]
    Profile,
    /// The node's instance profile.
    InstanceProfile,
    /// No credentials.
    Anonymous,
}

impl FormKind {
    /// The word in output and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::WebIdentity => "web-identity",
            Self::Container => "container",
            Self::Profile => "profile",
            Self::InstanceProfile => "instance-profile",
            Self::Anonymous => "anonymous",
        }
    }
}

impl fmt::Display for FormKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An access key: long-term, or temporary with a session token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keys {
    /// The access key id.
    pub access_key_id: Secret,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token of temporary keys.
    pub session_token: Option<Secret>,
    /// The expiry of temporary keys, where it is known.
    pub expires_at: Option<Timestamp>,
    /// The region that came with the keys.
    pub region: Option<Region>,
    /// The URL of the S3 endpoint that came with the keys.
    pub endpoint: Option<String>,
}

impl Keys {
    /// Long-term keys.
    pub fn new(access_key_id: impl Into<Secret>, secret_access_key: impl Into<Secret>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
            expires_at: None,
            region: None,
            endpoint: None,
        }
    }

    /// Sets the session token that makes them temporary.
    #[must_use]
    pub fn with_session_token(mut self, token: impl Into<Secret>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// Sets the instant at which they expire.
    #[must_use]
    pub fn with_expires_at(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Sets the region that came with them.
    #[must_use]
    pub fn with_region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Sets the S3 endpoint that came with them.
    #[must_use]
    pub fn with_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Returns whether they expire, at a known time or not.
    pub fn is_temporary(&self) -> bool {
        self.session_token.is_some() || self.expires_at.is_some()
    }

    /// Refuses what a profile file or a signature could not carry back unchanged. `field` names
    /// each of the three values.
    pub fn check(&self, field: impl Fn(KeyPart) -> String) -> Result<(), Failure> {
        check_part(&field(KeyPart::AccessKeyId), &self.access_key_id)?;
        check_part(&field(KeyPart::SecretAccessKey), &self.secret_access_key)?;
        self.session_token
            .iter()
            .try_for_each(|token| check_part(&field(KeyPart::SessionToken), token))
    }

    /// Runs [`Keys::check`] on keys whose source is unknown, such as a registered one.
    pub fn check_given(&self) -> Result<(), Failure> {
        self.check(|part| format!("the {} that the source gave", part.as_str()))
    }

    /// Refuses keys that have expired by `now`: the clock of the service that gave them differs
    /// from this node's.
    pub fn check_current(&self, now: Timestamp) -> Result<(), Failure> {
        if self.expires_at.is_none_or(|at| now < at) {
            return Ok(());
        }
        let message = "the keys that were given just now have ended already";
        Err(Failure::new(ErrorKind::Unavailable, message)
            .with_help("check the clock of the node: it may be ahead"))
    }
}

/// One value of a key triple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPart {
    /// The access key id.
    AccessKeyId,
    /// The secret access key.
    SecretAccessKey,
    /// The session token.
    SessionToken,
}

impl KeyPart {
    /// The words for it in a message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessKeyId => "access key id",
            Self::SecretAccessKey => "secret access key",
            Self::SessionToken => "session token",
        }
    }
}

/// More than any service hands out: STS says that session tokens have no fixed size, and gives
/// about 1 KiB.
const MAX_KEY_LEN: usize = 16 << 10;

fn check_part(field: &str, value: &Secret) -> Result<(), Failure> {
    text::check(ErrorKind::InvalidSecret, field, value.expose(), MAX_KEY_LEN)?;
    let value = value.expose();
    let refuse = |problem: &str| {
        Err(Failure::new(ErrorKind::InvalidSecret, format!("{field} {problem}"))
            .with_help("an AWS profile file cannot carry it back unchanged: correct the value, or use other keys"))
    };
    if value != value.trim() {
        return refuse("begins or ends with white space");
    }
    // Not by `str::contains`, which leaves pieces of what it searches on the stack.
    if value.as_bytes().windows(2).any(|pair| matches!(pair, b" #" | b" ;")) {
        return refuse(
            "holds a space followed by # or ;, which begins a comment in a profile file",
        );
    }
    if value.contains(['"', '\'']) {
        return refuse("holds a quotation mark");
    }
    // What `Debug` shows by its number: unassigned code points, format characters, every space but
    // the ordinary one.
    if value.chars().any(|c| c.escape_debug().len() > 2) {
        return refuse("holds a character that cannot be seen");
    }
    Ok(())
}

/// A token for STS, and what to ask for with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebIdentity {
    /// The token.
    pub token: Token,
    /// The role to assume with it.
    pub role_arn: RoleArn,
    /// The region that the source itself names, before the region chain's.
    pub region: Option<Region>,
    /// The settings of the STS session.
    pub session: SessionSettings,
    /// A second role, assumed with the keys of the first.
    pub second_hop: Option<RoleHop>,
    /// The origin of the role, for an explanation: a variable, a rule, an annotation.
    pub role_origin: Option<Cow<'static, str>>,
}

impl WebIdentity {
    /// Makes the web identity for the role, by this token.
    pub fn new(token: Token, role_arn: RoleArn) -> Self {
        Self {
            token,
            role_arn,
            region: None,
            session: SessionSettings::default(),
            second_hop: None,
            role_origin: None,
        }
    }

    /// Sets the settings of the session.
    #[must_use]
    pub fn with_session(mut self, session: SessionSettings) -> Self {
        self.session = session;
        self
    }

    /// Sets a second role to go on to.
    #[must_use]
    pub fn with_second_hop(mut self, hop: Option<RoleHop>) -> Self {
        self.second_hop = hop;
        self
    }

    /// Sets the origin of the role.
    #[must_use]
    pub fn with_role_origin(mut self, origin: impl Into<Cow<'static, str>>) -> Self {
        self.role_origin = Some(origin.into());
        self
    }

    /// Returns whether Mountpoint can do the exchange by itself: it supports a role and a session
    /// name only.
    pub fn can_be_delegated(&self) -> bool {
        self.second_hop.is_none()
            && self.session.duration.is_none()
            && self.session.policy.is_none()
            && self.session.policy_arns.is_empty()
    }
}

/// The parameters of an STS session besides the role (API reference of AssumeRoleWithWebIdentity).
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "config", derive(schemars::JsonSchema))]
pub struct SessionSettings {
    /// The role session's name (`RoleSessionName`), 2 to 64 characters of `[\w+=,.@-]`. One is made
    /// up where unset.
    #[cfg_attr(feature = "config", schemars(extend("format" = "session-name")))]
    pub name: Option<String>,
    /// The lifetime of the session (`DurationSeconds`): 15 minutes to 12 hours, and no longer than
    /// the role allows.
    #[cfg_attr(feature = "config", schemars(extend("x-shortest" = "15m", "x-longest" = "12h")))]
    pub duration: Option<Duration>,
    /// An inline session policy (`Policy`), as JSON, at most 2048 characters.
    #[cfg_attr(
        feature = "config",
        schemars(length(max = 2048), extend("format" = "session-policy"))
    )]
    pub policy: Option<String>,
    /// The ARNs of managed session policies (`PolicyArns`), at most 10.
    #[cfg_attr(
        feature = "config",
        schemars(
            length(max = 10),
            extend("items" = {"type": "string", "format": "policy-arn"})
        )
    )]
    pub policy_arns: Vec<String>,
    /// The STS endpoints to use (`AWS_STS_REGIONAL_ENDPOINTS`): `regional`, that of the region, or
    /// `legacy`, the global one for the oldest regions.
    #[cfg_attr(feature = "config", schemars(extend("enum" = ["regional", "legacy"])))]
    pub regional_endpoints: Option<String>,
}

/// A role that is assumed with the keys of another one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "config", derive(schemars::JsonSchema))]
pub struct RoleHop {
    /// The role.
    #[cfg_attr(feature = "config", schemars(with = "String", extend("format" = "role-arn")))]
    pub role_arn: RoleArn,
    /// The external id that the role's trust policy requires (`ExternalId`), 2 to 1224 characters.
    #[cfg_attr(feature = "config", schemars(length(min = 2, max = 1224)))]
    pub external_id: Option<String>,
    /// The role session's name (`RoleSessionName`).
    #[cfg_attr(feature = "config", schemars(extend("format" = "session-name")))]
    pub session_name: Option<String>,
    /// The lifetime of the session (`DurationSeconds`): 15 minutes to 1 hour, the most for a role
    /// that is assumed with a role's keys.
    #[cfg_attr(feature = "config", schemars(extend("x-shortest" = "15m", "x-longest" = "1h")))]
    pub duration: Option<Duration>,
    /// Session tags, at most 50.
    #[serde(default, deserialize_with = "tags")]
    #[cfg_attr(feature = "config", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub tags: Vec<(String, String)>,
}

fn tags<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, String)>, D::Error> {
    let tags = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
    Ok(tags.into_iter().collect())
}

/// An address to fetch keys from, by the SDKs' container-credentials protocol.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Container {
    /// The URL; checked by the source.
    pub uri: String,
    /// The value of the `Authorization` header, unchanged.
    pub token: Option<Token>,
}

impl Container {
    /// Keys from this URL, asked for with this token.
    pub fn new(uri: impl Into<String>, token: Option<Token>) -> Self {
        Self { uri: uri.into(), token }
    }
}

/// Without a token the path is what authorizes, and user info is secret in any case.
impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = match &self.token {
            Some(_) => mask_user_info(&self.uri),
            None => "…".to_owned(),
        };
        f.debug_struct("Container").field("uri", &uri).field("token", &self.token).finish()
    }
}

/// An AWS config file and a shared credentials file, as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileFiles {
    /// The text of the config file.
    pub config: Secret,
    /// The text of the shared credentials file.
    pub credentials: Secret,
    /// The profile to use; `default` where unset.
    pub profile: Option<String>,
}

impl ProfileFiles {
    /// These two files, and the profile `default` in them.
    pub fn new(config: impl Into<Secret>, credentials: impl Into<Secret>) -> Self {
        Self { config: config.into(), credentials: credentials.into(), profile: None }
    }
}
