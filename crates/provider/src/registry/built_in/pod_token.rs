//! `pod-token`

use s3_credential_core::{AuthenticationLevel, Failure, source_names};
use s3_credential_pod_token::{PodTokenSettings, RoleMapping, RoleOrigin, RoleRule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::session::{SecondHopSection, SessionSection};
use crate::document::Period;
use crate::plugins::{self, PluginContext};
use crate::registry::Registry;
use crate::registry::formats::{NamePattern, RoleArnText};

/// The pod's service-account token as a web identity.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct PodTokenSection {
    /// Where to look for the role, in this order; what is not listed is not looked at.
    #[schemars(length(min = 1))]
    roles: Vec<Origin>,
    /// Roles by namespace and service account: the first rule that matches counts.
    mapping: Vec<RuleSection>,
    /// The prefix of the annotations of service accounts, as in `eks.amazonaws.com/role-arn`.
    #[schemars(length(min = 1, max = 253))]
    annotation_prefix: String,
    /// Whether to watch the service accounts of pods that are kept fresh, where RBAC allows it.
    watch_annotations: bool,
    /// How long an annotation counts, where it is not watched, before it is read again.
    annotation_ttl: Period,
    /// The same where the annotation was missing.
    missing_annotation_ttl: Period,
    /// How old an annotation may be while the Kubernetes API does not answer.
    stale_annotation_ttl: Period,
    /// How long a call of the Kubernetes API may take, retries included.
    api_timeout: Period,
    /// The audience of the token, where no annotation says otherwise.
    #[schemars(length(min = 1))]
    audience: String,
    /// How long tokens last that the driver asks for itself (TokenRequest), where the request has none at all; at least 10 minutes.
    /// Where unset, a request without tokens is an error.
    #[schemars(extend("x-shortest" = "10m"))]
    request_tokens: Option<Period>,
    /// What to ask STS for, beyond the role.
    session: SessionSection,
    /// A second role, assumed with the keys of the pod's.
    second_hop: Option<SecondHopSection>,
}

/// Where a pod's role comes from.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Origin {
    /// What the driver has looked up itself.
    Context,
    /// The rules of `mapping`.
    Mapping,
    /// The annotation of the service account.
    Annotation,
}

/// Whose pods get which role.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuleSection {
    /// A pattern for the namespace: a name in which `*` stands for any characters and `?` for one.
    #[schemars(with = "NamePattern")]
    namespace: String,
    /// A pattern for the service account.
    #[schemars(with = "NamePattern")]
    service_account: String,
    /// The role of the pods that match both.
    #[schemars(with = "RoleArnText")]
    role_arn: String,
}

impl Default for PodTokenSection {
    fn default() -> Self {
        let settings = PodTokenSettings::default();
        let origin = |origin: RoleOrigin| match origin {
            RoleOrigin::Context => Origin::Context,
            RoleOrigin::Mapping => Origin::Mapping,
            RoleOrigin::Annotation => Origin::Annotation,
        };
        Self {
            roles: settings.roles.into_iter().map(origin).collect(),
            mapping: Vec::new(),
            annotation_prefix: settings.annotation_prefix,
            watch_annotations: settings.watch_annotations,
            annotation_ttl: settings.annotation_ttl.into(),
            missing_annotation_ttl: settings.missing_annotation_ttl.into(),
            stale_annotation_ttl: settings.stale_annotation_ttl.into(),
            api_timeout: settings.api_timeout.into(),
            audience: settings.audience,
            request_tokens: settings.request_tokens.map(Into::into),
            session: SessionSection::default(),
            second_hop: None,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "PodTokenSection")]
#[schemars(with = "PodTokenSection")]
struct PodToken(PodTokenSettings);

impl TryFrom<PodTokenSection> for PodToken {
    type Error = Failure;

    fn try_from(section: PodTokenSection) -> Result<Self, Failure> {
        let origin = |origin: Origin| match origin {
            Origin::Context => RoleOrigin::Context,
            Origin::Mapping => RoleOrigin::Mapping,
            Origin::Annotation => RoleOrigin::Annotation,
        };
        let rule = |RuleSection { namespace, service_account, role_arn }| RoleRule {
            namespace,
            service_account,
            role_arn,
        };
        let settings = PodTokenSettings {
            roles: section.roles.into_iter().map(origin).collect(),
            mapping: RoleMapping::new(section.mapping.into_iter().map(rule))?,
            annotation_prefix: section.annotation_prefix,
            watch_annotations: section.watch_annotations,
            annotation_ttl: section.annotation_ttl.into(),
            missing_annotation_ttl: section.missing_annotation_ttl.into(),
            stale_annotation_ttl: section.stale_annotation_ttl.into(),
            api_timeout: section.api_timeout.into(),
            audience: section.audience,
            request_tokens: section.request_tokens.map(Into::into),
            session: section.session.into(),
            second_hop: section.second_hop.map(Into::into),
        };
        settings.session.check(settings.second_hop.as_ref())?;
        Ok(Self(settings))
    }
}

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(
            source_names::POD_TOKEN,
            |PodToken(settings): &PodToken, context: &PluginContext| {
                Ok(plugins::pod_token::source(settings, context))
            },
        )?
        .only_at([AuthenticationLevel::Pod]);
    Ok(())
}
