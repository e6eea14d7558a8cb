//! Plug-ins of this workspace that this build does not have.

use s3_credential_core::{Environment, ErrorKind, Failure, names, source_names};

/// The sources that are not compiled in, each with the feature that brings it: most have the name
/// of the source.
pub(crate) const LEFT_OUT_SOURCES: &[(&str, &str)] = &[
    #[cfg(not(feature = "irsa"))]
    (source_names::IRSA, source_names::IRSA),
    #[cfg(not(feature = "pod-identity"))]
    (source_names::POD_IDENTITY, source_names::POD_IDENTITY),
    #[cfg(not(feature = "pod-token"))]
    (source_names::POD_TOKEN, source_names::POD_TOKEN),
    #[cfg(not(feature = "secret"))]
    (source_names::SECRET_REQUEST, "secret"),
    #[cfg(not(feature = "secret"))]
    (source_names::SECRET_DIRECTORY, "secret"),
    #[cfg(not(feature = "secret"))]
    (source_names::SECRET_ENVIRONMENT, "secret"),
    #[cfg(not(all(feature = "secret", feature = "kube")))]
    (source_names::SECRET_WATCH, "kube"),
    #[cfg(not(feature = "profile"))]
    (source_names::PROFILE, "profile"),
    #[cfg(not(feature = "imds"))]
    (source_names::IMDS, source_names::IMDS),
];

/// The region resolvers that are not compiled in, each with the feature that brings it.
pub(crate) const LEFT_OUT_RESOLVERS: &[(&str, &str)] = &[
    #[cfg(not(feature = "imds"))]
    (s3_credential_core::resolver_names::IMDS, source_names::IMDS),
    #[cfg(not(feature = "kube"))]
    (s3_credential_core::resolver_names::NODE_LABEL, "kube"),
];

/// A plug-in of a default chain that is not compiled in.
#[derive(Debug, Clone)]
pub(crate) struct LeftOut {
    name: String,
    feature: &'static str,
}

impl LeftOut {
    pub(crate) fn new(name: &str) -> Self {
        let mut all = LEFT_OUT_SOURCES.iter().chain(LEFT_OUT_RESOLVERS);
        let feature = all.find(|(left_out, _)| *left_out == name);
        Self { name: name.to_owned(), feature: feature.map_or("", |(_, feature)| feature) }
    }

    /// Refuses sources that the environment configures: a default chain would otherwise step past
    /// them to another identity.
    ///
    /// # Errors
    /// `invalid-configuration`, with every such source and its variable.
    pub(crate) fn check<'a>(
        sources: impl Iterator<Item = &'a Self>,
        environment: &Environment,
    ) -> Result<(), Failure> {
        let configured: Vec<(&Self, &str)> = sources
            .filter_map(|source| Some((source, configured_by(&source.name, environment)?)))
            .collect();
        if configured.is_empty() {
            return Ok(());
        }
        let list = |part: &dyn Fn(&(&Self, &str)) -> String| {
            configured.iter().map(part).collect::<Vec<_>>().join(", ")
        };
        let sources = list(&|(source, variable)| format!("`{}` (by {variable})", source.name));
        let features = list(&|(source, _)| format!("`{}`", source.feature));
        let message = format!(
            "the environment configures sources of the default chain that are not compiled in: {sources}"
        );
        let help = format!(
            "build s3-credential-provider with {features}, unset the variables, or set the chain of \
             the driver level"
        );
        Err(Failure::new(ErrorKind::InvalidConfiguration, message).with_help(help))
    }
}

/// Returns the help for a plug-in that is not compiled in.
#[cfg(feature = "yaml")]
pub(crate) fn build_with(feature: &str) -> String {
    format!("build s3-credential-provider with its feature `{feature}`, or do without it")
}

/// Returns the variable that configures a source of the driver. `None` if the environment does not
/// configure it.
fn configured_by(source: &str, environment: &Environment) -> Option<&'static str> {
    let variables: &[&'static str] = match source {
        source_names::IRSA => &[names::AWS_WEB_IDENTITY_TOKEN_FILE, names::AWS_ROLE_ARN],
        source_names::POD_IDENTITY => &[
            names::AWS_CONTAINER_CREDENTIALS_FULL_URI,
            names::AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
            names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
            names::AWS_CONTAINER_AUTHORIZATION_TOKEN,
        ],
        source_names::SECRET_ENVIRONMENT => {
            &[names::AWS_ACCESS_KEY_ID, names::AWS_SECRET_ACCESS_KEY, names::AWS_SESSION_TOKEN]
        }
        source_names::PROFILE => {
            &[names::AWS_PROFILE, names::AWS_CONFIG_FILE, names::AWS_SHARED_CREDENTIALS_FILE]
        }
        _ => &[],
    };
    let is_set = |name: &&&'static str| {
        environment.secret(name).is_some_and(|value| value.expose() != "/dev/null")
    };
    variables.iter().find(is_set).copied()
}
