//! What will be written and set for Mountpoint, as plain data, before anything is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::context::MountKind;
use crate::environment::{Environment, names};
use crate::error::{ErrorKind, Failure};
use crate::form::{Container, CredentialForm, FormKind, Keys, WebIdentity};
use crate::level::AuthenticationLevel;
use crate::region::{ResolvedRegion, resolver_names};
use crate::secret::Secret;
use crate::token::{Token, TokenAge};

/// Names of the files in a volume's directory.
pub mod file_names {
    /// A web-identity token, without a newline.
    pub const TOKEN: &str = "token";
    /// What goes into the `Authorization` header of the Pod Identity agent, without a newline.
    pub const POD_IDENTITY_TOKEN: &str = "eks-pod-identity-token";
    /// What goes into the `Authorization` header of the driver's own endpoint, without a newline.
    pub const ENDPOINT_TOKEN: &str = "endpoint-token";
    /// An AWS config file.
    pub const CONFIG: &str = "config";
    /// An AWS shared credentials file.
    pub const CREDENTIALS: &str = "credentials";
    /// Never written: what `AWS_CONFIG_FILE` names where no config file is delivered.
    pub const NO_CONFIG: &str = "no-config";
    /// Never written: what `AWS_SHARED_CREDENTIALS_FILE` names where no credentials file is delivered.
    pub const NO_CREDENTIALS: &str = "no-credentials";
}

/// The profile's name in the files that are delivered.
pub const PROFILE_NAME: &str = "s3-csi";

/// The addresses of the EKS Pod Identity agent, which no proxy may stand before.
const AGENT_ADDRESSES: [&str; 2] = ["169.254.170.23", "fd00:ec2::23"];

/// How a form reaches Mountpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// A token file, and a role or an address: Mountpoint exchanges by itself.
    Delegated,
    /// AWS config and credentials files with keys.
    Profile,
    /// The driver's own loopback endpoint, by the container-credentials protocol.
    Endpoint,
    /// Plain key variables, which can never be rotated: only for long-term keys, only where asked for.
    Environment,
    /// Nothing to hand over.
    None,
}

impl Delivery {
    /// Every delivery that can be asked for.
    pub const CHOICES: [Self; 4] = [
        Self::Delegated,
        Self::Profile,
        Self::Endpoint,
        Self::Environment,
    ];

    /// The word on the command line, in configuration and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delegated => "delegated",
            Self::Profile => "profile",
            Self::Endpoint => "endpoint",
            Self::Environment => "environment",
            Self::None => "none",
        }
    }

    /// What a form is delivered by where nothing else is asked for.
    pub fn default_for(form: &CredentialForm) -> Self {
        match form {
            CredentialForm::Keys(_) => Self::Profile,
            CredentialForm::WebIdentity(identity) if !identity.can_be_delegated() => Self::Profile,
            CredentialForm::WebIdentity(_) | CredentialForm::Container(_) => Self::Delegated,
            CredentialForm::InstanceProfile | CredentialForm::Anonymous => Self::None,
        }
    }

    /// Whether this delivery carries keys, so that any other form is exchanged first.
    pub fn needs_keys(self) -> bool {
        matches!(self, Self::Profile | Self::Endpoint | Self::Environment)
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Delivery {
    type Err = Failure;

    fn from_str(word: &str) -> Result<Self, Failure> {
        Self::CHOICES
            .into_iter()
            .find(|delivery| delivery.as_str() == word)
            .ok_or_else(|| {
                Failure::new(
                    ErrorKind::InvalidRequest,
                    "the delivery is none of delegated, profile, endpoint and environment",
                )
            })
    }
}

/// Who reads the environment: some variables mean one thing to Mountpoint and another to the SDKs.
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
    /// What is delivered; keys already, where the delivery needs keys.
    pub form: &'a CredentialForm,
    /// How it is delivered.
    pub delivery: Delivery,
    /// Whose credentials they are.
    pub level: AuthenticationLevel,
    /// How Mountpoint is run.
    pub mount_kind: MountKind,
    /// The volume's directory, as Mountpoint sees it.
    pub directory: &'a Path,
    /// The region, where one is known.
    pub region: Option<&'a ResolvedRegion>,
    /// Who reads the environment.
    pub consumer: Consumer,
    /// The driver's environment, of which some variables are passed on.
    pub driver: &'a Environment,
    /// The pod's namespace and service account, which keep Mountpoint's caches of different pods apart under systemd.
    pub service_account: Option<(&'a str, &'a str)>,
    /// Where the driver's endpoint serves this volume, for that delivery.
    pub endpoint: Option<&'a EndpointGrant>,
}

