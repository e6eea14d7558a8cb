//! What the tests of the AWS emulators share: one account, one cluster, one clock.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{BehaviorVersion, Region, SharedCredentialsProvider};
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_smithy_http_client::Builder;
use jiff::Timestamp;
use s3_credential_testkit::clock::ManualClock;
use s3_credential_testkit::iam::{Iam, Issued, Role, Trust};
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::sts::Sts;

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/team/web";
pub(crate) const NODE_ROLE: &str = "arn:aws:iam::111122223333:role/node";

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) iam: Iam,
    pub(crate) issuer: Issuer,
    pub(crate) sts: Sts,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::new("2026-11-23T20:00:00.5Z".parse().unwrap());
        let iam = Iam::new(clock.clone());
        let issuer = Issuer::new("https://oidc.example.test/id/1");
        iam.add_provider(issuer.verifier(), ["sts.amazonaws.com"]);
        iam.add_role(
            Role::new(ROLE)
                .trusting(Trust::web_identity(issuer.url(), "system:serviceaccount:apps:*"))
                .trusting(Trust::service("pods.eks.amazonaws.com"))
                .max_session(Duration::from_hours(2)),
        );
        iam.add_role(Role::new(NODE_ROLE).trusting(Trust::service("ec2.amazonaws.com")));
        let sts = Sts::start(iam.clone()).await.unwrap();
        Self { clock, iam, issuer, sts }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.iam.now()
    }

    /// A token of `apps:web` for STS that is good for an hour.
    pub(crate) fn token(&self) -> String {
        let token = self.issuer.service_account("apps", "web").audience("sts.amazonaws.com");
        token.issued_at(self.now()).sign()
    }

    /// Real client, with these keys or none, that tries once.
    pub(crate) fn client(&self, keys: Option<&Issued>) -> Client {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(Builder::new().build_http())
            .region(Region::new("us-east-1"))
            .endpoint_url(self.sts.url())
            .retry_config(aws_sdk_sts::config::retry::RetryConfig::disabled());
        let credentials = keys.map(credentials).map(SharedCredentialsProvider::new);
        let mut config = config;
        config.set_credentials_provider(credentials);
        Client::from_conf(config.build())
    }

    /// Who STS says these keys are, or the code of its error.
    pub(crate) async fn who(&self, keys: &Issued) -> Result<GetCallerIdentityOutput, String> {
        let result = self.client(Some(keys)).get_caller_identity().send().await;
        result.map_err(|error| error.as_service_error().unwrap().meta().code().unwrap().to_owned())
    }
}

fn credentials(keys: &Issued) -> Credentials {
    let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
    Credentials::new(&keys.access_key_id, keys.secret_access_key.expose(), token, None, "test")
}
