//! How credentials reach Mountpoint.

use s3_credential_core::{Delivery, FormKind};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value as Json};

use crate::document::REFUSED;
use crate::settings::{Deliveries, FormDeliveries};

/// How credentials reach Mountpoint, by the way in which it is run. What is left out is delivered by its form's own delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeliverySection {
    /// For a Mountpoint in a pod of its own. Not by `endpoint`, which such a pod cannot reach.
    pub(crate) pod: FormsSection,
    /// For a Mountpoint that is a systemd unit of the node.
    pub(crate) systemd: FormsSection,
}

/// The delivery of each form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct FormsSection {
    /// Of keys: `profile`, `endpoint`, or for long-term keys `environment`; `profile` where unset.
    #[schemars(schema_with = "of_keys")]
    pub(crate) keys: Option<Word>,
    /// Of a token for STS: `delegated`, or the keys that it is exchanged for by `profile` or `endpoint`. Where unset `delegated`, if
    /// Mountpoint can do the exchange, else `profile`.
    #[schemars(schema_with = "of_tokens")]
    pub(crate) web_identity: Option<Word>,
    /// Of an EKS Pod Identity: `delegated`, or the agent's keys by `profile` or `endpoint`; `delegated` where unset.
    #[schemars(schema_with = "of_tokens")]
    pub(crate) container: Option<Word>,
    /// Of the node's instance profile: `none`, since Mountpoint asks IMDS itself, or its keys by `profile` or `endpoint`; `none` where
    /// unset.
    #[schemars(schema_with = "of_instance_profile")]
    pub(crate) instance_profile: Option<Word>,
}

/// A delivery by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) Delivery);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        if word == Delivery::None.as_str() {
            return Ok(Self(Delivery::None));
        }
        word.parse().map(Self).map_err(D::Error::custom)
    }
}

const NOTHING_TO_DELEGATE: &str = "there is nothing in this form for Mountpoint to exchange";
const NEVER_RENEWED: &str =
    "variables of a running Mountpoint can never be renewed, and the keys of this form end";

fn of_keys(_: &mut SchemaGenerator) -> Schema {
    choice(
        &[Delivery::Profile, Delivery::Endpoint, Delivery::Environment],
        &[(Delivery::Delegated, NOTHING_TO_DELEGATE)],
    )
}

fn of_tokens(_: &mut SchemaGenerator) -> Schema {
    choice(
        &[Delivery::Delegated, Delivery::Profile, Delivery::Endpoint],
        &[(Delivery::Environment, NEVER_RENEWED)],
    )
}

fn of_instance_profile(_: &mut SchemaGenerator) -> Schema {
    choice(
        &[Delivery::None, Delivery::Profile, Delivery::Endpoint],
        &[(Delivery::Delegated, NOTHING_TO_DELEGATE), (Delivery::Environment, NEVER_RENEWED)],
    )
}

fn choice(allowed: &[Delivery], refused: &[(Delivery, &str)]) -> Schema {
    let words: Vec<&str> = allowed.iter().map(|delivery| delivery.as_str()).collect();
    let refused: Map<String, Json> = refused
        .iter()
        .map(|(delivery, reason)| (delivery.to_string(), Json::from(*reason)))
        .collect();
    json_schema!({ "type": "string", "enum": words, (REFUSED): refused })
}

impl FormsSection {
    /// The forms whose delivery is set.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (FormKind, Delivery)> {
        [
            (FormKind::Keys, self.keys),
            (FormKind::WebIdentity, self.web_identity),
            (FormKind::Container, self.container),
            (FormKind::InstanceProfile, self.instance_profile),
        ]
        .into_iter()
        .filter_map(|(form, word)| Some((form, word?.0)))
    }
}

impl From<DeliverySection> for Deliveries {
    fn from(DeliverySection { pod, systemd }: DeliverySection) -> Self {
        Self { pod: pod.into(), systemd: systemd.into() }
    }
}

impl From<FormsSection> for FormDeliveries {
    fn from(section: FormsSection) -> Self {
        let delivery = |word: Option<Word>| word.map(|Word(delivery)| delivery);
        Self {
            keys: delivery(section.keys),
            web_identity: delivery(section.web_identity),
            container: delivery(section.container),
            instance_profile: delivery(section.instance_profile),
        }
    }
}
