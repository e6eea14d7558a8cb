//! What can go wrong: one list of kinds, and the body that every error of this workspace has.

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

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! error_kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal, $code:ident, $retryable:literal;)+) => {
        /// What went wrong, by what the user should do about it. Each kind has one gRPC code.
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

            /// Whether the same call may succeed later without anybody changing anything.
            pub fn is_retryable(self) -> bool {
                match self { $(Self::$kind => $retryable,)+ }
            }

            /// What it means and what to do, in a sentence.
            pub fn description(self) -> &'static str {
                match self { $(Self::$kind => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

error_kinds! {
    /// A field of the request is missing, malformed or too large: correct the volume's definition.
    InvalidRequest = "invalid-request", InvalidArgument, false;
    /// `authenticationSource` is none of driver, pod and secret.
    UnknownLevel = "unknown-authentication-level", InvalidArgument, false;
    /// The request does not say which pod it is for: set `podInfoOnMount` in the CSIDriver object.
    MissingPodInfo = "missing-pod-info", InvalidArgument, false;
    /// The request has no service-account token of the needed audience: set `tokenRequests` in the CSIDriver object.
    MissingToken = "missing-token", InvalidArgument, false;
    /// A token cannot be one: empty, with control characters, too large, or a JWT that does not decode.
    MalformedToken = "malformed-token", InvalidArgument, false;
    /// A region name that cannot be part of a host name, or names an availability zone.
    InvalidRegion = "invalid-region", InvalidArgument, false;
    /// A role ARN that cannot be one.
    InvalidRoleArn = "invalid-role-arn", InvalidArgument, false;
    /// Keys that are half there, or that a profile file cannot carry back unchanged.
    InvalidSecret = "invalid-secret", InvalidArgument, false;
    /// The configuration file has errors: each is listed with its line and column.
    InvalidConfiguration = "invalid-configuration", InvalidArgument, false;
    /// The delivery cannot carry these credentials, or not to this mount kind.
    UnsupportedDelivery = "unsupported-delivery", InvalidArgument, false;
    /// The driver's own set-up is incomplete or contradicts itself: complete the variable that is named.
    Misconfigured = "misconfigured", FailedPrecondition, false;
    /// No source of the chain applies to this volume: every attempt is listed with its reason.
    NoSource = "no-source-applies", FailedPrecondition, false;
    /// A web identity needs a region to call STS, and no resolver knows one.
    NoRegion = "no-region", FailedPrecondition, false;
    /// Something that was named does not exist: the ServiceAccount, the Secret, the role.
    NotFound = "not-found", NotFound, false;
    /// A token, or temporary keys, are past their expiry.
    ExpiredToken = "expired-token", Unauthenticated, false;
    /// A token is of another audience or service account than the volume's.
    WrongToken = "wrong-token", Unauthenticated, false;
    /// The token or the keys were examined by their service and refused.
    Rejected = "rejected", Unauthenticated, false;
    /// The identity is known and may not do this: the role's trust policy, RBAC, or a rule of the configuration.
    PermissionDenied = "permission-denied", PermissionDenied, false;
    /// A service cannot be reached or answers with a fault of its own: try again.
    Unavailable = "unavailable", Unavailable, true;
    /// A service limits the rate: try again later.
    Throttled = "throttled", ResourceExhausted, true;
    /// No answer within the time allowed: try again.
    TimedOut = "timed-out", DeadlineExceeded, true;
    /// Another operation on the same volume holds its lock: try again.
    Busy = "busy", Aborted, true;
    /// The file system refuses: the path is named.
    FileSystem = "file-system", FailedPrecondition, false;
    /// The file system is full: make room and try again.
    NoSpace = "no-space", ResourceExhausted, true;
    /// A fault of this software.
    Internal = "internal", Internal, false;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body of every error here: what, how bad, and what to do. Cheap to clone, so that all who wait for one result share it.
///
/// Neither the message nor the help ever holds a value from outside that may be secret: fields are named, values are not shown.
#[derive(Debug, Clone)]
pub struct Failure {
    kind: ErrorKind,
    retryable: bool,
    message: Cow<'static, str>,
    help: Cow<'static, str>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure of this kind. The message says what is wrong; add what to do with [`Failure::with_help`].
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            retryable: kind.is_retryable(),
            message: message.into(),
            help: Cow::Borrowed(""),
            cause: None,
        }
    }

    /// Says what the user should do, naming the setting to change.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = help.into();
        self
    }

    /// Keeps the error that led to this one.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// Overrides whether the same call may succeed later.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.retryable = retryable;
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The gRPC code of the kind.
    pub fn code(&self) -> Code {
        self.kind.code()
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// What is wrong, on one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do; empty where nothing can be said.
    pub fn help(&self) -> &str {
        &self.help
    }
}

/// By what it says; what caused it is not looked at.
impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.retryable, &self.message, &self.help)
            == (other.kind, other.retryable, &other.message, &other.help)
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
