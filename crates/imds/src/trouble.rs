//! The reasons why IMDS gave no answer: recognised in one place, explained in one place.

use std::borrow::Cow;
use std::error::Error;

use aws_config::imds::client::error::{ImdsError, TokenError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use s3_credential_core::{AttemptError, ErrorKind, Failure, NotApplicable};

use crate::wire::{Stage, WireError};

/// The reason why a look-up failed.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// `AWS_EC2_METADATA_DISABLED`.
    SwitchedOff,
    /// A variable that cannot be what it is.
    Misconfigured(Failure),
    /// No service listens there.
    Refused,
    /// No way there.
    Unreachable,
    /// No answer in time, to this.
    Silent(Stage),
    /// 403: switched off for the instance, or not for this caller.
    Forbidden,
    /// 404, or an empty list.
    Absent(Wanted),
    /// A role is listed, and there is no document with its keys.
    NoKeys(Box<str>),
    /// 404, 405 or 501 for the session token: version 1 only.
    OnlyVersion1(u16),
    /// 401: the session token is not known (any more).
    TokenRefused,
    /// 429.
    Throttled,
    /// A fault of IMDS's own: what it did.
    Broken(Cow<'static, str>),
}

/// The subject of a look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Role,
    Keys,
    Region,
}

impl Trouble {
    /// Sorts what aws-config's client reports.
    pub(crate) fn recognise(error: &ImdsError, wanted: Wanted) -> Self {
        if let Some(error) = find::<WireError>(error) {
            return match error {
                WireError::Refused => Self::Refused,
                WireError::Unreachable(_) => Self::Unreachable,
                WireError::Cut(_) | WireError::Body => {
                    Self::Broken("cut the connection, sent too much, or does not speak HTTP".into())
                }
                WireError::Request => Self::Broken("was asked wrongly".into()),
            };
        }
        let token = find::<SdkError<TokenError, HttpResponse>>(error);
        let (question, status) = match (error, token) {
            (ImdsError::ErrorResponse(context), _) => {
                (wanted.as_str(), Some(context.response().status().as_u16()))
            }
            (_, Some(token)) => {
                ("a session token", token.raw_response().map(|response| response.status().as_u16()))
            }
            _ => (wanted.as_str(), None),
        };
        match status {
            Some(401) => Self::TokenRefused,
            Some(403) => Self::Forbidden,
            Some(404) if token.is_none() => Self::Absent(wanted),
            Some(429) => Self::Throttled,
            Some(status @ (404 | 405 | 501)) if token.is_some() => Self::OnlyVersion1(status),
            Some(status) if !(200..300).contains(&status) => Self::Broken(
                format!("answered the request for {question} with HTTP {status}").into(),
            ),
            _ => Self::malformed(question),
        }
    }

    /// An answer that is none.
    pub(crate) fn malformed(question: &str) -> Self {
        Self::Broken(format!("answered the request for {question} with something else").into())
    }

