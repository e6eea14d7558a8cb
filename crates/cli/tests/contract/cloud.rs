//! An account, a node and a cluster around a driver, where keys are exchanged for real.

use s3_credential_core::{POD_IDENTITY_AUDIENCE, STS_AUDIENCE};
use s3_credential_testkit::iam::{Iam, Role, Trust};
use s3_credential_testkit::imds::Imds;
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::pod_identity_agent::PodIdentityAgent;
use s3_credential_testkit::sts::Sts;

use crate::driver::Driver;
use crate::requests::{ROLE, drivers_token};

pub(crate) const AGENT: &str = "EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI";

#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) issuer: Issuer,
    pub(crate) iam: Iam,
    pub(crate) sts: Sts,
    pub(crate) imds: Imds,
    pub(crate) agent: PodIdentityAgent,
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        let iam = Iam::default();
        let issuer = Issuer::new("https://oidc.example.test/id/1");
        iam.add_provider(issuer.verifier(), [STS_AUDIENCE]);
        let may = |account: &str| {
            Trust::web_identity(issuer.url(), &format!("system:serviceaccount:{account}"))
        };
        let role = Role::new(ROLE).trusting(may("apps:reader")).trusting(may("kube-system:driver"));
        let services = ["ec2.amazonaws.com", "pods.eks.amazonaws.com"];
        iam.add_role(
            services.into_iter().fold(role, |role, name| role.trusting(Trust::service(name))),
        );
        let imds = Imds::start(iam.clone()).await.unwrap();
        imds.set_region("eu-north-1");
        imds.set_role(Some(ROLE));
        let agent = PodIdentityAgent::start(iam.clone(), issuer.verifier()).await.unwrap();
        agent.associate("apps", "reader", ROLE);
        agent.associate("kube-system", "driver", ROLE);
        Self { sts: Sts::start(iam.clone()).await.unwrap(), issuer, iam, imds, agent }
    }

    /// A driver on a node of this account. Its region is that of IMDS.
    pub(crate) fn driver(&self) -> Driver {
        Driver::new()
            .without("AWS_EC2_METADATA_DISABLED")
            .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &self.imds.url())
            .with("AWS_ENDPOINT_URL_STS", &self.sts.url())
    }

    /// The same with a web identity of its own.
    pub(crate) fn driver_with_role(&self) -> Driver {
        let driver = self.driver();
        let token = driver.file("web-identity-token", &drivers_token(&self.issuer, STS_AUDIENCE));
        driver.with("AWS_ROLE_ARN", ROLE).with("AWS_WEB_IDENTITY_TOKEN_FILE", &token)
    }

    /// The same by EKS Pod Identity.
    pub(crate) fn driver_with_association(&self) -> Driver {
        let driver = self.driver();
        let token = drivers_token(&self.issuer, POD_IDENTITY_AUDIENCE);
        let token = driver.file("eks-pod-identity-token", &token);
        driver
            .with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &self.agent.credentials_url())
            .with("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token)
    }

    /// The same with long-term keys.
    pub(crate) fn driver_with_keys(&self) -> Driver {
        let user = self.iam.add_user("arn:aws:iam::111122223333:user/driver");
        self.driver()
            .with("AWS_ACCESS_KEY_ID", &user.access_key_id)
            .with("AWS_SECRET_ACCESS_KEY", user.secret_access_key.expose())
    }
}
