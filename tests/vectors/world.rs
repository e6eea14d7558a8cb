//! The services around a driver, in the state that a case wants.

use s3_credential_core::names;
use s3_credential_testkit::iam::{Iam, Role, Trust};
use s3_credential_testkit::imds::Imds;
use s3_credential_testkit::kubernetes::{Failure, Kubernetes, Rule};

use crate::case::{Input, Provide};
use crate::sandbox::Sandbox;

const NODE_ROLE: &str = "arn:aws:iam::111122223333:role/node";

/// Emulators, and the variables by which a driver finds them.
#[derive(Debug)]
pub(crate) struct World {
    _imds: Imds,
    _kubernetes: Option<Kubernetes>,
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl World {
    pub(crate) async fn start(input: &Input, sandbox: &Sandbox) -> Self {
        let imds = imds(input).await;
        let mut variables = vec![(names::AWS_EC2_METADATA_SERVICE_ENDPOINT, imds.url())];
        let kubernetes = if asks_kubernetes(input) {
            let kubernetes = kubernetes(input).await;
            let path = sandbox.private("kubeconfig");
            let token = kubernetes.add_user("driver");
            kubernetes.write_kubeconfig(&path, &token).unwrap();
            variables.push((names::KUBECONFIG, path.to_str().unwrap().to_owned()));
            Some(kubernetes)
        } else {
            None
        };
        Self { _imds: imds, _kubernetes: kubernetes, variables }
    }
}

/// For a mount in a pod the role was looked up by the controller, and the node's driver makes no
/// call.
fn asks_kubernetes(input: &Input) -> bool {
    let is_systemd = |provide: &Provide| provide.mount_kind == "systemd";
    !input.service_accounts.is_empty()
        || input.steps().iter().any(|step| step.provide.as_ref().is_some_and(is_systemd))
}

async fn imds(input: &Input) -> Imds {
    let iam = Iam::default();
    iam.add_role(Role::new(NODE_ROLE).trusting(Trust::service("ec2.amazonaws.com")));
    let imds = Imds::start(iam).await.unwrap();
    imds.set_role(Some(NODE_ROLE));
    match &input.imds_region {
        Some(region) => imds.set_region(region),
        None => imds.set_enabled(false),
    }
    imds
}

async fn kubernetes(input: &Input) -> Kubernetes {
    let kubernetes = Kubernetes::start().await.unwrap();
    for (account, annotations) in &input.service_accounts {
        let (namespace, name) = account.rsplit_once('/').unwrap();
        let annotations: Vec<(&str, &str)> = annotations
            .iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        kubernetes.put_namespace(namespace);
        kubernetes.put_service_account(namespace, name, &annotations);
    }
    let errors = || input.service_account_errors.values();
    if !errors().any(|error| error.contains("forbidden")) {
        kubernetes.grant("driver", Rule::new(["get"], ["serviceaccounts"]));
    }
    if errors().any(|error| error.contains("deadline")) {
        kubernetes.faults().always("get serviceaccounts", Failure::ServiceUnavailable);
    }
    kubernetes
}
