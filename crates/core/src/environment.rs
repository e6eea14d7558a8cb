//! The driver's environment variables, as a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use crate::secret::Secret;

/// Names of the variables that are read or delivered. Each constant is spelled like its variable.
pub mod names {
    macro_rules! variables {
        ($($name:ident)*) => { $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub const $name: &str = stringify!($name);
        )* };
    }
    variables! {
        AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
        AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_SESSION_NAME
        AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
        AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
        EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI
        AWS_REGION AWS_DEFAULT_REGION AWS_STS_REGIONAL_ENDPOINTS
        AWS_EC2_METADATA_DISABLED AWS_EC2_METADATA_SERVICE_ENDPOINT AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE
        AWS_PROFILE AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
        AWS_ENDPOINT_URL AWS_ENDPOINT_URL_STS AWS_USE_FIPS_ENDPOINT AWS_USE_DUALSTACK_ENDPOINT
        AWS_CA_BUNDLE HTTPS_PROXY NO_PROXY
        UNSTABLE_MOUNTPOINT_CACHE_KEY
        KUBECONFIG KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT XDG_RUNTIME_DIR TMPDIR
    }
}

/// The environment of the driver's process, read once at its start by the binary.
///
/// No library crate reads the process environment; the default is empty. Values may be secrets
/// (`AWS_SECRET_ACCESS_KEY`), so `Debug` shows names only. A value that is not Unicode keeps U+FFFD
/// in the place of what could not be decoded, which every validation refuses.
///
/// ```
/// use s3_credential_core::Environment;
///
/// let environment: Environment =
///     [("AWS_REGION", "eu-north-1"), ("AWS_PROFILE", "")].into_iter().collect();
/// assert_eq!(environment.get("AWS_REGION"), Some("eu-north-1"));
/// assert_eq!(environment.get("AWS_PROFILE"), None, "an empty value is an unset one");
/// ```
#[derive(Clone, Default)]
pub struct Environment(Arc<BTreeMap<String, Secret>>);

impl Environment {
    /// Returns the value of a variable; an empty value is an unset one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose).filter(|value| !value.is_empty())
    }

    /// Returns the value of a variable that may be secret, shared; an empty value is an unset one.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// Returns whether a switch such as `AWS_EC2_METADATA_DISABLED` is `true`, in any case.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The same environment with one variable set.
    #[must_use]
    pub fn with(self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        let mut variables = Arc::unwrap_or_clone(self.0);
        variables.insert(name.into(), value.into());
        Self(Arc::new(variables))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let decode = |text: OsString| {
            text.into_string().unwrap_or_else(|raw| raw.to_string_lossy().into_owned())
        };
        Self(Arc::new(
            variables
                .into_iter()
                .map(|(name, value)| (decode(name.into()), Secret::new(decode(value.into()))))
                .collect(),
        ))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
