//! The policy document.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::place::Place;
use crate::region::Partition;

/// Limit of the parameter `Policy` (STS API reference, AssumeRoleWithWebIdentity).
pub(super) const MAX_CHARS: usize = 2048;

/// The characters of the parameter `Policy`. Others could be written as JSON escapes, but it is not
/// documented how IAM reads those.
pub(super) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{ff}')
}

/// The access of the volume to objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It reads them.
    Read,
    /// It reads and writes them.
    Write,
    /// It reads, writes and deletes them.
    Delete,
}

pub(super) fn draw(
    place: &Place<'_>,
    prefix: Option<&str>,
    access: Access,
    partition: Partition,
) -> String {
    let read_only = access == Access::Read;
    let mut statements = match place {
        Place::Directory(_) => vec![session(&place.resource(partition), read_only)],
        Place::Bucket(_) | Place::AccessPoint(_) => {
            let keys = format!("{}*", prefix.map(escape).unwrap_or_default());
            vec![
                listing(&place.resource(partition), prefix.is_some().then_some(&keys)),
                objects(&place.objects(partition, &keys), access),
            ]
        }
    };
    statements.push(encryption(place, read_only, partition));
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// Without a prefix in the request there is no `s3:prefix`, and the condition is not met.
fn listing(resource: &str, keys: Option<&String>) -> Value {
    let mut statement = allow(&["s3:ListBucket"], resource);
    if let Some(keys) = keys {
        statement["Condition"] = json!({"StringLike": {"s3:prefix": keys}});
    }
    statement
}

fn objects(resource: &str, access: Access) -> Value {
    let actions: &[&str] = match access {
        Access::Read => &["s3:GetObject"],
        Access::Write => &["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
        Access::Delete => {
            &["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"]
        }
    };
    allow(actions, resource)
}

/// All that a directory bucket knows; where no mode is asked for, S3 gives the one that is allowed.
fn session(resource: &str, read_only: bool) -> Value {
    let mut statement = allow(&["s3express:CreateSession"], resource);
    if read_only {
        statement["Condition"] = json!({"StringEquals": {"s3express:SessionMode": "ReadOnly"}});
    }
    statement
}

/// Returns the statement on KMS keys. The role decides which keys; this only requires that S3 asks
/// on behalf of this volume. The bucket may be in another region than STS.
fn encryption(place: &Place<'_>, read_only: bool, partition: Partition) -> Value {
    let actions: &[&str] =
        if read_only { &["kms:Decrypt"] } else { &["kms:Decrypt", "kms:GenerateDataKey"] };
    // By which name directory buckets use KMS is not documented.
    let services: &[&str] = match place {
        Place::Directory(_) => &["s3", "s3express"],
        Place::Bucket(_) | Place::AccessPoint(_) => &["s3"],
    };
    let suffixes = BTreeSet::from(["amazonaws.com", partition.dns_suffix]);
    let hosts: Vec<String> = services
        .iter()
        .flat_map(|service| suffixes.iter().map(move |suffix| format!("{service}.*.{suffix}")))
        .collect();
    let mut statement = allow(actions, "*");
    statement["Condition"] = json!({"StringLike": {"kms:ViaService": hosts}});
    statement
}

fn allow(actions: &[&str], resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

/// Escapes what is a wildcard or a variable to IAM (IAM user guide, "Policy variables": special
/// characters).
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        match character {
            '*' | '?' | '$' => escaped.extend(["${", character.encode_utf8(&mut [0; 4]), "}"]),
            other => escaped.push(other),
        }
        escaped
    })
}
