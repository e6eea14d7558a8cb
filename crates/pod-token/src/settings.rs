//! What the driver's operator says about pods' roles and tokens.

use std::str::FromStr;
use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure, RoleHop, STS_AUDIENCE, SessionSettings};

use crate::mapping::RoleMapping;

/// Where a pod's role comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoleOrigin {
    /// What the driver has looked up itself: [`MountTarget::role_arn`](s3_credential_core::MountTarget).
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

/// Roles and tokens of pods. The default is what EKS has: the annotation, and the token for STS of the request.
#[derive(Debug, Clone)]
pub struct PodTokenSettings {
    /// Where to look for the role, in this order; what is not listed is not looked at.
    pub roles: Vec<RoleOrigin>,
    /// Roles by namespace and service account.
    pub mapping: RoleMapping,
    /// The prefix of the annotations, `eks.amazonaws.com` as for the webhook of EKS: `PREFIX/role-arn`, and where that is set
    /// `PREFIX/audience`, `PREFIX/token-expiration` and `PREFIX/sts-regional-endpoints`.
    pub annotation_prefix: String,
    /// Whether to watch the accounts of pods that are kept fresh, where RBAC allows it; yes.
    pub watch_annotations: bool,
    /// How long an annotation counts, where it is not watched, before it is read again for a pod that was served already; a minute.
    pub annotation_ttl: Duration,
    /// The same where the annotation was missing; 10 seconds.
    pub missing_annotation_ttl: Duration,
    /// How old an annotation may be while the Kubernetes API does not answer, for a pod that was served already; 10 minutes. What is not
    /// used for as long is forgotten.
    pub stale_annotation_ttl: Duration,
    /// How long a call of the Kubernetes API may take, retries included; 3 seconds.
    pub api_timeout: Duration,
    /// The audience of the token, where no annotation says otherwise: `sts.amazonaws.com`.
    pub audience: String,
    /// How long tokens last that we ask for ourselves (TokenRequest, bound to the pod), where the request has none at all: at least 10
    /// minutes. None, the default: a request without tokens is an error.
    pub request_tokens: Option<Duration>,
    /// What to ask STS for, beyond the role.
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
            api_timeout: Duration::from_secs(3),
            audience: STS_AUDIENCE.to_owned(),
            request_tokens: None,
            session: SessionSettings::default(),
            second_hop: None,
        }
    }
}
