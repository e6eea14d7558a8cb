//! From named values to keys.

use std::collections::BTreeMap;

use s3_credential_core::{ErrorKind, Failure, KeyPart, Keys, Region, Secret};

use crate::endpoint::is_endpoint;
use crate::key_names::{CONVENTIONS, KeyNames, Names, VARIABLES};

/// Values by name, as a Secret has them.
pub(crate) type Values = BTreeMap<String, Secret>;

/// The most names that a message lists.
const MAX_NAMES: usize = 8;

/// The reader of keys from one kind of place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reader {
    configured: Option<KeyNames>,
}

impl Reader {
    /// Makes a reader that tries these names before the known ones.
    pub(crate) fn new(configured: Option<KeyNames>) -> Result<Self, Failure> {
        configured.iter().try_for_each(KeyNames::check)?;
        Ok(Self { configured })
    }

    /// Returns the keys among these values, which are those of `place`; `None` where all of the
    /// names are missing. An empty value counts as missing.
    pub(crate) fn read(&self, place: &str, values: &Values) -> Result<Option<Keys>, Failure> {
        let found = Found { place, values, half: ErrorKind::InvalidSecret };
        match self.configured.as_ref().map(KeyNames::as_names) {
            Some(names) if found.has_key_of(names) => found.keys(&[names]),
            _ => found.keys(&CONVENTIONS),
        }
    }

    /// Every name under which something may be found.
    #[cfg(feature = "directory")]
    pub(crate) fn names(&self) -> std::collections::BTreeSet<&str> {
        let configured = self.configured.iter().map(KeyNames::as_names);
        let names = configured.chain(CONVENTIONS);
        names.flat_map(|names| names.all()).collect()
    }

    /// Returns the present names for a message, where none of them is a known one. Empty if there
    /// are no values.
    pub(crate) fn there(values: &Values) -> String {
        let names: Vec<String> = values
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| format!("`{}`", shown(name)))
            .collect();
        match names.len() {
            0 => String::new(),
            1..=MAX_NAMES => format!(", but {}", names.join(", ")),
            count => {
                format!(", but {} and {} more", names[..MAX_NAMES].join(", "), count - MAX_NAMES)
            }
        }
    }

    /// For the help: every pair of names that is known, and the setting for others.
    pub(crate) fn known(&self) -> String {
        let configured = self.configured.iter().map(KeyNames::as_names);
        let pairs: Vec<String> = configured
            .chain(CONVENTIONS)
            .map(|names| format!("`{}` and `{}`", names.access_key_id, names.secret_access_key))
            .collect();
        format!(
            "known names are {}; for others set `keyNames` of the source in the driver's configuration",
            pairs.join(", or ")
        )
    }

    /// For a message: what a Secret should have.
    pub(crate) fn wanted(&self) -> String {
        let names = self.configured.as_ref().map_or(CONVENTIONS[0], KeyNames::as_names);
        format!("`{}` and `{}`", names.access_key_id, names.secret_access_key)
    }
}

/// A name as it may stand in a message.
fn shown(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

/// The keys in the SDKs' variables.
pub(crate) fn in_variables(place: &str, values: &Values) -> Result<Option<Keys>, Failure> {
    let found = Found { place, values, half: ErrorKind::Misconfigured };
    found.keys(&[VARIABLES])
}

struct Found<'a> {
    place: &'a str,
    values: &'a Values,
    /// The kind of error for half a pair.
    half: ErrorKind,
}

