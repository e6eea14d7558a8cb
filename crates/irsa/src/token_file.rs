//! The driver's projected token.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use s3_credential_core::{ErrorKind, Failure, MAX_TOKEN_LEN, Token, names};
use s3_credential_files::{FileError, read};

/// The base64url form of `{"`, with which the header of every JWT begins.
const JWT_BEGINNING: &str = "eyJ";

const HELP_MISSING: &str = "give the driver's pod a projected service-account token (on EKS: annotate its service account with \
    eks.amazonaws.com/role-arn and restart it), and let AWS_WEB_IDENTITY_TOKEN_FILE name its file";
const HELP_REFUSED: &str = "let the user that the driver runs as read the file of AWS_WEB_IDENTITY_TOKEN_FILE: see `fsGroup` of its \
    pod and `defaultMode` of the projected volume";
const HELP_CONTENT: &str =
    "AWS_WEB_IDENTITY_TOKEN_FILE must name a file with one web-identity token: see what writes it";
const HELP_EXPIRED: &str = "the kubelet replaces a projected token before it expires: check that AWS_WEB_IDENTITY_TOKEN_FILE names \
    the file of a projected volume, not a copy and not a subPath mount, and the clock of the node";

/// The file that `AWS_WEB_IDENTITY_TOKEN_FILE` names.
#[derive(Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
    /// Its name in messages, always on one line.
    name: String,
}

impl TokenFile {
    pub(crate) fn new(path: &str) -> Self {
        Self {
            path: path.into(),
            name: format!("the file {path:?} of {}", names::AWS_WEB_IDENTITY_TOKEN_FILE),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the token that is there now, if it can be used now.
    pub(crate) fn read(&self, now: Timestamp) -> Result<Token, Failure> {
        // Room for what is trimmed: the limit is the token's own.
        let text = read(&self.path, MAX_TOKEN_LEN + 2).map_err(|error| {
            error.failure(ErrorKind::MalformedToken, &self.name).with_help(match error {
                FileError::TooLarge(_) | FileError::NotText => HELP_CONTENT,
                FileError::Refused(_) => HELP_REFUSED,
                _ => HELP_MISSING,
            })
        })?;
        let field = format!("the token in {}", self.name);
        let token = Token::parse(&field, text.trimmed(), None)
            .map_err(|failure| failure.with_help(HELP_CONTENT))?;
        let text = token.secret().expose();
        if text.starts_with(JWT_BEGINNING) && (text.split('.').count() != 3 || text.ends_with('.'))
        {
            return Err(Failure::new(
                ErrorKind::MalformedToken,
                format!("{field} is the beginning of a JWT: it is half-written"),
            )
            .with_help(HELP_CONTENT));
        }
        token.check_expiry(&field, now).map_err(|failure| failure.with_help(HELP_EXPIRED))?;
        Ok(token)
    }
}
