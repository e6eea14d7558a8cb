//! The drawing of a plan, variable by variable.

use std::collections::BTreeMap;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::{Consumer, EnvironmentValue, PROFILE_NAME, PlanRequest, PlannedFile, file_names};
use crate::environment::{Environment, names};
use crate::error::{ErrorKind, Failure};
use crate::form::{Container, FormKind, Keys, ProfileFiles, WebIdentity};
use crate::level::AuthenticationLevel;
use crate::mount_target::MountKind;
use crate::region::resolver_names;
use crate::secret::Secret;
use crate::sts_route::StsRoute;
use crate::token::{Token, TokenAge};
use crate::user_info::has_user_info;

/// The addresses of the EKS Pod Identity agent, which no proxy may stand before.
const AGENT_ADDRESSES: [&str; 2] = ["169.254.170.23", "fd00:ec2::23"];

/// A plan in the making.
pub(super) struct Draft<'a> {
    pub(super) request: &'a PlanRequest<'a>,
    pub(super) files: Vec<PlannedFile>,
    pub(super) environment: BTreeMap<String, EnvironmentValue>,
}

impl Draft<'_> {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.insert(name.to_owned(), EnvironmentValue::Plain(value.into()));
    }

    /// Sets a variable that names a file of the volume's directory.
    fn set_path(&mut self, name: &str, file: &str) -> Result<(), Failure> {
        let directory = self.request.directory;
        // Of the right size at once: a plan is drawn for each republish.
        let mut path = PathBuf::with_capacity(directory.as_os_str().len() + 1 + file.len());
        path.push(directory);
        path.push(file);
        let path = path.into_os_string().into_string().map_err(|_| {
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

    pub(super) fn shut_out_ambient_credentials(&mut self) -> Result<(), Failure> {
        if self.request.form.kind() != FormKind::InstanceProfile {
            self.set(names::AWS_EC2_METADATA_DISABLED, "true");
        }
        self.set_path(names::AWS_CONFIG_FILE, file_names::NO_CONFIG)?;
        self.set_path(names::AWS_SHARED_CREDENTIALS_FILE, file_names::NO_CREDENTIALS)
    }

    /// `AWS_REGION` is the user's word to Mountpoint, which then no longer follows a bucket to its
    /// own region.
    pub(super) fn set_region(&mut self) {
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

    pub(super) fn pass_on(&mut self) -> Result<(), Failure> {
        let driver = self.request.driver;
        for name in [
            names::AWS_STS_REGIONAL_ENDPOINTS,
            names::AWS_USE_FIPS_ENDPOINT,
            names::AWS_USE_DUALSTACK_ENDPOINT,
        ] {
            if let Some(value) = driver.get(name) {
                self.set(name, value);
            }
        }
        match (driver.get(names::AWS_CA_BUNDLE), self.request.ca_bundle) {
            (Some(_), Some(content)) => {
                self.set_path(names::AWS_CA_BUNDLE, file_names::CA_BUNDLE)?;
                self.file(file_names::CA_BUNDLE, content.clone(), None);
            }
            (Some(path), None) => self.set(names::AWS_CA_BUNDLE, path),
            (None, _) => {}
        }
        let sts = match self.request.consumer {
            Consumer::Sdk => driver.get(names::AWS_ENDPOINT_URL_STS).map(str::to_owned),
            Consumer::Mountpoint => {
                let region = self.request.region.map(|resolved| &resolved.region);
                StsRoute::new(driver, region).host().map(str::to_owned)
            }
        };
        if let Some(sts) = sts {
            self.set_url(names::AWS_ENDPOINT_URL_STS, &sts);
        }
        let (proxy, exceptions) =
            (either_case(driver, names::HTTPS_PROXY), either_case(driver, names::NO_PROXY));
        if let Some(url) = proxy {
            self.set_in_both_cases(names::HTTPS_PROXY, url);
        }
        if proxy.or(exceptions).is_some() {
            self.set_in_both_cases(names::NO_PROXY, &with_agent_addresses(exceptions));
        }
        if let (MountKind::Systemd, AuthenticationLevel::Pod, Some((namespace, name))) =
            (self.request.mount_kind, self.request.level, self.request.service_account)
        {
            self.set(names::UNSTABLE_MOUNTPOINT_CACHE_KEY, format!("{namespace}/{name}"));
        }
        Ok(())
    }

    /// A URL, whose user name and password are secret.
    fn set_url(&mut self, name: &str, url: &str) {
        if has_user_info(url) {
            let secret = EnvironmentValue::Secret(Secret::new(url));
            self.environment.insert(name.to_owned(), secret);
        } else {
            self.set(name, url);
        }
    }

    /// Readers differ in which spelling goes first.
    fn set_in_both_cases(&mut self, name: &str, value: &str) {
        self.set_url(name, value);
        self.set_url(&name.to_ascii_lowercase(), value);
    }

    pub(super) fn web_identity(&mut self, identity: &WebIdentity) -> Result<(), Failure> {
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
        self.token(names::AWS_WEB_IDENTITY_TOKEN_FILE, file_names::TOKEN, &identity.token)
    }

    pub(super) fn container(&mut self, container: &Container) -> Result<(), Failure> {
        self.container_uri(container);
        match &container.token {
            Some(token) => self.token(
                names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
                file_names::POD_IDENTITY_TOKEN,
                token,
            ),
            None => Ok(()),
        }
    }

    /// Without a token the URI itself is what authorizes.
    fn container_uri(&mut self, container: &Container) {
        let name = names::AWS_CONTAINER_CREDENTIALS_FULL_URI;
        if container.token.is_none() {
            let secret = EnvironmentValue::Secret(Secret::new(container.uri.as_str()));
            self.environment.insert(name.to_owned(), secret);
        } else {
            self.set_url(name, &container.uri);
        }
    }

    fn token(&mut self, variable: &str, file: &'static str, token: &Token) -> Result<(), Failure> {
        self.set_path(variable, file)?;
        self.file(file, token.secret().clone(), Some(token.age()));
        Ok(())
    }

    pub(super) fn profile(&mut self, keys: &Keys) -> Result<(), Failure> {
        self.s3_endpoint(keys);
        let config = Secret::new(format!("[profile {PROFILE_NAME}]\n"));
        self.profile_files(&ProfileFiles {
            profile: Some(PROFILE_NAME.to_owned()),
            ..ProfileFiles::new(config, credentials_file(keys))
        })
    }

    pub(super) fn profile_files(&mut self, files: &ProfileFiles) -> Result<(), Failure> {
        if let Some(profile) = &files.profile {
            self.set(names::AWS_PROFILE, profile);
        }
        self.set_path(names::AWS_CONFIG_FILE, file_names::CONFIG)?;
        self.set_path(names::AWS_SHARED_CREDENTIALS_FILE, file_names::CREDENTIALS)?;
        self.file(file_names::CONFIG, files.config.clone(), None);
        self.file(file_names::CREDENTIALS, files.credentials.clone(), None);
        Ok(())
    }

    pub(super) fn plain_keys(&mut self, keys: &Keys) -> Result<(), Failure> {
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
            self.environment.insert(name.to_owned(), EnvironmentValue::Secret(secret.clone()));
        }
        Ok(())
    }

    pub(super) fn endpoint(&mut self, keys: &Keys) -> Result<(), Failure> {
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
            .with_help("serve the endpoint (`s3cred serve`, or `Provider::serve_endpoint`), or use the delivery profile")
        })?;
        self.s3_endpoint(keys);
        self.set(names::AWS_CONTAINER_CREDENTIALS_FULL_URI, &grant.uri);
        self.set_path(names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, file_names::ENDPOINT_TOKEN)?;
        self.file(file_names::ENDPOINT_TOKEN, grant.token.clone(), None);
        Ok(())
    }

    pub(super) fn instance_profile(&mut self) {
        let driver = self.request.driver;
        for name in [
            names::AWS_EC2_METADATA_SERVICE_ENDPOINT,
            names::AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE,
        ] {
            if let Some(value) = driver.get(name) {
                self.set_url(name, value);
            }
        }
    }

    /// The S3 endpoint that came with the keys. Mountpoint knows only the general variable, which
    /// no STS call can be misled by here, since these are keys.
    fn s3_endpoint(&mut self, keys: &Keys) {
        if let Some(url) = &keys.endpoint {
            let name = match self.request.consumer {
                Consumer::Mountpoint => names::AWS_ENDPOINT_URL,
                Consumer::Sdk => "AWS_ENDPOINT_URL_S3",
            };
            self.set_url(name, url);
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

/// The value that counts here: capitals go first.
fn either_case<'a>(driver: &'a Environment, name: &str) -> Option<&'a str> {
    driver.get(name).or_else(|| driver.get(&name.to_ascii_lowercase()))
}

/// Adds the addresses of the agents to the hosts. A star among the hosts disables the proxy for all
/// of them, and is returned alone.
fn with_agent_addresses(no_proxy: Option<&str>) -> String {
    let mut hosts: Vec<&str> = no_proxy
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|host| !host.is_empty())
        .collect();
    if hosts.contains(&"*") {
        return "*".to_owned();
    }
    for address in AGENT_ADDRESSES {
        if !hosts.contains(&address) {
            hosts.push(address);
        }
    }
    hosts.join(",")
}