impl<'a> Found<'a> {
    fn get(&self, name: &str) -> Option<&'a Secret> {
        self.values.get(name).filter(|value| !value.is_empty())
    }

    fn has_key_of(&self, names: Names<'_>) -> bool {
        self.get(names.access_key_id).is_some() || self.get(names.secret_access_key).is_some()
    }

    /// Returns the pair under one convention's names, and the token under any's.
    fn keys(&self, conventions: &[Names<'_>]) -> Result<Option<Keys>, Failure> {
        self.one_value(conventions, |names| names.access_key_id)?;
        self.one_value(conventions, |names| names.secret_access_key)?;
        let token = self.one_value(conventions, |names| names.session_token)?;
        let pair = conventions.iter().find_map(|names| {
            Some((*names, self.get(names.access_key_id)?, self.get(names.secret_access_key)?))
        });
        let Some((names, id, key)) = pair else {
            return self.half(conventions).map_or(Ok(None), Err);
        };
        let mut keys = Keys::new(id.clone(), key.clone());
        if let Some((_, token)) = token {
            keys = keys.with_session_token(token.clone());
        }
        if let Some(region) = self.get(names.region) {
            let field = self.field(names.region);
            no_edge_spaces(&field, region)?;
            keys = keys.with_region(Region::parse(&field, region.expose())?);
        }
        if let Some(endpoint) = self.get(names.endpoint) {
            keys = keys.with_endpoint(self.endpoint(names.endpoint, endpoint)?);
        }
        self.check(&keys, names, token.map(|(name, _)| name))?;
        Ok(Some(keys))
    }

    /// Returns the value of one part, under whatever name: two names with two values would leave it
    /// to chance whose keys these are.
    fn one_value<'n>(
        &self,
        conventions: &[Names<'n>],
        part: impl Fn(&Names<'n>) -> &'n str,
    ) -> Result<Option<(&'n str, &'a Secret)>, Failure> {
        let named = |names: &Names<'n>| Some((part(names), self.get(part(names))?));
        let mut values = conventions.iter().filter_map(named);
        let Some(first) = values.next() else {
            return Ok(None);
        };
        match values.find(|(_, value)| *value != first.1) {
            None => Ok(Some(first)),
            Some((other, _)) => Err(Failure::new(
                ErrorKind::InvalidSecret,
                format!("`{}` and `{other}` differ in {}", first.0, self.place),
            )
            .with_help("leave only one of them there: both name the same part of a key")),
        }
    }

    /// Returns what is missing in an incomplete Secret: for the convention with half of a pair,
    /// otherwise for the one with a token.
    fn half(&self, conventions: &[Names<'_>]) -> Option<Failure> {
        let pairs = conventions
            .iter()
            .flat_map(|names| [(names, names.access_key_id), (names, names.secret_access_key)]);
        let tokens = conventions.iter().map(|names| (names, names.session_token));
        let (names, there) = pairs.chain(tokens).find(|(_, name)| self.get(name).is_some())?;
        let missing: Vec<_> = [names.access_key_id, names.secret_access_key]
            .into_iter()
            .filter(|name| self.get(name).is_none())
            .map(|name| format!("`{name}`"))
            .collect();
        let (missing, are) = (missing.join(" and "), if missing.len() > 1 { "are" } else { "is" });
        Some(
            Failure::new(
                self.half,
                format!("{missing} {are} missing or empty in {}, which has `{there}`", self.place),
            )
            .with_help(match self.half {
                ErrorKind::InvalidSecret => format!(
                    "add {missing} to {place}, or remove `{there}` there; if its entries have other names, set `keyNames` of the source \
                     in the driver's configuration",
                    place = self.place
                ),
                _ => format!("add {missing} to {}, or remove `{there}` there", self.place),
            }),
        )
    }

    fn endpoint(&self, name: &str, url: &Secret) -> Result<String, Failure> {
        let field = self.field(name);
        no_edge_spaces(&field, url)?;
        if is_endpoint(url.expose()) {
            return Ok(url.expose().to_owned());
        }
        Err(Failure::new(
            ErrorKind::InvalidSecret,
            format!("{field} is not the URL of an S3 endpoint"),
        )
        .with_help("use http:// or https://, a host and perhaps a port and a path, without user name, query and fragment"))
    }

    fn check(&self, keys: &Keys, names: Names<'_>, token: Option<&str>) -> Result<(), Failure> {
        let field = |part| {
            self.field(match part {
                KeyPart::AccessKeyId => names.access_key_id,
                KeyPart::SecretAccessKey => names.secret_access_key,
                KeyPart::SessionToken => token.unwrap_or(names.session_token),
            })
        };
        no_edge_spaces(&field(KeyPart::AccessKeyId), &keys.access_key_id)?;
        no_edge_spaces(&field(KeyPart::SecretAccessKey), &keys.secret_access_key)?;
        keys.session_token
            .iter()
            .try_for_each(|token| no_edge_spaces(&field(KeyPart::SessionToken), token))?;
        keys.check(field)
    }

    fn field(&self, name: &str) -> String {
        format!("`{name}` of {}", self.place)
    }
}

/// The commonest mistake has a message of its own: `echo` ends its output with a newline, which
/// `base64` keeps.
fn no_edge_spaces(field: &str, value: &Secret) -> Result<(), Failure> {
    if value.expose() == value.expose().trim() {
        return Ok(());
    }
    Err(Failure::new(
        ErrorKind::InvalidSecret,
        format!("{field} begins or ends with white space"),
    )
    .with_help(
        "the value was likely made with a newline at its end (`echo KEY | base64`): make it with `printf %s KEY | base64` or \
         `kubectl create secret generic --from-literal`",
    ))
}
