//! Contracts and pure values of the S3 credential provider: the input and the output of each
//! decision about a volume's credentials.
//!
//! **In:** a CSI publish request ([`PublishRequest`]) and the driver's description of the mount
//! ([`MountTarget`]), parsed once into a [`ProvideContext`]. **Out:** a [`DeliveryPlan`], files and
//! environment variables as plain data, drawn from the [`CredentialForm`] that a [`SourceChain`]
//! gave. **Fails** with a [`Failure`], whose [`ErrorKind`] has one gRPC code and says what to do. A
//! plug-in that does not apply to a volume returns [`SourceError::NotApplicable`] and its reason.
//!
//! This crate reads no file, no socket, no environment and (but for [`SystemClock`]) no clock.
//!
//! ```
//! use s3_credential_core::{AuthenticationLevel, MountTarget, ProvideContext, PublishRequest};
//!
//! let target_path = "/var/lib/kubelet/pods/4a5d/volumes/kubernetes.io~csi/pv/mount";
//! let request = PublishRequest::new("s3-volume", target_path)
//!     .with_volume_context([("bucketName", "photos"), ("authenticationSource", "secret")])
//!     .with_secrets([("key_id", "AKIAIOSFODNN7EXAMPLE"), ("access_key", "wJalrXUtnFEMI")]);
//! let mount = MountTarget::new("/run/mountpoint");
//! let context = ProvideContext::from_publish_request(request, mount)?;
//! assert_eq!(context.level(), AuthenticationLevel::Secret);
//! assert_eq!(context.lease_pod(), Some("4a5d"));
//! # Ok::<(), s3_credential_core::Failure>(())
//! ```

// In the order in which data flows.
mod clock;
mod environment;
mod error;
mod secret;
mod catch_panic;
mod quiet;
mod text;
mod user_info;
mod warning;

mod request;
mod mount_options;
mod level;
mod role;
mod token;
mod service_account_tokens;
mod mount_target;
mod context;
mod cleanup_context;

mod attempt;
mod kubernetes;
mod permission;
mod signal;
mod single_flight;
mod source;
mod chain;

mod form;
mod session;
mod region;
mod region_resolvers;
mod sts_route;
mod exchange;
mod scope;

mod delivery;
mod plan;

pub use attempt::{Attempt, AttemptError, NotApplicable, Outcome};
pub use catch_panic::catch_panic;
pub use chain::{SourceAnswer, SourceChain, SourcedForm};
pub use cleanup_context::CleanupContext;
pub use clock::{COARSE_TICK, Clock, Moment, SystemClock};
pub use context::{PodInfo, ProvideContext};
pub use delivery::Delivery;
pub use environment::{Environment, names};
pub use error::{Code, ErrorKind, Failure};
pub use exchange::{ExchangeRequest, KeyExchange};
pub use form::{
    Container, CredentialForm, FormKind, KeyPart, Keys, ProfileFiles, RoleHop, SessionSettings,
    WebIdentity,
};
pub use kubernetes::KubernetesCall;
pub use level::AuthenticationLevel;
pub use mount_options::{MountOptionProblem, MountOptions};
pub use mount_target::{MountKind, MountTarget, Owner};
pub use permission::Permission;
pub use plan::{
    Consumer, DeliveryPlan, EndpointGrant, EnvironmentValue, PROFILE_NAME, PlanRequest,
    PlannedFile, file_names,
};
pub use quiet::quietly;
pub use region::{
    Partition, Region, RegionAnswer, RegionChain, RegionError, RegionResolver, ResolvedRegion,
    resolver_fn, resolver_names,
};
pub use region_resolvers::{
    EnvironmentRegion, FixedRegion, MountOptionsRegion, VolumeContextRegion,
};
pub use request::{AccessMode, MountVolume, PublishRequest, UnpublishRequest, VolumeCapability};
pub use role::RoleArn;
pub use scope::VolumeScope;
pub use secret::Secret;
pub use service_account_tokens::{ServiceAccountTokens, TOKENS_KEY};
pub use signal::{Change, Changes, Signal};
pub use single_flight::SingleFlight;
pub use source::{CredentialSource, SourceError, source_fn, source_names};
pub use sts_route::{
    StsRoute, check_fips, check_names_of_aws, check_plain_http, is_sts_of_aws, is_url_of_aws,
};
pub use token::{CLOCK_SKEW, MAX_TOKEN_LEN, POD_IDENTITY_AUDIENCE, STS_AUDIENCE, Token, TokenAge};
pub use user_info::{has_user_info, mask_user_info};
pub use warning::{Warning, WarningKind};
