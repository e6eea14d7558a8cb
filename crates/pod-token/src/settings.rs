//! Settings of the source `pod-token`.

use std::str::FromStr;
use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure, RoleHop, STS_AUDIENCE, SessionSettings};

use crate::mapping::RoleMapping;

/// The origin of a pod's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "lowercase")
)]
pub enum RoleOrigin {
    /// The driver's own look-up: [`MountTarget::role_arn`](s3_credential_core::MountTarget).
    Context,
    /// The rules of [`PodTokenSettings::mapping`].
    Mapping,
    /// The annotation of the ServiceAccount.
    Annotation,
}

impl RoleOrigin {
    /// The default order.
    pub const DEFAULT_ORDER: [Self; 3] = [Self::Context, Self::Mapping, Self::Annotation];

    /// The word in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Mapping => "mapping",
            Self::Annotation => "annotation",
        }
    }
}

impl FromStr for RoleOrigin {
    type Err = Failure;

    fn from_str(word: &str) -> Result<Self, Failure> {
        Self::DEFAULT_ORDER.into_iter().find(|origin| origin.as_str() == word).ok_or_else(|| {
            Failure::new(
                ErrorKind::InvalidConfiguration,
                "the origin of a role is none of context, mapping and annotation",
            )
        })
    }
}

/// Roles and tokens of pods. The default is what EKS has: the annotation, and the token for STS of
/// the request.
#[derive(Debug, Clone)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct PodTokenSettings {
    /// The origins of the role, in their order. An origin that is not listed is not used.
    #[cfg_attr(feature = "config", schemars(length(min = 1)))]
    pub roles: Vec<RoleOrigin>,
    /// Roles by namespace and service account: the first rule that matches counts.
    pub mapping: RoleMapping,
    /// The prefix of the annotations of service accounts, as in `eks.amazonaws.com/role-arn`. The
    /// others are `audience`, `token-expiration` and `sts-regional-endpoints`.
    #[cfg_attr(feature = "config", schemars(length(min = 1, max = 253)))]
    pub annotation_prefix: String,
    /// Whether to watch the service accounts of pods that are kept fresh, where RBAC allows it.
    pub watch_annotations: bool,
    /// How long an annotation counts, where it is not watched, before it is read again.
    pub annotation_ttl: Duration,
    /// How long a missing annotation counts as missing, where it is not watched.
    pub missing_annotation_ttl: Duration,
    /// How old an annotation may be while the Kubernetes API does not answer. An annotation that is
    /// not used for as long is removed from the cache.
    pub stale_annotation_ttl: Duration,
    /// How long a call of the Kubernetes API may take, with all its attempts.
    pub operation_timeout: Duration,
    /// The audience of the token, unless an annotation sets another one.
    #[cfg_attr(feature = "config", schemars(length(min = 1)))]
    pub audience: String,
    /// How long tokens last that the driver requests itself (TokenRequest, bound to the pod) when
    /// the request has none; at least 10 minutes. Where unset, a request without tokens is an
    /// error.
    #[cfg_attr(feature = "config", schemars(extend("x-shortest" = "10m")))]
    pub request_tokens: Option<Duration>,
    /// The settings of the STS session.
    pub session: SessionSettings,
    /// A second role, assumed with the keys of the pod's.
    pub second_hop: Option<RoleHop>,
}

impl Default for PodTokenSettings {
    fn default() -> Self {
        Self {
            roles: RoleOrigin::DEFAULT_ORDER.into(),
            mapping: RoleMapping::default(),
            annotation_prefix: "eks.amazonaws.com".to_owned(),
            watch_annotations: true,
            annotation_ttl: Duration::from_mins(1),
            missing_annotation_ttl: Duration::from_secs(10),
            stale_annotation_ttl: Duration::from_mins(10),
            operation_timeout: Duration::from_secs(3),
            audience: STS_AUDIENCE.to_owned(),
            request_tokens: None,
            session: SessionSettings::default(),
            second_hop: None,
        }
    }
}
