//! The delivery of each form.

#[cfg(feature = "yaml")]
mod words;

use s3_credential_core::{Delivery, FormKind, MountKind};

/// The delivery of each form, by the way in which Mountpoint is run. What is not set is delivered
/// by its form's own delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "yaml",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(deny_unknown_fields, default)
)]
pub struct Deliveries {
    /// For a Mountpoint in a pod of its own. Not by `endpoint`, which such a pod cannot reach.
    pub pod: FormDeliveries,
    /// For a Mountpoint that is a systemd unit of the node.
    pub systemd: FormDeliveries,
}

/// The delivery of each form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "yaml",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "kebab-case", deny_unknown_fields, default)
)]
pub struct FormDeliveries {
    /// The delivery of keys: `profile`, `endpoint`, or for long-term keys `environment`; `profile`
    /// where unset.
    #[cfg_attr(
        feature = "yaml",
        serde(deserialize_with = "words::read"),
        schemars(schema_with = "words::keys")
    )]
    pub keys: Option<Delivery>,
    /// The delivery of a token for STS: `delegated`, or `profile` or `endpoint` for the keys that
    /// it is exchanged for. Where unset, `delegated` if Mountpoint can do the exchange, else
    /// `profile`.
    #[cfg_attr(
        feature = "yaml",
        serde(deserialize_with = "words::read"),
        schemars(schema_with = "words::tokens")
    )]
    pub web_identity: Option<Delivery>,
    /// The delivery of an EKS Pod Identity: `delegated`, or `profile` or `endpoint` for the agent's
    /// keys; `delegated` where unset.
    #[cfg_attr(
        feature = "yaml",
        serde(deserialize_with = "words::read"),
        schemars(schema_with = "words::tokens")
    )]
    pub container: Option<Delivery>,
    /// The delivery of the node's instance profile: `none`, since Mountpoint calls IMDS itself, or
    /// `profile` or `endpoint` for its keys; `none` where unset.
    #[cfg_attr(
        feature = "yaml",
        serde(deserialize_with = "words::read"),
        schemars(schema_with = "words::instance_profile")
    )]
    pub instance_profile: Option<Delivery>,
}

#[cfg(feature = "yaml")]
impl FormDeliveries {
    /// Returns the forms whose delivery is set.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (FormKind, Delivery)> {
        [
            (FormKind::Keys, self.keys),
            (FormKind::WebIdentity, self.web_identity),
            (FormKind::Container, self.container),
            (FormKind::InstanceProfile, self.instance_profile),
        ]
        .into_iter()
        .filter_map(|(form, delivery)| Some((form, delivery?)))
    }
}

impl Deliveries {
    /// Returns whether any form is delivered this way.
    pub fn has(&self, delivery: Delivery) -> bool {
        let of = |forms: &FormDeliveries| {
            [forms.keys, forms.web_identity, forms.container, forms.instance_profile]
        };
        [of(&self.pod), of(&self.systemd)].concat().contains(&Some(delivery))
    }

    /// Returns the delivery that is set for this form.
    pub fn of(&self, kind: MountKind, form: FormKind) -> Option<Delivery> {
        let forms = match kind {
            MountKind::Pod => &self.pod,
            MountKind::Systemd => &self.systemd,
        };
        match form {
            FormKind::Keys => forms.keys,
            FormKind::WebIdentity => forms.web_identity,
            FormKind::Container => forms.container,
            FormKind::InstanceProfile => forms.instance_profile,
            _ => None,
        }
    }
}
