//! Errors: one list of kinds, and the body that every error of this workspace has.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The gRPC status code that a CSI driver answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The request, or a value in it, is wrong.
    InvalidArgument,
    /// The call did not end in time.
    DeadlineExceeded,
    /// Something that was named does not exist.
    NotFound,
    /// The identity is known and may not do this.
    PermissionDenied,
    /// A limit was hit; a later call may succeed.
    ResourceExhausted,
    /// The system is not set up for this.
    FailedPrecondition,
    /// Another operation on the same volume is under way.
    Aborted,
    /// A fault of this software or of the machine.
    Internal,
    /// Try again.
    Unavailable,
    /// The credentials are not valid.
    Unauthenticated,
}

impl Code {
    /// The name as gRPC and the CSI specification spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// The number on the wire (<https://grpc.io/docs/guides/status-codes/>).
    pub fn number(self) -> i32 {
        match self {
            Self::InvalidArgument => 3,
            Self::DeadlineExceeded => 4,
            Self::NotFound => 5,
            Self::PermissionDenied => 7,
            Self::ResourceExhausted => 8,
            Self::FailedPrecondition => 9,
            Self::Aborted => 10,
            Self::Internal => 13,
            Self::Unavailable => 14,
            Self::Unauthenticated => 16,
        }
    }
}

impl From<Code> for i32 {
    fn from(code: Code) -> Self {
        code.number()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! error_kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal, $code:ident, $retryable:literal, $advice:literal;)+) => {
        /// The kind of an error, by what the user should do about it. Each kind has one gRPC code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind { $($(#[doc = $doc])+ $kind,)+ }

        impl ErrorKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// The name in output, metrics and documentation.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// The gRPC code.
            pub fn code(self) -> Code {
                match self { $(Self::$kind => Code::$code,)+ }
            }

            /// Returns whether the same call may succeed later without any change.
            pub fn is_retryable(self) -> bool {
                match self { $(Self::$kind => $retryable,)+ }
            }

            /// Returns its meaning, in a sentence.
            pub fn description(self) -> &'static str {
                match self { $(Self::$kind => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// Returns what to do, for an error without help of its own.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$kind => $advice,)+ }
            }
        }
    };
}

