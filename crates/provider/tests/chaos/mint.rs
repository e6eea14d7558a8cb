//! A source that needs no network: whatever it gives is newer than all that any process was given
//! before.

use std::sync::LazyLock;

use jiff::SignedDuration;
use s3_credential_core::{
    Changes, Clock as _, CredentialForm, CredentialSource, Keys, ProvideContext, RoleArn, Secret,
    Signal, SourceError, SystemClock, Token, WebIdentity,
};

/// Long enough for a profile.
const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// Gives tokens, long-term keys or temporary ones, by the first word of the volume's id.
#[derive(Debug, Default)]
pub(crate) struct Mint {
    pub(crate) changes: Signal,
}

#[async_trait::async_trait]
impl CredentialSource for Mint {
    fn name(&self) -> &'static str {
        "mint"
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        static ROLE: LazyLock<RoleArn> =
            LazyLock::new(|| "arn:aws:iam::111122223333:role/reader".parse().unwrap());
        // Sources wait for others; here that is a chance for other calls to come in between.
        tokio::task::yield_now().await;
        let now = SystemClock.now();
        let newest = now.as_nanosecond().to_string();
        let keys = Keys::new("AKIAIOSFODNN7EXAMPLE", newest.clone());
        Ok(match context.volume_id().split('-').next() {
            Some("token") => {
                let token = Token::parse("token", Secret::new(newest), Some(now + LIFE))?;
                CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, ROLE.clone())))
            }
            Some("keys") => CredentialForm::Keys(keys),
            _ => {
                CredentialForm::Keys(keys.with_session_token("session").with_expires_at(now + LIFE))
            }
        })
    }

    fn changes(&self) -> Option<Changes> {
        Some(self.changes.subscribe())
    }
}