/// One volume's place at the driver's loopback endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointGrant {
    /// The URL that keys are fetched from.
    pub uri: String,
    /// What the endpoint expects in the `Authorization` header.
    pub token: Secret,
}

/// Files and environment variables, as plain data. Equal inputs draw equal plans.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryPlan {
    /// How the form is delivered.
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
    /// A key itself.
    Secret(Secret),
}

impl EnvironmentValue {
    /// The value as it is set for Mountpoint.
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

impl DeliveryPlan {
    /// Draws the plan. It fails where the delivery cannot carry the form.
    pub fn draw(request: &PlanRequest<'_>) -> Result<Self, Failure> {
        let mut draft = Draft {
            request,
            files: Vec::new(),
            environment: BTreeMap::new(),
        };
        draft.shut_out_ambient_credentials()?;
        draft.set_region();
        draft.pass_on();
        match (request.form, request.delivery) {
            (CredentialForm::WebIdentity(identity), Delivery::Delegated) => {
                draft.web_identity(identity)?;
            }
            (CredentialForm::Container(container), Delivery::Delegated) => {
                draft.container(container)?;
            }
            (CredentialForm::Keys(keys), Delivery::Profile) => draft.profile(keys)?,
            (CredentialForm::Keys(keys), Delivery::Environment) => draft.plain_keys(keys)?,
            (CredentialForm::Keys(keys), Delivery::Endpoint) => draft.endpoint(keys)?,
            (CredentialForm::InstanceProfile, Delivery::None) => draft.instance_profile(),
            (CredentialForm::Anonymous, Delivery::None) => {}
            (form, delivery) => return Err(unsupported(form.kind(), delivery)),
        }
        Ok(Self {
            delivery: request.delivery,
            files: draft.files,
            environment: draft.environment,
        })
    }
}

fn unsupported(form: FormKind, delivery: Delivery) -> Failure {
    Failure::new(
        ErrorKind::UnsupportedDelivery,
        format!("credentials in the form {form} cannot be delivered as {delivery}"),
    )
    .with_help("leave the delivery to its default, or choose one that can carry this form")
}

struct Draft<'a> {
    request: &'a PlanRequest<'a>,
    files: Vec<PlannedFile>,
    environment: BTreeMap<String, EnvironmentValue>,
}

