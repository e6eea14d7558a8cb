//! Refusals of STS, and failures on the way to it.
//!
//! Every text is our own. The SDK's errors hold the raw answer, and a broken answer may hold the
//! keys: of an error only its code and its status are looked at.

use std::borrow::Cow;
use std::error::Error;
use std::io;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::DispatchFailure;
use s3_credential_core::{ErrorKind, Failure};

use crate::endpoint::Endpoint;
use crate::error_document;

/// A failure, and whether to try again within the same call.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) failure: Failure,
    pub(crate) again: Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// The answer would be the same.
    Never,
    /// It may pass at once.
    Soon,
    /// It passes if one waits.
    Later,
}

/// The request, for the failure to name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) role: &'a str,
    pub(crate) by: By<'a>,
}

/// The credentials of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By<'a> {
    /// A web-identity token, with its `sub` where it is a plain one.
    Token(Option<&'a str>),
    /// The keys of this role.
    Keys(&'a str),
}

impl Asked<'_> {
    pub(crate) fn refusal<E: ProvideErrorMetadata>(
        &self,
        error: &SdkError<E, HttpResponse>,
    ) -> Refusal {
        match error {
            SdkError::TimeoutError(_) => self.timed_out(),
            SdkError::DispatchFailure(failure) => self.undelivered(failure),
            SdkError::ServiceError(answer) => {
                let of_document = || answer.raw().body().bytes().and_then(error_document::code);
                let code = answer.err().code().or_else(of_document);
                self.refused(answer.raw().status().as_u16(), code)
            }
            SdkError::ResponseError(answer) => {
                let code = answer.raw().body().bytes().and_then(error_document::code);
                match code.filter(|_| !answer.raw().status().is_success()) {
                    Some(code) => self.refused(answer.raw().status().as_u16(), Some(code)),
                    None => self.unreadable(),
                }
            }
            _ => never(
                ErrorKind::Internal,
                format!("the request to assume {} cannot be made", self.role),
                "report this as a fault of this software",
            ),
        }
    }

    /// No answer in time.
    pub(crate) fn timed_out(&self) -> Refusal {
        Refusal { again: Again::Soon, failure: self.unreachable("does not answer in time") }
    }

    /// Returns an answer that is no document, or one without keys.
    pub(crate) fn unreadable(&self) -> Refusal {
        Refusal {
            again: Again::Soon,
            failure: self.unreachable("gives an answer that cannot be read"),
        }
    }

    fn undelivered(&self, failure: &DispatchFailure) -> Refusal {
        if failure.is_timeout() {
            return self.timed_out();
        }
        let untrusted =
            failure.as_connector_error().is_some_and(|error| holds_certificate_error(error));
        if untrusted {
            return never(
                ErrorKind::Misconfigured,
                format!("STS at {} shows a certificate that is not trusted", self.endpoint.url),
                "name the PEM file of its certificate authority in AWS_CA_BUNDLE",
            );
        }
        Refusal { again: Again::Soon, failure: self.unreachable("cannot be reached") }
    }

    /// Maps a code by the table of the service model and its API reference. A code that is not in
    /// it counts by its status.
    fn refused(&self, status: u16, code: Option<&str>) -> Refusal {
        let role = self.role;
        if let Some(refusal) = code.and_then(|code| self.refused_by_other_store(code)) {
            return refusal;
        }
        match code.unwrap_or_default() {
            "ExpiredTokenException" | "ExpiredToken" => self.expired(),
            // The keys of the issuer are fetched by STS, and at times one call too late: then it
            // helps to ask again.
            "InvalidIdentityToken" | "InvalidIdentityTokenException" => Refusal {
                again: Again::Soon,
                failure: Failure::new(
                    ErrorKind::Rejected,
                    format!("STS cannot validate the token for {role}"),
                )
                .with_help(
                    "check that IAM has an OIDC provider for the cluster's issuer, with the token's audience, and that the issuer's \
                     key set can be read from the internet",
                ),
            },
            "IDPCommunicationError" => Refusal {
                again: Again::Soon,
                failure: Failure::new(
                    ErrorKind::Unavailable,
                    format!("STS cannot reach the issuer of the token for {role}"),
                )
                .with_help("check that the cluster's OIDC issuer can be read from the internet"),
            },
            "IDPRejectedClaim" => never(
                ErrorKind::Rejected,
                format!("the issuer of the token for {role} rejects it"),
                "publish the volume with a new token; check that the service account still exists",
            ),
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => self.denied(),
            "MalformedPolicyDocument" => never(
                ErrorKind::InvalidRequest,
                format!("the session policy for {role} is not a policy"),
                "correct the session policy",
            ),
            "PackedPolicyTooLarge" => never(
                ErrorKind::InvalidRequest,
                format!("the session policies and tags for {role} are too large together"),
                "shorten the session policy, or use fewer policy ARNs and tags",
            ),
            "RegionDisabledException" => never(
                ErrorKind::PermissionDenied,
                format!("STS at {} is not activated for the account of {role}", self.endpoint.url),
                "activate STS for this region in the account settings of IAM, or name another region with `stsRegion`",
            ),
            "InvalidClientTokenId" | "SignatureDoesNotMatch" | "RequestExpired" | "RequestTimeTooSkewed"
            | "IncompleteSignature" | "MissingAuthenticationToken" | "UnrecognizedClientException" => never(
                ErrorKind::Rejected,
                format!("STS does not take the signature of the request to assume {role}"),
                "check the clock of the node",
            ),
            code if is_throttling(code) => self.throttled(),
            code => self.refused_by_status(status, !code.is_empty()),
        }
    }

    fn refused_by_status(&self, status: u16, has_code: bool) -> Refusal {
        let role = self.role;
        match status {
            429 => self.throttled(),
            200..=299 => self.unreadable(),
            408 => self.timed_out(),
            500.. => Refusal {
                again: Again::Soon,
                failure: self.unreachable(&format!("answers with the fault {status}")),
            },
            401 | 403 if has_code => self.denied(),
            _ if has_code => never(
                ErrorKind::InvalidRequest,
                format!("STS does not accept what is asked for {role} (status {status})"),
                "check the session's duration against the maximum session duration of the role, and the policy ARNs",
            ),
            _ => never(
                ErrorKind::Misconfigured,
                format!("what answers at {} is not STS (status {status})", self.endpoint.url),
                "check AWS_ENDPOINT_URL_STS and HTTPS_PROXY",
            ),
        }
    }

    fn expired(&self) -> Refusal {
        match self.by {
            By::Token(_) => never(
                ErrorKind::ExpiredToken,
                format!("the token for {} has expired", self.role),
                "the kubelet renews tokens before they expire: check the clock of the node, and that the driver's CSIDriver object \
                 has `requiresRepublish: true`",
            ),
            By::Keys(first) => never(
                ErrorKind::ExpiredToken,
                format!("the keys of {first} have expired before they could assume {}", self.role),
                "check the clock of the node",
            ),
        }
    }

    pub(crate) fn denied(&self) -> Refusal {
        let role = self.role;
        let help = match self.by {
            By::Token(subject) => format!(
                "allow sts:AssumeRoleWithWebIdentity in the trust policy of {role} for the cluster's issuer and its audience{}; a \
                 change takes some seconds to apply",
                subject.map_or_else(String::new, |subject| format!(" and the subject {subject}"))
            ),
            By::Keys(first) => format!(
                "allow sts:AssumeRole (and sts:TagSession for tags) on {role} in a policy of {first}, and {first} in the trust policy of \
                 {role}, with the external id if it asks for one"
            ),
        };
        Refusal {
            again: Again::Never,
            failure: Failure::new(
                ErrorKind::PermissionDenied,
                format!("STS does not let {role} be assumed"),
            )
            .with_help(help),
        }
    }

    /// No call now: STS limits the rate, as it has just said, or as it did to others of this
    /// process.
    pub(crate) fn throttled(&self) -> Refusal {
        Refusal {
            again: Again::Later,
            failure: Failure::new(
                ErrorKind::Throttled,
                format!("STS at {} limits the rate of requests", self.endpoint.url),
            )
            .with_help("it passes; if it returns often, spread the nodes' start, or use another region with `stsRegion`"),
        }
    }

    fn unreachable(&self, problem: &str) -> Failure {
        Failure::new(
            ErrorKind::Unavailable,
            format!("STS at {} {problem}", self.endpoint.url),
        )
        .with_help(
            "check DNS, routes and security groups between the node and STS: a private cluster needs an interface endpoint for STS in \
             this region, or a proxy (HTTPS_PROXY)",
        )
    }
}

pub(crate) fn never(
    kind: ErrorKind,
    message: String,
    help: impl Into<Cow<'static, str>>,
) -> Refusal {
    Refusal { again: Again::Never, failure: Failure::new(kind, message).with_help(help) }
}

fn is_throttling(code: &str) -> bool {
    [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    ]
    .contains(&code)
}

/// `io::Error` hides the error in it from `source`.
fn holds_certificate_error(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}
