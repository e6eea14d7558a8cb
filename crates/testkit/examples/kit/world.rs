//! The account, the node and the cluster around a driver, as emulators on 127.0.0.1.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use s3_credential_core::{POD_IDENTITY_AUDIENCE, STS_AUDIENCE};
use s3_credential_testkit::iam::{Iam, Issued, Role, Trust};
use s3_credential_testkit::imds::Imds;
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::kubernetes::Kubernetes;
use s3_credential_testkit::pod_identity_agent::PodIdentityAgent;
use s3_credential_testkit::s3::S3;
use s3_credential_testkit::server::Server;
use s3_credential_testkit::sts::Sts;
use serde_json::{Value, json};

use crate::Result;

pub(crate) const REGION: &str = "us-west-2";
pub(crate) const NODE_ROLE: &str = "arn:aws:iam::111122223333:role/node";
pub(crate) const DRIVER_ROLE: &str = "arn:aws:iam::111122223333:role/driver";
pub(crate) const POD_ROLE: &str = "arn:aws:iam::111122223333:role/pod";
pub(crate) const USER: &str = "arn:aws:iam::111122223333:user/owner";

/// Namespace and name of a service account.
pub(crate) type Account = (&'static str, &'static str);
pub(crate) const DRIVER: Account = ("kube-system", "s3-csi-driver-sa");
pub(crate) const POD: Account = ("apps", "reader");
/// An account without a role.
pub(crate) const PLAIN_POD: Account = ("apps", "plain");

/// Each identity may read one bucket only, so that what is read proves who reads.
const BUCKETS: [(&str, &str); 4] = [
    (NODE_ROLE, "node-data"),
    (DRIVER_ROLE, "driver-data"),
    (POD_ROLE, "pod-data"),
    (USER, "user-data"),
];

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) iam: Iam,
    pub(crate) imds: Imds,
    pub(crate) sts: Sts,
    pub(crate) agent: PodIdentityAgent,
    pub(crate) kubernetes: Kubernetes,
    pub(crate) s3: S3,
    pub(crate) user: Issued,
    directory: PathBuf,
}