impl Draft<'_> {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment
            .insert(name.to_owned(), EnvironmentValue::Plain(value.into()));
    }

    /// A variable that names a file of the volume's directory.
    fn set_path(&mut self, name: &str, file: &str) -> Result<(), Failure> {
        let path = self.request.directory.join(file);
        let path = path.to_str().ok_or_else(|| {
            Failure::new(
                ErrorKind::InvalidRequest,
                "the env path is not UTF-8, so no variable can name a file there",
            )
        })?;
        self.set(name, path);
        Ok(())
    }

    fn file(&mut self, name: &'static str, content: Secret, age: Option<TokenAge>) {
        self.files.push(PlannedFile { name, content, age });
    }

    fn shut_out_ambient_credentials(&mut self) -> Result<(), Failure> {
        if self.request.form.kind() != FormKind::InstanceProfile {
            self.set(names::AWS_EC2_METADATA_DISABLED, "true");
        }
        self.set_path(names::AWS_CONFIG_FILE, file_names::NO_CONFIG)?;
        self.set_path(
            names::AWS_SHARED_CREDENTIALS_FILE,
            file_names::NO_CREDENTIALS,
        )
    }

    /// `AWS_REGION` is the user's word to Mountpoint, which then no longer follows a bucket to its own region.
    fn set_region(&mut self) {
        let Some(resolved) = self.request.region else {
            return;
        };
        let region = resolved.region.as_str();
        let by_operator = match resolved.resolver.as_str() {
            resolver_names::VOLUME_CONTEXT
            | resolver_names::MOUNT_OPTIONS
            | resolver_names::FIXED => true,
            resolver_names::ENVIRONMENT => self.request.driver.get(names::AWS_REGION).is_some(),
            _ => false,
        };
        self.set(names::AWS_DEFAULT_REGION, region);
        if by_operator
            || self.request.level == AuthenticationLevel::Pod
            || resolved.region.partition().name != "aws"
        {
            self.set(names::AWS_REGION, region);
        }
    }

    fn pass_on(&mut self) {
        let driver = self.request.driver;
        for name in [
            names::AWS_CA_BUNDLE,
            names::HTTPS_PROXY,
            names::AWS_STS_REGIONAL_ENDPOINTS,
        ] {
            if let Some(value) = driver.get(name) {
                self.set(name, value);
            }
        }
        if let Some(url) = driver.get(names::AWS_ENDPOINT_URL_STS) {
            self.set(
                names::AWS_ENDPOINT_URL_STS,
                match self.request.consumer {
                    Consumer::Sdk => url,
                    Consumer::Mountpoint => host_of(url),
                },
            );
        }
        if driver
            .get(names::HTTPS_PROXY)
            .or_else(|| driver.get(names::NO_PROXY))
            .is_some()
        {
            self.set(
                names::NO_PROXY,
                with_agent_addresses(driver.get(names::NO_PROXY)),
            );
        }
        if let (MountKind::Systemd, AuthenticationLevel::Pod, Some((namespace, name))) = (
            self.request.mount_kind,
            self.request.level,
            self.request.service_account,
        ) {
            self.set(
                names::UNSTABLE_MOUNTPOINT_CACHE_KEY,
                format!("{namespace}/{name}"),
            );
        }
    }

    fn web_identity(&mut self, identity: &WebIdentity) -> Result<(), Failure> {
        if !identity.can_be_delegated() {
            return Err(Failure::new(
                ErrorKind::UnsupportedDelivery,
                "a session policy, a duration or a second role cannot be left to Mountpoint, which knows only one role",
            )
            .with_help("use the delivery profile or endpoint, or remove these settings from the source"));
        }
        self.set(names::AWS_ROLE_ARN, identity.role_arn.as_str());
        if let Some(name) = &identity.session.name {
            self.set(names::AWS_ROLE_SESSION_NAME, name);
        }
        if let Some(endpoints) = &identity.session.regional_endpoints {
            self.set(names::AWS_STS_REGIONAL_ENDPOINTS, endpoints);
        }
        self.token(
            names::AWS_WEB_IDENTITY_TOKEN_FILE,
            file_names::TOKEN,
            &identity.token,
        )
    }

    fn container(&mut self, container: &Container) -> Result<(), Failure> {
        self.set(names::AWS_CONTAINER_CREDENTIALS_FULL_URI, &container.uri);
        match &container.token {
            Some(token) => self.token(
                names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
                file_names::POD_IDENTITY_TOKEN,
                token,
            ),
            None => Ok(()),
        }
    }

    fn token(&mut self, variable: &str, file: &'static str, token: &Token) -> Result<(), Failure> {
        self.set_path(variable, file)?;
        self.file(file, token.secret().clone(), Some(token.age()));
        Ok(())
    }

    fn profile(&mut self, keys: &Keys) -> Result<(), Failure> {
        self.set(names::AWS_PROFILE, PROFILE_NAME);
        self.set_path(names::AWS_CONFIG_FILE, file_names::CONFIG)?;
        self.set_path(names::AWS_SHARED_CREDENTIALS_FILE, file_names::CREDENTIALS)?;
        self.s3_endpoint(keys);
        self.file(
            file_names::CONFIG,
            Secret::new(format!("[profile {PROFILE_NAME}]\n")),
            None,
        );
        self.file(file_names::CREDENTIALS, credentials_file(keys), None);
        Ok(())
    }

    fn plain_keys(&mut self, keys: &Keys) -> Result<(), Failure> {
        if keys.is_temporary() {
            return Err(Failure::new(
                ErrorKind::UnsupportedDelivery,
                "temporary keys cannot be delivered in environment variables, which no one can rotate",
            )
            .with_help("use the delivery profile or endpoint"));
        }
        self.s3_endpoint(keys);
        for (name, secret) in [
            (names::AWS_ACCESS_KEY_ID, &keys.access_key_id),
            (names::AWS_SECRET_ACCESS_KEY, &keys.secret_access_key),
        ] {
            self.environment
                .insert(name.to_owned(), EnvironmentValue::Secret(secret.clone()));
        }
        Ok(())
    }

    fn endpoint(&mut self, keys: &Keys) -> Result<(), Failure> {
        if self.request.mount_kind == MountKind::Pod {
            return Err(Failure::new(
                ErrorKind::UnsupportedDelivery,
                "the loopback endpoint cannot be reached from a Mountpoint pod, which has a network namespace of its own",
            )
            .with_help("use the delivery delegated or profile for the mount kind pod"));
        }
        let grant = self.request.endpoint.ok_or_else(|| {
            Failure::new(
                ErrorKind::UnsupportedDelivery,
                "the delivery endpoint needs a driver that stays to answer, and no endpoint is being served",
            )
            .with_help("serve the endpoint (`s3cred serve`, or Provider::builder().endpoint(...)), or use the delivery profile")
        })?;
        self.s3_endpoint(keys);
        self.set(names::AWS_CONTAINER_CREDENTIALS_FULL_URI, &grant.uri);
        self.set_path(
            names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
            file_names::ENDPOINT_TOKEN,
        )?;
        self.file(file_names::ENDPOINT_TOKEN, grant.token.clone(), None);
        Ok(())
    }

    fn instance_profile(&mut self) {
        let driver = self.request.driver;
        for name in [
            names::AWS_EC2_METADATA_SERVICE_ENDPOINT,
            names::AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE,
        ] {
            if let Some(value) = driver.get(name) {
                self.set(name, value);
            }
        }
    }

    /// The S3 endpoint that came with the keys. Mountpoint knows only the general variable, which no STS call can be misled by
    /// here, since these are keys.
    fn s3_endpoint(&mut self, keys: &Keys) {
        if let Some(url) = &keys.endpoint {
            let name = match self.request.consumer {
                Consumer::Mountpoint => names::AWS_ENDPOINT_URL,
                Consumer::Sdk => "AWS_ENDPOINT_URL_S3",
            };
            self.set(name, url);
        }
    }
}

