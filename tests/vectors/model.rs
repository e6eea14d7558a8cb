//! The model of our delivery of a form, from the input of a step: for steps that the Go driver
//! refused or answered otherwise.

use std::collections::BTreeMap;

use s3_credential_core::{PROFILE_NAME, file_names, names};

use crate::drive::clean;
use crate::outcome::{Answer, Outcome};
use crate::tree::{Node, Tree};
use crate::view::{DriverSource, View};

/// The mode of every file that is delivered.
const MODE: u32 = 0o640;

/// Variables, and the files that they name.
struct Delivery<'a> {
    view: &'a View<'a>,
    variables: BTreeMap<String, String>,
    files: Tree,
}

impl<'a> Delivery<'a> {
    fn new(view: &'a View<'a>) -> Self {
        Self { view, variables: BTreeMap::new(), files: Tree::new() }
    }

    fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    fn file(self, variable: &str, name: &str, content: impl Into<Vec<u8>>) -> Self {
        let view = self.view;
        let path = view.lease().path(name);
        let mut with = self.set(variable, env_path(view, &path));
        with.files.insert(path, Node::file(content, MODE));
        with
    }

    fn outcome(self, level: &str) -> Outcome {
        let mut tree = self.view.before.clone().unwrap_or_default();
        let lease = self.view.lease();
        tree.retain(|path, _| !lease.owns(path));
        tree.extend(self.files);
        let mut outcome = Outcome {
            answer: Answer::Provided { level: level.to_owned(), variables: self.variables },
            tree: Some(tree),
            outside: Vec::new(),
        };
        add_ours(self.view, &mut outcome);
        outcome
    }
}

/// A path under the write path, as Mountpoint sees it.
pub(crate) fn env_path(view: &View<'_>, path: &str) -> String {
    clean(&format!("{}/{path}", view.provide().unwrap().env_path))
}

/// The driver's credentials by this source.
pub(crate) fn of_driver(view: &View<'_>, source: DriverSource) -> Outcome {
    let delivery = Delivery::new(view);
    let token = || view.driver_token(source).unwrap_or_default();
    let with = match source {
        DriverSource::Irsa => web_identity(delivery, view.get(names::AWS_ROLE_ARN), token()),
        DriverSource::Container => {
            container(delivery, view.get(names::AWS_CONTAINER_CREDENTIALS_FULL_URI), token())
        }
        DriverSource::Keys => keys(delivery),
        DriverSource::Profile => profile(delivery),
    };
    with.outcome("driver")
}

/// The pod's token with its role.
pub(crate) fn of_pod(view: &View<'_>, token: &str) -> Outcome {
    let (region, _) = view.region().unwrap();
    web_identity(Delivery::new(view), view.pod_role().unwrap(), token.as_bytes())
        .set(names::AWS_REGION, region)
        .outcome("pod")
}

/// The pod's token for the agent.
pub(crate) fn of_pod_identity(view: &View<'_>, token: &str) -> Outcome {
    let uri = view.get(names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI);
    container(Delivery::new(view), uri, token.as_bytes()).outcome("pod")
}

fn web_identity<'a>(delivery: Delivery<'a>, role: &str, token: &[u8]) -> Delivery<'a> {
    delivery.set(names::AWS_ROLE_ARN, role).file(
        names::AWS_WEB_IDENTITY_TOKEN_FILE,
        file_names::TOKEN,
        token,
    )
}

fn container<'a>(delivery: Delivery<'a>, uri: &str, token: &[u8]) -> Delivery<'a> {
    delivery.set(names::AWS_CONTAINER_CREDENTIALS_FULL_URI, uri).file(
        names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
        file_names::POD_IDENTITY_TOKEN,
        token,
    )
}

fn keys(delivery: Delivery<'_>) -> Delivery<'_> {
    let lines = [
        ("aws_access_key_id", names::AWS_ACCESS_KEY_ID),
        ("aws_secret_access_key", names::AWS_SECRET_ACCESS_KEY),
        ("aws_session_token", names::AWS_SESSION_TOKEN),
    ];
    let view = delivery.view;
    let lines: String = lines
        .into_iter()
        .filter(|(_, variable)| view.has(variable))
        .map(|(name, variable)| format!("{name}={}\n", view.get(variable)))
        .collect();
    delivery
        .set(names::AWS_PROFILE, PROFILE_NAME)
        .file(names::AWS_CONFIG_FILE, file_names::CONFIG, format!("[profile {PROFILE_NAME}]\n"))
        .file(
            names::AWS_SHARED_CREDENTIALS_FILE,
            file_names::CREDENTIALS,
            format!("[{PROFILE_NAME}]\n{lines}"),
        )
}

/// The driver's own files, as the Go driver names them.
fn profile(delivery: Delivery<'_>) -> Delivery<'_> {
    let view = delivery.view;
    delivery
        .set(names::AWS_CONFIG_FILE, view.get(names::AWS_CONFIG_FILE))
        .set(names::AWS_SHARED_CREDENTIALS_FILE, view.get(names::AWS_SHARED_CREDENTIALS_FILE))
}

/// Adds our additional variables: those that shut out the ambient credentials, and a region where
/// one is known.
pub(crate) fn add_ours(view: &View<'_>, outcome: &mut Outcome) {
    let Answer::Provided { level, variables } = &mut outcome.answer else { return };
    let is_instance_profile = variables.is_empty();
    let mut add = |name: &str, value: String| {
        variables.entry(name.to_owned()).or_insert(value);
    };
    if !is_instance_profile {
        add(names::AWS_EC2_METADATA_DISABLED, "true".to_owned());
    }
    let lease = view.lease();
    add(names::AWS_CONFIG_FILE, env_path(view, &lease.path(file_names::NO_CONFIG)));
    add(
        names::AWS_SHARED_CREDENTIALS_FILE,
        env_path(view, &lease.path(file_names::NO_CREDENTIALS)),
    );
    if is_instance_profile {
        add(names::AWS_EC2_METADATA_SERVICE_ENDPOINT, "{IMDS}".to_owned());
    }
    if let Some((region, by_operator)) = view.region() {
        if by_operator || level == "pod" {
            add(names::AWS_REGION, region.clone());
        }
        add(names::AWS_DEFAULT_REGION, region);
    }
    let provide = view.provide().unwrap();
    if level == "pod" && provide.mount_kind == "systemd" {
        let key = format!("{}/{}", provide.pod_namespace, provide.service_account_name);
        add(names::UNSTABLE_MOUNTPOINT_CACHE_KEY, key);
    }
}
