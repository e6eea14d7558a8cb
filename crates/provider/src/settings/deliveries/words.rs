//! The words for deliveries in a configuration file, and why some are refused.

use s3_credential_core::Delivery;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value as Json};

use crate::document::REFUSED;

pub(super) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Delivery>, D::Error> {
    let Some(word) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    if word == Delivery::None.as_str() {
        return Ok(Some(Delivery::None));
    }
    word.parse().map(Some).map_err(D::Error::custom)
}

const NOT_DELEGATED: &str = "Mountpoint cannot exchange credentials of this form";
const NEVER_RENEWED: &str =
    "variables of a running Mountpoint can never be renewed, and the keys of this form end";

pub(super) fn keys(_: &mut SchemaGenerator) -> Schema {
    choice(
        &[Delivery::Profile, Delivery::Endpoint, Delivery::Environment],
        &[(Delivery::Delegated, NOT_DELEGATED)],
    )
}

pub(super) fn tokens(_: &mut SchemaGenerator) -> Schema {
    choice(
        &[Delivery::Delegated, Delivery::Profile, Delivery::Endpoint],
        &[(Delivery::Environment, NEVER_RENEWED)],
    )
}

pub(super) fn instance_profile(_: &mut SchemaGenerator) -> Schema {
    choice(
        &[Delivery::None, Delivery::Profile, Delivery::Endpoint],
        &[(Delivery::Delegated, NOT_DELEGATED), (Delivery::Environment, NEVER_RENEWED)],
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