/// Built in memory of the right size at once, so that no partial copy stays behind.
fn credentials_file(keys: &Keys) -> Secret {
    let lines = [
        ("aws_access_key_id=", Some(&keys.access_key_id)),
        ("aws_secret_access_key=", Some(&keys.secret_access_key)),
        ("aws_session_token=", keys.session_token.as_ref()),
    ];
    let size = lines
        .iter()
        .map(|(name, value)| name.len() + 1 + value.map_or(0, Secret::len))
        .sum::<usize>();
    let mut text = Zeroizing::new(String::with_capacity(PROFILE_NAME.len() + 3 + size));
    text.push('[');
    text.push_str(PROFILE_NAME);
    text.push_str("]\n");
    for (name, value) in lines {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text.push_str(name);
            text.push_str(value.expose());
            text.push('\n');
        }
    }
    Secret::new(std::mem::take(&mut *text))
}

/// `https://sts.example:8443/path` as Mountpoint wants it: `sts.example`. It always speaks TLS on port 443.
fn host_of(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.starts_with('[') {
        return authority.split_inclusive(']').next().unwrap_or_default();
    }
    authority.split(':').next().unwrap_or_default()
}

fn with_agent_addresses(no_proxy: Option<&str>) -> String {
    let mut hosts: Vec<&str> = no_proxy
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|host| !host.is_empty())
        .collect();
    for address in AGENT_ADDRESSES {
        if !hosts.contains(&address) {
            hosts.push(address);
        }
    }
    hosts.join(",")
}
