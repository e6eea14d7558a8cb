//! The credential provider of an S3 CSI driver: which credentials a volume uses, how Mountpoint
//! gets them, and that they are gone when the volume is.
//!
//! **In:** a [`ProvideContext`], parsed from `NodePublishVolumeRequest`, and a [`CleanupContext`]
//! from `NodeUnpublishVolumeRequest`. **Out:** [`Provided`], the environment that Mountpoint is
//! started with and the files that it names; [`CleanupReport`], what is gone. **Fails** with a
//! [`ProvideError`], which has one gRPC code, lists what every source said and says what to do.
//!
//! | feature (all by default but `sdk` and `tonic`) | brings |
//! |---|---|
//! | `irsa`, `secret`, `imds`, `pod-token`, `pod-identity`, `profile` | the sources of these crates; `imds` the region resolver too |
//! | `kube` | the source `secret-watch` and the region resolver `node-label` |
//! | `sts` | the exchange of web identities for keys; with `irsa` and `pod-token` anyway |
//! | `endpoint` | the delivery `endpoint` |
//! | `sdk` | providers of the AWS SDK as sources and resolvers, and the other way round |
//! | `yaml` | configuration files |
//! | `doctor` | `Provider::doctor` |
//!
//! A feature adds sources, resolvers and API, and changes no other. Without configuration files,
//! the default chains hold what is compiled in. `build` fails where a chain names a source that is
//! not compiled in, and lists every source that the environment configures and this build lacks.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use s3_credential_provider::{Environment, MountTarget, Provider, PublishRequest};
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let write_path = directory.path();
//! # let environment = Environment::default()
//! #     .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").with("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI").with("AWS_REGION", "eu-north-1");
//! # let state = tempfile::tempdir().unwrap();
//! let provider = Provider::builder().environment(environment).state_path(state.path()).build()?;
//! let request = PublishRequest::new("s3-volume", "/var/lib/kubelet/pods/4a5d/volumes/kubernetes.io~csi/pv/mount");
//! let context = provider.context(request, MountTarget::new(write_path))?;
//! let provided = provider.provide(&context).await?;
//! assert_eq!(provided.environment["AWS_PROFILE"].expose(), "s3-csi");
//! # Ok::<(), s3_credential_provider::ProvideError>(())
//! # }).unwrap();
//! ```

// In the order in which data flows.
#[cfg(feature = "yaml")]
mod document;
#[cfg(feature = "yaml")]
mod registry;
#[cfg(feature = "yaml")]
mod config;
mod builder;
mod plugins;
#[cfg(feature = "kube")]
mod kubernetes_client;
#[cfg(feature = "kube")]
mod node_label;
#[cfg(feature = "sdk")]
mod sdk;
mod settings;

mod identity;
mod deadline;
mod provider;
mod resolve;
mod lease;
mod publish;
mod endpoint;
mod cache;
mod rotation;
mod metrics;
mod resume;
mod cleanup;
mod running;
mod error;

#[cfg(feature = "doctor")]
mod doctor;

#[cfg(fuzzing)]
pub mod fuzzing;

pub use builder::ProviderBuilder;
pub use cache::{
    CacheEvent, CacheSettings, CachedKeys, CachedKeysBuilder, CurrentKeys, KernelClock,
};
#[cfg(feature = "yaml")]
pub use config::{Config, NodeSettings};
#[cfg(feature = "doctor")]
pub use doctor::{Check, CheckStatus, Diagnosis, DoctorOptions};
#[cfg(feature = "yaml")]
pub use document::{ConfigProblem, ConfigReport, Severity as ConfigSeverity};
#[cfg(feature = "endpoint")]
pub use endpoint::EndpointBackend;
pub use error::ProvideError;
pub use identity::{Identity, SecondRole};
#[cfg(feature = "kube")]
pub use kubernetes_client::kubernetes_client;
pub use lease::{
    IdentityReasons, LeaseId, LeaseSurvey, PassedOver, Phase as LeasePhase, RecordedLease,
    RefreshFailure, UnreadableRecord,
};
pub use metrics::{Counter, Histogram, MetricFamily, MetricKind, MetricSample, MetricValue};
#[cfg(feature = "kube")]
pub use node_label::NodeLabelRegion;
pub use plugins::PluginContext;
pub use provider::Provider;
pub use publish::{CleanupReport, Explanation, Provided, ProvidedFile, Reasons};
#[cfg(feature = "yaml")]
pub use registry::{NoSettings, Registration, Registry};
pub use resume::{ResumeOptions, ResumeReport};
pub use rotation::{Event, LeaseStatus, RotationHandle};
pub use running::RunningProvider;
#[cfg(feature = "sdk")]
pub use sdk::{SdkRegion, SdkSource, VolumeCredentials, VolumeRegion};
pub use settings::{
    Deliveries, EndpointSettings, FormDeliveries, RotationSettings, Scope, Settings,
    default_state_path,
};

pub use s3_credential_core::{
    Attempt, AuthenticationLevel, Changes, CleanupContext, Clock, Code, Consumer, Container,
    CredentialForm, CredentialSource, Delivery, Environment, EnvironmentValue, ErrorKind,
    ExchangeRequest, Failure, FormKind, KeyExchange, Keys, MountKind, MountOptions, MountTarget,
    Outcome, Owner, PodInfo, ProvideContext, PublishRequest, Region, RegionAnswer, RegionChain,
    RegionError, RegionResolver, ResolvedRegion, RoleArn, Secret, ServiceAccountTokens, Signal,
    SourceAnswer, SourceChain, SourceError, SourcedForm, SystemClock, TOKENS_KEY, Token,
    UnpublishRequest, VolumeScope, Warning, WarningKind, WebIdentity, resolver_fn, source_fn,
};
pub use s3_credential_delivery::FileOptions;
