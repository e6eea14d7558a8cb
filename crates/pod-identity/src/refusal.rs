//! The meaning of answers without keys, and whether another attempt may bring some.

use s3_credential_core::{ErrorKind, Failure, Token};

use crate::address::Address;
use crate::wire::{Answer, WireError};

/// No keys.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) failure: Failure,
    pub(crate) again: Again,
}

/// The decision about another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// Another attempt would get the same answer.
    Never,
    /// A few times.
    Soon,
    /// Within the operation time-out: what is missing may be on its way.
    WhilePatient,
}

/// Explains for one address and token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) address: &'a Address,
    pub(crate) token: Option<&'a Token>,
}

impl Asked<'_> {
    /// An answer that is not 200. EKS Auth's own exceptions are named in it
    /// (`[id]: (NameException): ...`), and say more than the status, which for most of them is 400.
    pub(crate) fn refused(self, answer: &Answer) -> Refusal {
        let status = answer.status;
        let text = String::from_utf8_lossy(&answer.body);
        let says = |words: &str| text.contains(words);
        if says("ExpiredTokenException") || status == 400 && says("token is expired") {
            self.refusal(
                ErrorKind::ExpiredToken,
                "refuses the token: it has expired",
                RENEW,
                Again::Never,
            )
        } else if says("AccessDeniedException") {
            self.refusal(
                ErrorKind::PermissionDenied,
                "may not assume the role of the association",
                "let pods.eks.amazonaws.com assume the role (sts:AssumeRole and sts:TagSession in its trust policy), and the node's role call \
                 eks-auth:AssumeRoleForPodIdentity",
                Again::Never,
            )
        } else if status == 404 || says("ResourceNotFoundException") {
            self.refusal(
                ErrorKind::NotFound,
                &format!("knows no EKS Pod Identity association for {}", self.service_account()),
                "create one with `aws eks create-pod-identity-association`, for this cluster, namespace and service account; and check that the \
                 agent's URL ends with /v1/credentials",
                Again::WhilePatient,
            )
        } else if status == 403 {
            self.refusal(
                ErrorKind::PermissionDenied,
                "refuses to be asked at this address",
                "use the agent's own address, http://169.254.170.23/v1/credentials or http://[fd00:ec2::23]/v1/credentials",
                Again::Never,
            )
        } else if status == 429 || says("ThrottlingException") {
            self.refusal(
                ErrorKind::Throttled,
                "limits the rate of requests",
                "try again",
                Again::Soon,
            )
        } else if matches!(status, 400 | 401) {
            self.refusal(
                ErrorKind::Rejected,
                "refuses the token",
                "it must be a token of this cluster for the audience pods.eks.amazonaws.com: check `tokenRequests` of the CSIDriver object",
                Again::Never,
            )
        } else {
            self.refusal(
                ErrorKind::Unavailable,
                &format!("answers with HTTP {status}"),
                LOOK_AT_AGENT,
                Again::Soon,
            )
        }
    }

    /// A 200 without keys.
    pub(crate) fn unreadable(self) -> Refusal {
        self.refusal(
            ErrorKind::Unavailable,
            "answers with something else than keys and their expiry",
            LOOK_AT_AGENT,
            Again::Soon,
        )
    }

    /// No answer.
    pub(crate) fn unanswered(self, error: WireError) -> Refusal {
        let unavailable =
            |problem, help| self.refusal(ErrorKind::Unavailable, problem, help, Again::Soon);
        let mut refusal = match &error {
            WireError::Refused => unavailable("refuses the connection", LOOK_AT_AGENT),
            WireError::Unreachable(_) => unavailable("cannot be reached", LOOK_AT_AGENT),
            WireError::Tls(_) => unavailable(
                "is not trusted, or does not speak TLS",
                "let AWS_CA_BUNDLE name the certificate of its authority",
            ),
            WireError::Broken => unavailable(
                "cuts the connection, sends too much, or does not speak HTTP",
                LOOK_AT_AGENT,
            ),
            WireError::NotConnected(after) => self.refusal(
                ErrorKind::TimedOut,
                &format!("takes no connection within {after:?}"),
                LOOK_AT_AGENT,
                Again::Soon,
            ),
            WireError::Silent(after) => self.refusal(
                ErrorKind::TimedOut,
                &format!("gives no answer within {after:?}"),
                LOOK_AT_AGENT,
                Again::Soon,
            ),
            WireError::Token => self.refusal(
                ErrorKind::MalformedToken,
                "cannot be sent the token: it holds what no header can",
                RENEW,
                Again::Never,
            ),
        };
        refusal.failure = refusal.failure.with_cause(error);
        refusal
    }

    /// No time is left.
    pub(crate) fn out_of_patience(self) -> Failure {
        self.refusal(ErrorKind::TimedOut, "gives no answer in time", LOOK_AT_AGENT, Again::Never)
            .failure
    }

    fn refusal(self, kind: ErrorKind, problem: &str, help: &'static str, again: Again) -> Refusal {
        let origin = self.address.origin();
        let failure = Failure::new(kind, format!("the Pod Identity agent at {origin} {problem}"));
        Refusal { failure: failure.with_help(help), again }
    }

    /// Returns the name in the token, which is not verified: only a valid name is shown.
    fn service_account(self) -> String {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.len() <= 253
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        };
        let subject = self.token.and_then(Token::subject).unwrap_or_default();
        match subject.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
            Some((namespace, name)) if is_name(namespace) && is_name(name) => {
                format!("the service account {namespace}/{name}")
            }
            _ => "the token's service account".to_owned(),
        }
    }
}

const LOOK_AT_AGENT: &str = "check that the EKS Pod Identity agent runs on this node (DaemonSet eks-pod-identity-agent in kube-system), and that \
     no network policy keeps the driver's pod from it";
const RENEW: &str = "check the clock of the node, and that the driver's CSIDriver object has `requiresRepublish: true`";
