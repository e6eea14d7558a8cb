//! What surrounds a driver on EKS, as emulators on 127.0.0.1: an account, a node, a cluster.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use s3_credential_core::{Environment, Keys, POD_IDENTITY_AUDIENCE, STS_AUDIENCE, Secret, names};
use s3_credential_provider::{Consumer, Failure, Provider};
use s3_credential_testkit::iam::{Iam, Issued, Role, Trust};
use s3_credential_testkit::imds::Imds;
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
use s3_credential_testkit::pod_identity_agent::PodIdentityAgent;
use s3_credential_testkit::scratch::Scratch;
use s3_credential_testkit::sts::Sts;
use serde_json::json;

pub(super) const NODE_REGION: &str = "us-west-2";
pub(super) const NODE_ROLE: &str = "arn:aws:iam::111122223333:role/node";
pub(super) const DRIVER_ROLE: &str = "arn:aws:iam::111122223333:role/s3-csi-driver";
pub(super) const PHOTOS_ROLE: &str = "arn:aws:iam::111122223333:role/photos";
pub(super) const REPORTS_ROLE: &str = "arn:aws:iam::111122223333:role/reports";

/// Namespace and name of a service account.
pub(super) type Account = (&'static str, &'static str);

pub(super) const DRIVER: Account = ("kube-system", "s3-csi-driver-sa");
/// Annotated with its role.
pub(super) const PHOTOS: Account = ("apps", "photos");
/// Associated with its role (EKS Pod Identity).
pub(super) const REPORTS: Account = ("apps", "reports");
/// Without any role.
pub(super) const WITHOUT_ROLE: Account = ("apps", "without-role");

const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// How long ago a token was made that is about to be replaced.
const OLDER: Duration = Duration::from_mins(10);

/// Whether a token is the one of a first publish, or the newer one of a republish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Older,
    Newer,
}

/// The emulators, and the driver's directories. All of it goes with this value.
#[derive(Debug)]
pub(super) struct World {
    imds: Imds,
    agent: PodIdentityAgent,
    sts: Sts,
    kubernetes: Kubernetes,
    iam: Iam,
    scratch: Scratch,
    write_path: PathBuf,
    state_path: PathBuf,
    kubeconfig: PathBuf,
    /// Secrets that are nowhere else to be found when the output is searched for them.
    handed_out: RefCell<Vec<Secret>>,
}

impl World {
    /// Starts everything, with a directory of its own in `parent`.
    pub(super) async fn start(parent: &Path) -> io::Result<Self> {
        let scratch = Scratch::new_in(parent, "s3cred-demo")?;
        let iam = Iam::default();
        let issuer = Issuer::new("https://oidc.eks.us-west-2.amazonaws.com/id/DEMO");
        iam.add_provider(issuer.verifier(), [STS_AUDIENCE]);
        let may = |account: Account| Trust::web_identity(issuer.url(), &subject(account));
        let through_agent = || Trust::service("pods.eks.amazonaws.com");
        iam.add_role(Role::new(NODE_ROLE).trusting(Trust::service("ec2.amazonaws.com")));
        iam.add_role(Role::new(DRIVER_ROLE).trusting(may(DRIVER)).trusting(through_agent()));
        iam.add_role(Role::new(PHOTOS_ROLE).trusting(may(PHOTOS)));
        iam.add_role(Role::new(REPORTS_ROLE).trusting(through_agent()));

        let imds = Imds::start(iam.clone()).await?;
        imds.set_region(NODE_REGION);
        imds.set_role(Some(NODE_ROLE));
        let agent = PodIdentityAgent::start(iam.clone(), issuer.verifier()).await?;
        for ((namespace, name), role) in [(DRIVER, DRIVER_ROLE), (REPORTS, REPORTS_ROLE)] {
            agent.associate(namespace, name, role);
        }
        let sts = Sts::start(iam.clone()).await?;
        let kubernetes = Kubernetes::builder().issuer(issuer).start().await?;
        for account in [DRIVER, REPORTS, WITHOUT_ROLE] {
            kubernetes.put_service_account(account.0, account.1, &[]);
        }
        kubernetes.put_service_account(PHOTOS.0, PHOTOS.1, &[(ROLE_ANNOTATION, PHOTOS_ROLE)]);
        kubernetes
            .grant(&subject(DRIVER), Rule::new(["get", "list", "watch"], ["serviceaccounts"]));

        let driver_token = kubernetes.service_account_token(DRIVER.0, DRIVER.1);
        let kubeconfig = scratch.path().join("kubeconfig");
        kubernetes.write_kubeconfig(&kubeconfig, &driver_token)?;
        Ok(Self {
            write_path: scratch.directory("credentials")?,
            state_path: scratch.directory("state")?,
            kubeconfig,
            handed_out: RefCell::new(vec![
                Secret::new(driver_token),
                Secret::new(kubernetes.admin_token()),
            ]),
            imds,
            agent,
            sts,
            kubernetes,
            iam,
            scratch,
        })
    }

