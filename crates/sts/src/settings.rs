//! What the driver's operator says about STS.

use std::path::PathBuf;
use std::time::Duration;

use s3_credential_core::{Environment, Secret, names};

/// How STS is reached, and how patiently. The default is the regional endpoint of AWS, directly.
///
/// What is wrong in here is told by the first exchange, with the name of the variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsSettings {
    /// `AWS_ENDPOINT_URL_STS`: an STS of one's own (MinIO, Ceph) or an interface endpoint; a URL, or a bare host name, which means
    /// https. Then no region is needed.
    pub endpoint_url: Option<String>,
    /// `AWS_USE_FIPS_ENDPOINT`
    pub use_fips: bool,
    /// `AWS_USE_DUALSTACK_ENDPOINT`: IPv4 and IPv6.
    pub use_dual_stack: bool,
    /// `AWS_STS_REGIONAL_ENDPOINTS`: `regional`, as where unset, or `legacy`, by which the oldest regions of partition `aws` use
    /// `sts.amazonaws.com`. A web identity may say otherwise for itself.
    pub regional_endpoints: Option<String>,
    /// `HTTPS_PROXY`: the URL of the proxy for https, perhaps with a password in it; without a scheme it means http.
    pub https_proxy: Option<Secret>,
    /// `NO_PROXY`: hosts, domains and networks (CIDR) that are reached directly, separated by commas.
    pub no_proxy: Option<String>,
    /// `AWS_CA_BUNDLE`: a PEM file with the certificate authorities to trust in place of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// How long connecting may take, TLS included; 1 second.
    pub connect_timeout: Duration,
    /// How long one attempt may take, connecting included; 1.5 seconds.
    pub attempt_timeout: Duration,
    /// How long a call may take with all its attempts; 2 seconds.
    pub budget: Duration,
    /// How many attempts there are at most; 4.
    pub max_attempts: u32,
    /// The longest pause after the first attempt, doubled after each further one; 100 milliseconds. The pause itself is random.
    pub backoff: Duration,
    /// How long a call waits for its turn while STS limits the rate, beside the budget; 20 seconds.
    pub patience: Duration,
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
            connect_timeout: Duration::from_secs(1),
            attempt_timeout: Duration::from_millis(1500),
            budget: Duration::from_secs(2),
            max_attempts: 4,
            backoff: Duration::from_millis(100),
            patience: Duration::from_secs(20),
        }
    }
}

impl StsSettings {
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
