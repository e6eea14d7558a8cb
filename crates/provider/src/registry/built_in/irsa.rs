//! `irsa`

use s3_credential_core::{AuthenticationLevel, Failure, SessionSettings, source_names};
use s3_credential_irsa::IrsaSettings;
use schemars::JsonSchema;
use serde::Deserialize;

use super::session::{SecondHopSection, SessionSection};
use crate::document::Period;
use crate::plugins::{self, PluginContext};
use crate::registry::Registry;

/// The driver's own web-identity token and role: IAM roles for service accounts.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct IrsaSection {
    /// What to ask STS for, beyond the role.
    session: SessionSection,
    /// A second role, assumed with the keys of the first.
    second_hop: Option<SecondHopSection>,
    /// How often the token file is looked at for a change.
    poll: Period,
}

impl Default for IrsaSection {
    fn default() -> Self {
        let IrsaSettings { poll, .. } = IrsaSettings::default();
        Self { session: SessionSection::default(), second_hop: None, poll: poll.into() }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "IrsaSection")]
#[schemars(with = "IrsaSection")]
struct Irsa(IrsaSettings);

impl TryFrom<IrsaSection> for Irsa {
    type Error = Failure;

    fn try_from(section: IrsaSection) -> Result<Self, Failure> {
        let settings = IrsaSettings {
            session: SessionSettings::from(section.session),
            second_hop: section.second_hop.map(Into::into),
            poll: section.poll.into(),
        };
        settings.session.check(settings.second_hop.as_ref())?;
        Ok(Self(settings))
    }
}

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(source_names::IRSA, |Irsa(settings): &Irsa, context: &PluginContext| {
            plugins::irsa::source(settings, context)
        })?
        .only_at([AuthenticationLevel::Driver, AuthenticationLevel::Secret]);
    Ok(())
}
