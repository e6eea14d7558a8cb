//! Which delivery each form has.

use s3_credential_core::{Delivery, FormKind, MountKind};

/// The delivery of each form, by the way in which Mountpoint is run. What is not set is delivered by its form's own delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// For a Mountpoint in a pod of its own.
    pub pod: FormDeliveries,
    /// For a Mountpoint that is a systemd unit of the node.
    pub systemd: FormDeliveries,
}

/// The delivery of each form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FormDeliveries {
    /// Of keys.
    pub keys: Option<Delivery>,
    /// Of a web identity.
    pub web_identity: Option<Delivery>,
    /// Of a container address.
    pub container: Option<Delivery>,
    /// Of the instance profile.
    pub instance_profile: Option<Delivery>,
}

impl Deliveries {
    /// Whether any form is delivered this way.
    pub fn has(&self, delivery: Delivery) -> bool {
        let of = |forms: &FormDeliveries| {
            [forms.keys, forms.web_identity, forms.container, forms.instance_profile]
        };
        [of(&self.pod), of(&self.systemd)].concat().contains(&Some(delivery))
    }

    /// The delivery that is set for this form.
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