    /// Returns whether another attempt at once may help. There is none after a silence: it has
    /// taken all the time there is.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::TokenRefused | Self::Throttled | Self::Broken(_))
    }

    /// For a chain: only a fault of IMDS's own stops it.
    pub(crate) fn into_attempt_error(self, endpoint: &str) -> AttemptError {
        let Explanation { reason, help } = self.explain(endpoint);
        match self {
            Self::Misconfigured(failure) => failure.into(),
            Self::Throttled => Failure::new(ErrorKind::Throttled, reason).with_help(help).into(),
            Self::NoKeys(_) | Self::OnlyVersion1(_) | Self::TokenRefused | Self::Broken(_) => {
                Failure::new(ErrorKind::Unavailable, reason).with_help(help).into()
            }
            Self::Silent(_) => {
                AttemptError::NotApplicable(NotApplicable::new(reason).timed_out()).with_help(help)
            }
            Self::SwitchedOff
            | Self::Refused
            | Self::Unreachable
            | Self::Forbidden
            | Self::Absent(_) => AttemptError::not_applicable(reason).with_help(help),
        }
    }

    /// For an exchange: the volume already has the instance profile, so everything is a failure.
    pub(crate) fn into_failure(self, endpoint: &str) -> Failure {
        let Explanation { reason, help } = self.explain(endpoint);
        let kind = match self {
            Self::Misconfigured(failure) => return failure,
            Self::SwitchedOff | Self::Forbidden => ErrorKind::Misconfigured,
            Self::Absent(_) => ErrorKind::NotFound,
            Self::Silent(_) => ErrorKind::TimedOut,
            Self::Throttled => ErrorKind::Throttled,
            Self::NoKeys(_)
            | Self::OnlyVersion1(_)
            | Self::Refused
            | Self::Unreachable
            | Self::TokenRefused
            | Self::Broken(_) => ErrorKind::Unavailable,
        };
        Failure::new(kind, reason).with_help(help)
    }

    fn explain(&self, endpoint: &str) -> Explanation {
        let (reason, help) = match self {
            Self::SwitchedOff => (
                "IMDS is switched off for the driver (AWS_EC2_METADATA_DISABLED=true)".into(),
                "remove AWS_EC2_METADATA_DISABLED from the driver's environment, if it shall use the node's instance profile and region",
            ),
            Self::Misconfigured(failure) => (failure.message().to_owned(), ""),
            Self::Refused => (
                format!(
                    "IMDS at {endpoint} refuses the connection: this is not an EC2 instance, or the way is blocked"
                ),
                NOT_EC2,
            ),
            Self::Unreachable => (
                format!(
                    "IMDS at {endpoint} cannot be reached: this is not an EC2 instance, or the way is blocked"
                ),
                NOT_EC2,
            ),
            Self::Silent(Stage::Connection) => (
                format!(
                    "IMDS at {endpoint} is silent, no connection in time: this is not an EC2 instance, or the way is blocked"
                ),
                NOT_EC2,
            ),
            Self::Silent(Stage::Token) => (
                format!(
                    "IMDS at {endpoint} takes the connection but its session token does not arrive: its hop limit is too low for the driver's pod"
                ),
                HOP_LIMIT,
            ),
            Self::Silent(Stage::Answer) => (
                format!("IMDS at {endpoint} gave a session token and is silent since"),
                "try again; if it stays so, look for what limits the rate of requests to IMDS on this node",
            ),
            Self::Forbidden => (
                format!(
                    "IMDS at {endpoint} refuses to answer (HTTP 403): it is disabled for this instance"
                ),
                "enable it (`aws ec2 modify-instance-metadata-options --http-endpoint enabled`), or give the driver credentials and AWS_REGION of its own",
            ),
            Self::Absent(Wanted::Role) => (
                format!("the instance has no role: IMDS at {endpoint} lists no instance profile"),
                "attach an instance profile to the node, or give the driver credentials of its own",
            ),
            Self::NoKeys(role) => (
                format!("IMDS at {endpoint} lists the role {role} and has no keys for it"),
                "try again: a role that was just attached takes some seconds; if it stays so, check what stands in for IMDS on this \
                 node, and how it names roles",
            ),
            Self::OnlyVersion1(status) => (
                format!(
                    "IMDS at {endpoint} answered the request for a session token with HTTP {status}: it speaks version 1 only, and version 2 is required"
                ),
                VERSION_1,
            ),
            Self::Absent(Wanted::Keys) => (
                format!("IMDS at {endpoint} has no keys for the instance's role"),
                "try again: a role that was just attached takes some seconds",
            ),
            Self::Absent(Wanted::Region) => {
                (format!("IMDS at {endpoint} returns no region"), "set AWS_REGION for the driver")
            }
            Self::TokenRefused => (
                format!("IMDS at {endpoint} refuses the session token that it gave (HTTP 401)"),
                "try again",
            ),
            Self::Throttled => (
                format!("IMDS at {endpoint} limits the rate of requests (HTTP 429)"),
                "try again; look for what asks IMDS so often on this node",
            ),
            Self::Broken(what) => (format!("IMDS at {endpoint} is broken: it {what}"), BROKEN),
        };
        Explanation { reason, help }
    }
}

struct Explanation {
    reason: String,
    help: &'static str,
}

const HOP_LIMIT: &str = "raise the hop limit of IMDS (HttpPutResponseHopLimit) to 2, for the node (`aws ec2 modify-instance-metadata-options --instance-id ID \
     --http-put-response-hop-limit 2`) and in its launch template; or give the driver credentials and AWS_REGION of its own";
const NOT_EC2: &str = "on EC2, let the driver's pod through to IMDS (network policies, iptables rules, HttpEndpoint); elsewhere, give the \
     driver credentials and AWS_REGION of its own, and set AWS_EC2_METADATA_DISABLED=true";
const VERSION_1: &str = "let what stands in for IMDS on this node (kube2iam, an emulator) answer PUT /latest/api/token; or give the driver \
     credentials and AWS_REGION of its own, and set AWS_EC2_METADATA_DISABLED=true";
const BROKEN: &str = "try again; if it stays so, check AWS_EC2_METADATA_SERVICE_ENDPOINT and what stands between the driver and IMDS";

impl Wanted {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Role => "the instance's role",
            Self::Keys => "the role's keys",
            Self::Region => "the region",
        }
    }
}

/// The first error of this type on the way down from `error`.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source())
        .find_map(|error| error.downcast_ref::<E>())
}