    /// What the driver's process has in its environment whatever its credentials are.
    pub(super) fn environment(&self) -> Environment {
        Environment::default()
            .with(names::AWS_ENDPOINT_URL_STS, self.sts.url())
            .with(names::AWS_EC2_METADATA_SERVICE_ENDPOINT, self.imds.url())
            .with(names::KUBECONFIG, self.kubeconfig.display().to_string())
    }

    /// A driver with this environment. Where leases are remembered outlives it.
    pub(super) fn provider(&self, environment: &Environment) -> Result<Provider, Failure> {
        Provider::builder()
            .environment(environment.clone())
            .state_path(&self.state_path)
            .consumer(Consumer::Sdk)
            .build()
            .map_err(|error| error.failure)
    }

    /// The URL of the EKS Pod Identity agent.
    pub(super) fn agent_url(&self) -> String {
        self.agent.credentials_url()
    }

    /// Writes or replaces a file that the kubelet projects into the driver's pod.
    pub(super) fn project(&self, name: &str, content: &Secret) -> io::Result<String> {
        Ok(self.scratch.write(name, content.expose())?.display().to_string())
    }

    /// A token of this account for this audience, good for an hour from when it was made.
    pub(super) fn token(&self, account: Account, audience: &str, age: Age) -> Secret {
        self.signed(account, audience, age).0
    }

    /// The tokens that the kubelet sends with a publish, as `tokenRequests` of the CSIDriver object
    /// asks for them.
    pub(super) fn pod_tokens(&self, account: Account, age: Age) -> Secret {
        let entry = |audience| {
            let (token, expires_at) = self.signed(account, audience, age);
            json!({"token": token.expose(), "expirationTimestamp": expires_at.to_string()})
        };
        let tokens = json!({
            STS_AUDIENCE: entry(STS_AUDIENCE),
            POD_IDENTITY_AUDIENCE: entry(POD_IDENTITY_AUDIENCE),
        });
        Secret::new(tokens.to_string())
    }

    fn signed(&self, account: Account, audience: &str, age: Age) -> (Secret, jiff::Timestamp) {
        let made_at = match age {
            Age::Older => self.iam.now() - OLDER,
            Age::Newer => self.iam.now(),
        };
        let token = self.kubernetes.issuer().service_account(account.0, account.1);
        let token = token.audience(audience).issued_at(made_at);
        let signed = Secret::new(token.sign());
        self.handed_out.borrow_mut().push(signed.clone());
        (signed, token.expires_at())
    }

    /// Long-term keys of a user.
    pub(super) fn user(&self, arn: &str) -> Issued {
        self.iam.add_user(arn)
    }

    /// Takes keys out of use: STS no longer knows them.
    pub(super) fn retire(&self, keys: &Keys) {
        let session_token = keys.session_token.clone();
        self.handed_out.borrow_mut().extend(
            [keys.access_key_id.clone(), keys.secret_access_key.clone()]
                .into_iter()
                .chain(session_token),
        );
        self.iam.revoke(keys.access_key_id.expose());
    }

    /// New keys for the node's role, as IMDS has them every few hours.
    pub(super) fn rotate_instance_profile(&self) {
        self.imds.set_role(Some(NODE_ROLE));
    }

    /// Where credentials are delivered to.
    pub(super) fn write_path(&self) -> &Path {
        &self.write_path
    }

    /// Returns the entries of the write path and the state path; none, once every volume is gone.
    pub(super) fn left_behind(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for path in [&self.write_path, &self.state_path] {
            for entry in std::fs::read_dir(path)? {
                found.push(entry?.path());
            }
        }
        Ok(found)
    }

    /// Every token and key that was made here.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let mut secrets = self.handed_out.borrow().clone();
        for issued in self.iam.all_issued() {
            secrets.push(Secret::new(issued.access_key_id));
            secrets.push(issued.secret_access_key);
            secrets.extend(issued.session_token);
        }
        secrets
    }
}

fn subject((namespace, name): Account) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}