impl World {
    pub(crate) async fn start(directory: PathBuf) -> Result<Self> {
        let iam = Iam::default();
        let issuer = Issuer::new("https://oidc.example.com/id/KIT");
        iam.add_provider(issuer.verifier(), [STS_AUDIENCE]);
        let trust = |(namespace, name): Account| {
            let subject = format!("system:serviceaccount:{namespace}:{name}");
            Trust::web_identity(issuer.url(), &subject)
        };
        let agent_trust = || Trust::service("pods.eks.amazonaws.com");
        iam.add_role(Role::new(NODE_ROLE).trusting(Trust::service("ec2.amazonaws.com")));
        iam.add_role(Role::new(DRIVER_ROLE).trusting(trust(DRIVER)).trusting(agent_trust()));
        iam.add_role(Role::new(POD_ROLE).trusting(trust(POD)).trusting(agent_trust()));
        let imds = Imds::start(iam.clone()).await?;
        imds.set_region(REGION);
        imds.set_role(Some(NODE_ROLE));
        let agent = PodIdentityAgent::start(iam.clone(), issuer.verifier()).await?;
        agent.associate(DRIVER.0, DRIVER.1, DRIVER_ROLE);
        let s3 = S3::start(iam.clone()).await?;
        for (arn, bucket) in BUCKETS {
            s3.put(bucket, "owner", arn);
            let may = json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
            }]});
            iam.add_policy(arn, &may.to_string())?;
        }
        let kubernetes = Kubernetes::builder().issuer(issuer).start().await?;
        for (namespace, name) in [DRIVER, POD, PLAIN_POD] {
            kubernetes.put_service_account(namespace, name, &[]);
        }
        let role = [("eks.amazonaws.com/role-arn", POD_ROLE)];
        kubernetes.put_service_account(POD.0, POD.1, &role);
        for folder in ["driver", "write", "state"] {
            fs::create_dir_all(directory.join(folder))?;
        }
        let world = Self {
            sts: Sts::start(iam.clone()).await?,
            user: iam.add_user(USER),
            iam,
            imds,
            agent,
            kubernetes,
            s3,
            directory,
        };
        world
            .kubernetes
            .write_kubeconfig(world.path("kubeconfig"), world.kubernetes.admin_token())?;
        world.rotate(Duration::from_mins(1))?;
        Ok(world)
    }

    /// Writes the driver's own tokens, as made this long ago.
    pub(crate) fn rotate(&self, age: Duration) -> Result<()> {
        for (name, audience) in
            [("web-identity", STS_AUDIENCE), ("pod-identity", POD_IDENTITY_AUDIENCE)]
        {
            fs::write(self.path(&format!("driver/{name}")), self.token(DRIVER, audience, age))?;
        }
        Ok(())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn write_path(&self) -> PathBuf {
        self.path("write")
    }

    /// A token that was made this long ago, and is good for an hour from then.
    pub(crate) fn token(
        &self,
        (namespace, name): Account,
        audience: &str,
        age: Duration,
    ) -> String {
        let token = self.kubernetes.issuer().service_account(namespace, name).audience(audience);
        token.issued_at(Timestamp::now() - age).ttl(Duration::from_hours(1)).sign()
    }

    /// The tokens of a pod as the kubelet sends them.
    pub(crate) fn tokens(&self, account: Account, age: Duration) -> String {
        let expires_at = Timestamp::now() - age + Duration::from_hours(1);
        let entry = |audience| json!({"token": self.token(account, audience, age), "expirationTimestamp": expires_at});
        json!({
            STS_AUDIENCE: entry(STS_AUDIENCE),
            POD_IDENTITY_AUDIENCE: entry(POD_IDENTITY_AUDIENCE),
        })
        .to_string()
    }

    /// Variables that are set whatever the driver's credentials are.
    pub(crate) fn services(&self) -> BTreeMap<String, String> {
        let services = [
            ("AWS_ENDPOINT_URL_STS", self.sts.url()),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.imds.url()),
            ("AWS_REGION", REGION.to_owned()),
            ("KUBECONFIG", self.path("kubeconfig").display().to_string()),
            ("KIT_WRITE_PATH", self.write_path().display().to_string()),
            ("KIT_STATE_PATH", self.path("state").display().to_string()),
        ];
        services.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The driver's web identity, as the EKS webhook sets it.
    pub(crate) fn web_identity(&self) -> BTreeMap<String, String> {
        let file = self.path("driver/web-identity").display().to_string();
        [("AWS_ROLE_ARN", DRIVER_ROLE.to_owned()), ("AWS_WEB_IDENTITY_TOKEN_FILE", file)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    pub(crate) fn server(&self, name: &str) -> Option<&Server> {
        Some(match name {
            "sts" => &self.sts,
            "imds" => &self.imds,
            "agent" => &self.agent,
            "kubernetes" => &self.kubernetes,
            "s3" => &self.s3,
            _ => return None,
        })
    }

    /// Everything that a driver has to be started with, as one line of JSON.
    pub(crate) fn describe(&self) -> Result<String> {
        let environment: BTreeMap<_, _> =
            self.services().into_iter().chain(self.web_identity()).collect();
        let buckets: BTreeMap<_, _> = BUCKETS.into_iter().collect();
        let described: Value = json!({
            "environment": environment,
            "s3": self.s3.url(),
            "podIdentityAgent": self.agent.credentials_url(),
            "buckets": buckets,
            "object": "owner",
            "podTokens": self.tokens(POD, Duration::ZERO),
            "secret": {
                "key_id": self.user.access_key_id,
                "access_key": self.user.secret_access_key.expose(),
            },
        });
        Ok(serde_json::to_string(&described)?)
    }

    /// Everything beneath the write path.
    pub(crate) fn written(&self) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
        let mut files = BTreeMap::new();
        collect(&self.write_path(), &mut files)?;
        Ok(files)
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir();
        let content = if is_folder { Vec::new() } else { fs::read(entry.path())? };
        files.insert(entry.path(), content);
        if is_folder {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}
