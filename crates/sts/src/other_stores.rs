//! Error codes that the STS of another store (MinIO, Ceph, SeaweedFS) answers with, or that mean
//! something else there.

use s3_credential_core::ErrorKind;

use crate::refusal::{Asked, By, Refusal, never};

impl Asked<'_> {
    /// Returns the refusal, where the code is none of AWS's for this call; none if AWS's meaning
    /// counts.
    pub(crate) fn refused_by_other_store(&self, code: &str) -> Option<Refusal> {
        if !self.endpoint.is_other_store {
            return None;
        }
        let (url, role) = (&self.endpoint.url, self.role);
        Some(match code {
            "NoSuchEntity" | "NoSuchRole" | "NoSuchRoleException" => never(
                ErrorKind::NotFound,
                format!("the STS at {url} knows no role {role}"),
                "create the role in the store, or correct its name",
            ),
            "NoSuchBucket" | "NoSuchKey" | "InvalidBucketName" => never(
                ErrorKind::Misconfigured,
                format!("what answers at {url} is S3 and not STS"),
                "set AWS_ENDPOINT_URL_STS to the URL of the store's STS, with its path if it has one",
            ),
            "NotImplemented"
            | "MethodNotAllowed"
            | "InvalidAction"
            | "UnknownOperationException"
            | "UnsupportedOperation" => never(
                ErrorKind::Misconfigured,
                format!("the server at {url} does not offer what {} needs", self.action()),
                "switch STS with OpenID Connect on in the store, and check AWS_ENDPOINT_URL_STS",
            ),
            "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "InvalidToken"
            | "InvalidClientGrantsToken"
                if matches!(self.by, By::Token(_)) =>
            {
                never(
                    ErrorKind::Rejected,
                    format!("the STS at {url} does not accept the token for {role}"),
                    "check that the store trusts the cluster's issuer and the token's audience (its client id), and that it can read \
                     the issuer's key set",
                )
            }
            "InvalidParameterValue"
            | "InvalidParameterCombination"
            | "MissingParameter"
            | "InvalidRequest"
            | "MalformedRequest"
            | "InvalidArgument" => never(
                ErrorKind::InvalidRequest,
                format!("the STS at {url} does not accept a parameter of the request for {role}"),
                "check the role and its policies in the store, and the session's duration; the store's log names the parameter",
            ),
            _ => return None,
        })
    }

    fn action(&self) -> &'static str {
        match self.by {
            By::Token(_) => "AssumeRoleWithWebIdentity",
            By::Keys(_) => "AssumeRole",
        }
    }
}
