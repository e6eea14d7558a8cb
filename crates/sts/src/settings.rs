//! Settings of the calls of STS.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use s3_credential_core::{Environment, Secret, mask_user_info, names};

/// How STS is called. The default is the regional endpoint of AWS, directly.
///
/// The first exchange reports what is wrong in it, with the name of the variable.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct StsSettings {
    /// `AWS_ENDPOINT_URL_STS`: an STS of one's own (MinIO, Ceph) or an interface endpoint; a URL,
    /// or a bare host name, which means https. Then no region is needed.
    #[cfg_attr(feature = "config", serde(skip))]
    pub endpoint_url: Option<String>,
    /// `AWS_USE_FIPS_ENDPOINT`
    #[cfg_attr(feature = "config", serde(skip))]
    pub use_fips: bool,
    /// `AWS_USE_DUALSTACK_ENDPOINT`: IPv4 and IPv6.
    #[cfg_attr(feature = "config", serde(skip))]
    pub use_dual_stack: bool,
    /// `AWS_STS_REGIONAL_ENDPOINTS`: `regional`, as where unset, or `legacy`, by which the oldest
    /// regions of partition `aws` use `sts.amazonaws.com`. A web identity may say otherwise for
    /// itself.
    #[cfg_attr(feature = "config", serde(skip))]
    pub regional_endpoints: Option<String>,
    /// `HTTPS_PROXY`: the URL of the proxy for https, perhaps with a password in it; without a
    /// scheme it means http.
    #[cfg_attr(feature = "config", serde(skip))]
    pub https_proxy: Option<Secret>,
    /// `NO_PROXY`: hosts, domains and networks (CIDR) that are reached directly, separated by
    /// commas.
    #[cfg_attr(feature = "config", serde(skip))]
    pub no_proxy: Option<String>,
    /// `AWS_CA_BUNDLE`: a PEM file with the certificate authorities to trust in place of the
    /// system's.
    #[cfg_attr(feature = "config", serde(skip))]
    pub ca_bundle: Option<PathBuf>,
    /// Whether a token may be sent to another machine in clear text, where the endpoint is an http
    /// URL.
    #[cfg_attr(feature = "config", serde(skip))]
    pub allow_plain_http: bool,
    /// How long connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// How long one attempt may take, connecting included.
    pub attempt_timeout: Duration,
    /// How long a call may take with all its attempts.
    pub operation_timeout: Duration,
    /// How many attempts there are at most.
    #[cfg_attr(feature = "config", schemars(range(min = 1, max = 100)))]
    pub max_attempts: u32,
    /// The longest pause after the first attempt. It doubles after each further one, and its length
    /// is random.
    pub initial_backoff: Duration,
    /// How long a call waits for its turn while STS limits the rate, in addition to
    /// `operationTimeout`.
    pub rate_limit_timeout: Duration,
    /// How long a process that has just started delays its first call at most, for each caller that
    /// waits: a whole cluster may have started. The delay is random, and at most 10 s. `None` for
    /// none.
    pub startup_jitter: Option<Duration>,
}

impl Default for StsSettings {
    fn default() -> Self {
        Self {
            endpoint_url: None,
            use_fips: false,
            use_dual_stack: false,
            regional_endpoints: None,
            https_proxy: None,
            no_proxy: None,
            ca_bundle: None,
            allow_plain_http: false,
            connect_timeout: Duration::from_secs(1),
            attempt_timeout: Duration::from_millis(1500),
            operation_timeout: Duration::from_secs(2),
            max_attempts: 4,
            initial_backoff: Duration::from_millis(100),
            rate_limit_timeout: Duration::from_secs(80),
            startup_jitter: None,
        }
    }
}

/// Without the user name and password of a URL.
impl fmt::Debug for StsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StsSettings")
            .field("endpoint_url", &self.endpoint_url.as_deref().map(mask_user_info))
            .field("use_fips", &self.use_fips)
            .field("use_dual_stack", &self.use_dual_stack)
            .field("https_proxy", &self.https_proxy)
            .field("no_proxy", &self.no_proxy)
            .field("ca_bundle", &self.ca_bundle)
            .field("allow_plain_http", &self.allow_plain_http)
            .finish_non_exhaustive()
    }
}

impl StsSettings {
    /// The `startup_jitter` for a driver that all nodes of a cluster start together. It keeps 5,000
    /// nodes below four times what STS grants (docs/performance.md).
    pub const STARTUP_JITTER: Duration = Duration::from_millis(200);

    /// The settings of the standard variables, with the default time-outs.
    pub fn from_environment(environment: &Environment) -> Self {
        Self::default().with_environment(environment)
    }

    /// Sets what the standard variables hold, and keeps time-outs and attempts. A proxy variable in
    /// lower case counts after the one in capitals, as in Go.
    #[must_use]
    pub fn with_environment(self, environment: &Environment) -> Self {
        let text = |name: &str| environment.get(name).map(str::to_owned);
        let either_case = |name: &str| {
            environment.secret(name).or_else(|| environment.secret(&name.to_ascii_lowercase()))
        };
        Self {
            endpoint_url: text(names::AWS_ENDPOINT_URL_STS),
            use_fips: environment.is_true(names::AWS_USE_FIPS_ENDPOINT),
            use_dual_stack: environment.is_true(names::AWS_USE_DUALSTACK_ENDPOINT),
            regional_endpoints: text(names::AWS_STS_REGIONAL_ENDPOINTS),
            https_proxy: either_case(names::HTTPS_PROXY),
            no_proxy: either_case(names::NO_PROXY).map(|hosts| hosts.expose().to_owned()),
            ca_bundle: text(names::AWS_CA_BUNDLE).map(PathBuf::from),
            ..self
        }
    }
}