error_kinds! {
    /// A field of the request is missing, malformed or too large.
    InvalidRequest = "invalid-request", InvalidArgument, false,
        "correct the field that is named, in the volume's definition";
    /// `authenticationSource` is none of driver, pod and secret.
    UnknownLevel = "unknown-authentication-level", InvalidArgument, false,
        "set `authenticationSource` of the volume to driver, pod or secret";
    /// The request does not say which pod it is for.
    MissingPodInfo = "missing-pod-info", InvalidArgument, false,
        "set `podInfoOnMount: true` in the CSIDriver object";
    /// The request has no service-account token of the needed audience.
    MissingToken = "missing-token", InvalidArgument, false,
        "list the audience under `tokenRequests` of the CSIDriver object";
    /// A token cannot be one: empty, with control characters, too large, or a JWT that does not
    /// decode.
    MalformedToken = "malformed-token", InvalidArgument, false,
        "hand the tokens over as the kubelet sent them: it makes them by `tokenRequests` of the CSIDriver object";
    /// A region name that cannot be part of a host name, or names an availability zone.
    InvalidRegion = "invalid-region", InvalidArgument, false,
        "name a region such as us-east-1";
    /// A role ARN that cannot be one.
    InvalidRoleArn = "invalid-role-arn", InvalidArgument, false,
        "name a role such as arn:aws:iam::111122223333:role/name";
    /// Keys that are half there, or that a profile file cannot carry back unchanged.
    InvalidSecret = "invalid-secret", InvalidArgument, false,
        "correct the value that is named, where it comes from";
    /// The configuration file has errors: each is listed with its line and column.
    InvalidConfiguration = "invalid-configuration", InvalidArgument, false,
        "correct the setting that is named; `s3cred config check` lists all there is to correct";
    /// The delivery cannot carry these credentials, or not to this mount kind.
    UnsupportedDelivery = "unsupported-delivery", InvalidArgument, false,
        "leave `delivery` out, for the form's own, or choose another";
    /// The driver's own set-up is incomplete or contradicts itself.
    Misconfigured = "misconfigured", FailedPrecondition, false,
        "complete the driver's setting that is named";
    /// No source of the chain applies to this volume: every attempt is listed with its reason.
    NoSource = "no-source-applies", FailedPrecondition, false,
        "set up one of the sources that were asked";
    /// A web identity needs a region to call STS, and no resolver knows one.
    NoRegion = "no-region", FailedPrecondition, false,
        "set the volume attribute `stsRegion`, the mount option `--region`, or AWS_REGION for the driver";
    /// Something that was named does not exist: the ServiceAccount, the Secret, the role.
    NotFound = "not-found", NotFound, false,
        "create what is named, or correct its name";
    /// A token, or temporary keys, are past their expiry.
    ExpiredToken = "expired-token", Unauthenticated, false,
        "check what renews them, and the clock of the node";
    /// A token is of another audience or service account than the volume's.
    WrongToken = "wrong-token", Unauthenticated, false,
        "check what builds the request: it must hold the tokens of its own pod";
    /// The token or the keys were examined by their service and refused.
    Rejected = "rejected", Unauthenticated, false,
        "check that they are current, and known to the service that is named";
    /// The identity is known and may not do this: the role's trust policy, RBAC, or a rule of the
    /// configuration.
    PermissionDenied = "permission-denied", PermissionDenied, false,
        "allow it in what is named: the role's trust policy, RBAC or the configuration";
    /// A service cannot be reached or answers with a fault of its own.
    Unavailable = "unavailable", Unavailable, true,
        "try again; if it stays, check that the service can be reached from the node";
    /// A service limits the rate.
    Throttled = "throttled", ResourceExhausted, true,
        "try again later";
    /// No answer within the time allowed.
    TimedOut = "timed-out", DeadlineExceeded, true,
        "try again; if it stays, check that what was asked can be reached from the node";
    /// Another operation on the same volume holds its lock.
    Busy = "busy", Aborted, true,
        "try again when it has ended";
    /// The file system refuses: the path is named.
    FileSystem = "file-system", FailedPrecondition, false,
        "look at the path that is named: its owner, mode, kind and file system";
    /// The file system is full.
    NoSpace = "no-space", ResourceExhausted, true,
        "make room on it, and try again";
    /// The machine has no file descriptors or no memory left.
    OutOfResources = "out-of-resources", ResourceExhausted, true,
        "try again; if it stays, raise the driver's limits (`ulimit -n`, memory)";
    /// A fault of this software.
    Internal = "internal", Internal, false,
        "report it with its message";
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body of every error here: what, how bad, and what to do. Cheap to clone, so that all who
/// wait for one result share it.
///
/// Neither the message nor the help ever holds a value from outside that may be secret: fields are
/// named, values are not shown.
#[derive(Debug, Clone)]
pub struct Failure {
    kind: ErrorKind,
    message: Cow<'static, str>,
    help: Option<Cow<'static, str>>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// Makes a failure of this kind. The message says what is wrong; what to do is the kind's
    /// advice, until [`Failure::with_help`] says it better.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), help: None, cause: None }
    }

    /// Says what the user should do, naming the setting to change.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Keeps the error that led to this one.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the gRPC code of the kind.
    pub fn code(&self) -> Code {
        self.kind.code()
    }

    /// Returns whether the same call may succeed later without any change. This is so only for the
    /// kinds whose code is UNAVAILABLE, ABORTED, RESOURCE_EXHAUSTED or DEADLINE_EXCEEDED.
    pub fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }

    /// Returns what is wrong, on one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns what to do.
    pub fn help(&self) -> &str {
        self.help.as_deref().unwrap_or_else(|| self.kind.advice())
    }
}

/// By what it says; what caused it is not looked at.
impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.message, &self.help) == (other.kind, &other.message, &other.help)
    }
}

impl Eq for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}
