//! The files to write and the variables to set for Mountpoint, as plain data.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use crate::delivery::Delivery;
use crate::environment::Environment;
use crate::error::{ErrorKind, Failure};
use crate::form::{CredentialForm, FormKind};
use crate::level::AuthenticationLevel;
use crate::mount_target::MountKind;
use crate::region::ResolvedRegion;
use crate::secret::Secret;
use crate::token::TokenAge;

mod draft;

use draft::Draft;

/// Names of the files in a volume's directory.
pub mod file_names {
    /// A web-identity token, without a newline.
    pub const TOKEN: &str = "token";
    /// The value of the `Authorization` header of the Pod Identity agent, without a newline.
    pub const POD_IDENTITY_TOKEN: &str = "eks-pod-identity-token";
    /// The value of the `Authorization` header of the driver's own endpoint, without a newline.
    pub const ENDPOINT_TOKEN: &str = "endpoint-token";
    /// An AWS config file.
    pub const CONFIG: &str = "config";
    /// An AWS shared credentials file.
    pub const CREDENTIALS: &str = "credentials";
    /// The certificate authorities to trust, in PEM.
    pub const CA_BUNDLE: &str = "ca-bundle.pem";
    /// Never written: what `AWS_CONFIG_FILE` names where no config file is delivered.
    pub const NO_CONFIG: &str = "no-config";
    /// Never written: what `AWS_SHARED_CREDENTIALS_FILE` names where no credentials file is
    /// delivered.
    pub const NO_CREDENTIALS: &str = "no-credentials";
}

/// The profile's name in the files that are delivered.
pub const PROFILE_NAME: &str = "s3-csi";

/// The reader of the environment: some variables mean one thing to Mountpoint and another to the
/// SDKs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Consumer {
    /// Mountpoint for Amazon S3, which takes `AWS_ENDPOINT_URL_STS` as a bare host name.
    #[default]
    Mountpoint,
    /// An AWS SDK or the AWS CLI, which take it as a URL.
    Sdk,
}

/// Everything that a plan is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// The credentials to deliver; keys already, where the delivery needs keys.
    pub form: &'a CredentialForm,
    /// The delivery.
    pub delivery: Delivery,
    /// The level that the credentials belong to.
    pub level: AuthenticationLevel,
    /// The way in which Mountpoint is run.
    pub mount_kind: MountKind,
    /// The volume's directory, as Mountpoint sees it.
    pub directory: &'a Path,
    /// The region, where one is known.
    pub region: Option<&'a ResolvedRegion>,
    /// The reader of the environment.
    pub consumer: Consumer,
    /// The driver's environment, of which some variables are passed on.
    pub driver: &'a Environment,
    /// The pod's namespace and service account, which keep Mountpoint's caches of different pods
    /// apart under systemd.
    pub service_account: Option<(&'a str, &'a str)>,
    /// The content of the file in the driver's `AWS_CA_BUNDLE`, which is copied to where Mountpoint
    /// sees it.
    pub ca_bundle: Option<&'a Secret>,
    /// The grant of the driver's endpoint for this volume, for that delivery.
    pub endpoint: Option<&'a EndpointGrant>,
}

/// One volume's place at the driver's loopback endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointGrant {
    /// The URL that keys are fetched from.
    pub uri: String,
    /// The token that the endpoint expects in the `Authorization` header.
    pub token: Secret,
}

/// Files and environment variables, as plain data. Equal inputs draw equal plans.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryPlan {
    /// The delivery of the form.
    pub delivery: Delivery,
    /// The files of the volume's directory.
    pub files: Vec<PlannedFile>,
    /// The whole of what Mountpoint is started with.
    pub environment: BTreeMap<String, EnvironmentValue>,
}

/// A file of the volume's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// One of [`file_names`].
    pub name: &'static str,
    /// Every byte of it.
    pub content: Secret,
    /// For a token: its age, so that an older one never replaces a newer one.
    pub age: Option<TokenAge>,
}

/// The value of a planned variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentValue {
    /// A path, a role, a region or a switch.
    Plain(String),
    /// A key itself, or a URL with a password or an authorization in it.
    Secret(Secret),
}

impl EnvironmentValue {
    /// Returns the value that is set for Mountpoint.
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

/// For `Command::envs`: a driver starts Mountpoint with all variables that were provided.
impl AsRef<OsStr> for EnvironmentValue {
    fn as_ref(&self) -> &OsStr {
        self.expose().as_ref()
    }
}

impl DeliveryPlan {
    /// Draws the plan. It fails where the delivery cannot carry the form.
    pub fn draw(request: &PlanRequest<'_>) -> Result<Self, Failure> {
        if let CredentialForm::Keys(keys) = request.form {
            // They may come from any registered source, and a newline in one would start a line of
            // the profile file.
            keys.check_given()?;
        }
        let mut draft = Draft { request, files: Vec::new(), environment: BTreeMap::new() };
        draft.shut_out_ambient_credentials()?;
        draft.set_region();
        draft.pass_on()?;
        match (request.form, request.delivery) {
            (CredentialForm::WebIdentity(identity), Delivery::Delegated) => {
                draft.web_identity(identity)?;
            }
            (CredentialForm::Container(container), Delivery::Delegated) => {
                draft.container(container)?;
            }
            (CredentialForm::Keys(keys), Delivery::Profile) => draft.profile(keys)?,
            (CredentialForm::Profile(files), Delivery::Profile) => draft.profile_files(files)?,
            (CredentialForm::Keys(keys), Delivery::Environment) => draft.plain_keys(keys)?,
            (CredentialForm::Keys(keys), Delivery::Endpoint) => draft.endpoint(keys)?,
            (CredentialForm::InstanceProfile, Delivery::None) => draft.instance_profile(),
            (CredentialForm::Anonymous, Delivery::None) => {}
            (form, delivery) => return Err(unsupported(form.kind(), delivery)),
        }
        Ok(Self { delivery: request.delivery, files: draft.files, environment: draft.environment })
    }
}

fn unsupported(form: FormKind, delivery: Delivery) -> Failure {
    Failure::new(
        ErrorKind::UnsupportedDelivery,
        format!("credentials in the form {form} cannot be delivered as {delivery}"),
    )
    .with_help("leave the delivery to its default, or choose one that can carry this form")
}
