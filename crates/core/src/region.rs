//! AWS regions, the partitions they are in, and who knows which one applies.

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;

use crate::attempt::{Attempt, AttemptError, Links};
use crate::clock::Clock;
use crate::context::ProvideContext;
use crate::error::{ErrorKind, Failure};
use crate::permission::Permission;

/// A region name: letters, digits, dashes and underscores, at most 63 bytes.
///
/// AWS has lower-case letters, digits and inner dashes. Other stores have `RegionOne`,
/// `my_zonegroup` or `fr-par`. What only AWS demands is checked where a host name is built, by
/// [`Region::check_aws`]. An availability zone (`us-east-1a`) is no region.
///
/// ```
/// use s3_credential_core::Region;
///
/// assert_eq!("eu-north-1".parse::<Region>()?.as_str(), "eu-north-1");
/// assert!("RegionOne".parse::<Region>()?.check_aws("the region").is_err());
/// assert!("eu-north-1a".parse::<Region>().is_err());
/// assert!("evil.example/".parse::<Region>().is_err());
/// # Ok::<(), s3_credential_core::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Region(Arc<str>);

impl Region {
    /// Parses a region; the error names the field, since several places may hold one.
    pub fn parse(field: &str, name: &str) -> Result<Self, Failure> {
        let refuse = |problem: &str| {
            Err(Failure::new(ErrorKind::InvalidRegion, format!("{field} {problem}"))
                .with_help(format!("set {field} to a region name such as us-east-1")))
        };
        if name.is_empty() {
            return refuse("is empty");
        }
        let plain = name.len() <= 63
            && !name.starts_with('-')
            && !name.ends_with('-')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !plain {
            return refuse("is not a region name (letters, digits, dashes and underscores)");
        }
        if is_zone(name) {
            return refuse("is an availability zone, not a region: leave its last letter out");
        }
        Ok(Self(name.into()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Refuses a name that cannot be part of a host name of AWS.
    pub fn check_aws(&self, field: &str) -> Result<(), Failure> {
        if self.0.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Ok(());
        }
        Err(Failure::new(
            ErrorKind::InvalidRegion,
            format!("{field} is not a region name of AWS (lower-case letters, digits and dashes)"),
        )
        .with_help(format!(
            "set {field} to a region name such as us-east-1; a region of another store needs its STS in AWS_ENDPOINT_URL_STS"
        )))
    }

    /// Returns the partition that the region is in.
    pub fn partition(&self) -> Partition {
        Partition::of(self)
    }
}

/// `us-east-1a`, `us-west-2-lax-1a`: at least two words, then digits and one letter.
fn is_zone(name: &str) -> bool {
    let Some((head, last)) = name.rsplit_once('-') else {
        return false;
    };
    let digits = last.trim_end_matches(|c: char| c.is_ascii_lowercase());
    head.contains('-')
        && last.len() == digits.len() + 1
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
}

impl FromStr for Region {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        Self::parse("the region", name)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A group of regions with its own identities, endpoints and DNS suffixes (the SDKs'
/// `sdk-partitions.json`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Partition {
    /// The name in ARNs: `aws`, `aws-cn`, ...
    pub name: &'static str,
    /// Suffix of regional host names.
    pub dns_suffix: &'static str,
    /// Suffix of dual-stack host names.
    pub dual_stack_dns_suffix: &'static str,
}

const AWS: Partition =
    Partition { name: "aws", dns_suffix: "amazonaws.com", dual_stack_dns_suffix: "api.aws" };

/// Region prefix to partition; what matches none is in `aws`.
const PARTITIONS: &[(&str, Partition)] = &[
    (
        "cn-",
        Partition {
            name: "aws-cn",
            dns_suffix: "amazonaws.com.cn",
            dual_stack_dns_suffix: "api.amazonwebservices.com.cn",
        },
    ),
    (
        "us-gov-",
        Partition {
            name: "aws-us-gov",
            dns_suffix: "amazonaws.com",
            dual_stack_dns_suffix: "api.aws",
        },
    ),
    (
        "us-iso-",
        Partition {
            name: "aws-iso",
            dns_suffix: "c2s.ic.gov",
            dual_stack_dns_suffix: "api.aws.ic.gov",
        },
    ),
    (
        "us-isob-",
        Partition {
            name: "aws-iso-b",
            dns_suffix: "sc2s.sgov.gov",
            dual_stack_dns_suffix: "api.aws.scloud",
        },
    ),
    (
        "eu-isoe-",
        Partition {
            name: "aws-iso-e",
            dns_suffix: "cloud.adc-e.uk",
            dual_stack_dns_suffix: "api.cloud-aws.adc-e.uk",
        },
    ),
    (
        "us-isof-",
        Partition {
            name: "aws-iso-f",
            dns_suffix: "csp.hci.ic.gov",
            dual_stack_dns_suffix: "api.aws.hci.ic.gov",
        },
    ),
    (
        "eusc-",
        Partition {
            name: "aws-eusc",
            dns_suffix: "amazonaws.eu",
            dual_stack_dns_suffix: "api.amazonwebservices.eu",
        },
    ),
];

impl Partition {
    /// Returns whether a host is one of AWS, in whatever partition.
    pub(crate) fn has_host(host: &str) -> bool {
        let suffixes = PARTITIONS.iter().map(|(_, partition)| partition).chain([&AWS]);
        suffixes
            .flat_map(|partition| [partition.dns_suffix, partition.dual_stack_dns_suffix])
            .any(|suffix| host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.')))
    }

    fn of(region: &Region) -> Self {
        PARTITIONS
            .iter()
            .find(|(prefix, _)| region.as_str().starts_with(prefix))
            .map_or(AWS, |(_, partition)| *partition)
    }
}

/// Names of the resolvers that this workspace brings, as they appear in output and configuration.
pub mod resolver_names {
    /// The volume attribute `stsRegion`.
    pub const VOLUME_CONTEXT: &str = "volume-context";
    /// The mount option `--region`.
    pub const MOUNT_OPTIONS: &str = "mount-options";
    /// The driver's `AWS_REGION`, then `AWS_DEFAULT_REGION`.
    pub const ENVIRONMENT: &str = "environment";
    /// The instance metadata service.
    pub const IMDS: &str = "imds";
    /// The node's label `topology.kubernetes.io/region`.
    pub const NODE_LABEL: &str = "node-label";
    /// A value of the configuration.
    pub const FIXED: &str = "fixed";
}

/// A plug-in that may know which region a volume's STS calls go to.
///
/// # Guarantees
/// The chain calls resolvers in their order and stops at the first answer, and at the first
/// failure.
///
/// # Assumptions
/// The answer is for this context only: it is not remembered for others by the caller, so a
/// resolver whose look-up is slow keeps what it learned, and a failure for a few seconds at most.
///
/// # Errors
/// "Does not know" is [`AttemptError::NotApplicable`] with its reason. A region that is there but
/// wrong is a failure.
#[async_trait]
pub trait RegionResolver: fmt::Debug + Send + Sync + 'static {
    /// Returns the name in configuration, output and metrics.
    fn name(&self) -> &str;

    /// Returns the region for this volume.
    async fn resolve(&self, context: &ProvideContext) -> Result<Region, RegionError>;

    /// Returns the permissions that it needs, like
    /// [`CredentialSource::permissions`](crate::CredentialSource::permissions).
    fn permissions(&self) -> Vec<Permission> {
        Vec::new()
    }
}

/// The reason why a resolver gave no region.
pub type RegionError = AttemptError;

macro_rules! forward_resolver {
    ($($pointer:ident),*) => { $(
        #[async_trait]
        #[deny(clippy::missing_trait_methods, reason = "a method that is not forwarded is lost")]
        impl<R: RegionResolver + ?Sized> RegionResolver for $pointer<R> {
            fn name(&self) -> &str {
                (**self).name()
            }

            async fn resolve(&self, context: &ProvideContext) -> Result<Region, RegionError> {
                (**self).resolve(context).await
            }

            fn permissions(&self) -> Vec<Permission> {
                (**self).permissions()
            }
        }
    )* };
}
forward_resolver!(Arc, Box);

/// A resolver from a closure.
///
/// ```
/// use s3_credential_core::{Region, resolver_fn};
///
/// let resolver =
///     resolver_fn("always-stockholm", |_context| async { Ok("eu-north-1".parse::<Region>()?) });
/// ```
pub fn resolver_fn<F, Fut>(name: impl Into<String>, resolve: F) -> impl RegionResolver
where
    F: Fn(ProvideContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Region, RegionError>> + Send + 'static,
{
    ResolverFn { name: name.into(), resolve }
}

struct ResolverFn<F> {
    name: String,
    resolve: F,
}

impl<F> fmt::Debug for ResolverFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolverFn").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, Fut> RegionResolver for ResolverFn<F>
where
    F: Fn(ProvideContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Region, RegionError>> + Send + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn resolve(&self, context: &ProvideContext) -> Result<Region, RegionError> {
        (self.resolve)(context.clone()).await
    }
}

/// A region, and which resolver gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedRegion {
    /// The region.
    pub region: Region,
    /// The resolver's name.
    pub resolver: String,
}

/// Resolvers in their order.
#[derive(Debug)]
pub struct RegionChain(Links<dyn RegionResolver>);

impl RegionChain {
    /// A chain that begins with this resolver.
    pub fn first_try(resolver: impl RegionResolver) -> Self {
        Self(Links::default().and(Arc::new(resolver)))
    }

    /// Makes a chain of these resolvers, which may be none.
    pub fn new(resolvers: impl IntoIterator<Item = Arc<dyn RegionResolver>>) -> Self {
        Self(resolvers.into_iter().fold(Links::default(), Links::and))
    }

    /// Adds a resolver that is asked where those before it know no region.
    #[must_use]
    pub fn or_else(self, resolver: impl RegionResolver) -> Self {
        Self(self.0.and(Arc::new(resolver)))
    }

    /// Lets the chain go on when the resolver that was added last is broken.
    #[must_use]
    pub fn even_if_it_fails(self) -> Self {
        Self(self.0.last_goes_on_past_failure())
    }

    /// Returns the resolvers in their order.
    pub fn resolvers(&self) -> impl Iterator<Item = &Arc<dyn RegionResolver>> {
        self.0.plugins()
    }

    /// Asks the resolvers in their order.
    pub async fn resolve(&self, clock: &dyn Clock, context: &ProvideContext) -> RegionAnswer {
        let walk = self
            .0
            .walk(clock, |resolver| resolver.name(), |resolver| resolver.resolve(context))
            .await;
        let result = match walk.result {
            Ok(Some((resolver, region))) => Ok(ResolvedRegion { region, resolver }),
            Ok(None) => Err(no_region(&walk.attempts, walk.timed_out)),
            Err(failure) => Err(failure),
        };
        RegionAnswer { result, attempts: walk.attempts }
    }
}

/// The answer of a region chain, with the outcome of each resolver.
#[derive(Debug, Clone)]
pub struct RegionAnswer {
    /// The region, or why there is none.
    pub result: Result<ResolvedRegion, Failure>,
    /// Every resolver of the chain in its order.
    pub attempts: Vec<Attempt>,
}

fn no_region(attempts: &[Attempt], timed_out: bool) -> Failure {
    let kind = if timed_out { ErrorKind::Unavailable } else { ErrorKind::NoRegion };
    Failure::new(kind, format!("no AWS region is known: {}", Attempt::reasons(attempts))).with_help(
        "set the volume attribute `stsRegion`, the mount option `--region`, or AWS_REGION for the driver; from IMDS it needs \
         a hop limit that reaches the driver's pod",
    )
}
