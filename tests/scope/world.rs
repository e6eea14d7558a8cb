//! One role that may do everything with every bucket, an STS, an S3, and a driver with that role.

use std::time::Duration;

use s3_credential_core::{
    CredentialForm, Environment, MountTarget, PublishRequest, SessionSettings, TOKENS_KEY, Token,
    WebIdentity, names, source_fn,
};
use s3_credential_provider::{
    ProvideError, Provided, Provider, ProviderBuilder, Scope, SourceChain,
};
use s3_credential_testkit::client::{Client, S3Client};
use s3_credential_testkit::iam::{Iam, Role, Session, Trust};
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::s3::S3;
use s3_credential_testkit::sts::Sts;
use tempfile::TempDir;

const ROLE: &str = "arn:aws:iam::111122223333:role/storage";
pub(crate) const SECOND_ROLE: &str = "arn:aws:iam::111122223333:role/archive";
const REGION: &str = "eu-north-1";

pub(crate) struct World {
    pub(crate) iam: Iam,
    pub(crate) issuer: Issuer,
    pub(crate) sts: Sts,
    pub(crate) s3: S3,
    scratch: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        let iam = Iam::default();
        let issuer = Issuer::new("https://oidc.example.test/id/1");
        iam.add_provider(issuer.verifier(), ["sts.amazonaws.com"]);
        iam.add_role(
            Role::new(ROLE)
                .trusting(Trust::web_identity(issuer.url(), "system:serviceaccount:*"))
                .max_session(Duration::from_hours(2)),
        );
        iam.add_role(Role::new(SECOND_ROLE).trusting(Trust::principal(ROLE)));
        for role in [ROLE, SECOND_ROLE] {
            let all = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"}}"#;
            iam.add_policy(role, all).unwrap();
        }
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("write")).unwrap();
        let world = Self {
            sts: Sts::start(iam.clone()).await.unwrap(),
            s3: S3::start(iam.clone()).await.unwrap(),
            iam,
            issuer,
            scratch,
        };
        std::fs::write(world.scratch.path().join("token"), world.token("kube-system", "s3-csi"))
            .unwrap();
        world
    }

    pub(crate) fn token(&self, namespace: &str, name: &str) -> String {
        self.issuer.service_account(namespace, name).audience("sts.amazonaws.com").sign()
    }

    /// A driver with the role, whose volumes have this scope.
    pub(crate) fn builder(&self, scope: Scope) -> ProviderBuilder {
        let token = self.scratch.path().join("token");
        let environment = Environment::default()
            .with(names::AWS_WEB_IDENTITY_TOKEN_FILE, token.to_str().unwrap())
            .with(names::AWS_ROLE_ARN, ROLE)
            .with(names::AWS_REGION, REGION)
            .with(names::AWS_ENDPOINT_URL_STS, self.sts.url());
        Provider::builder()
            .environment(environment)
            .state_path(self.scratch.path().join("state"))
            .scope(scope)
    }

    pub(crate) fn provider(&self, scope: Scope) -> Provider {
        self.builder(scope).build().unwrap()
    }

    /// The same driver with a source that always gives this.
    pub(crate) fn provider_of(&self, form: CredentialForm) -> Provider {
        let source = source_fn("always", move |_| {
            let form = form.clone();
            async move { Ok(form) }
        });
        let chain = SourceChain::first_try(source);
        self.builder(Scope::Volume).driver_chain(chain).build().unwrap()
    }

    /// Returns the web identity that a source may give for the role.
    pub(crate) fn identity(&self, session: SessionSettings) -> WebIdentity {
        let token = Token::parse("the token", self.token("apps", "web").into(), None).unwrap();
        WebIdentity::new(token, ROLE.parse().unwrap()).with_session(session)
    }

    pub(crate) async fn publish(
        &self,
        provider: &Provider,
        request: PublishRequest,
    ) -> Result<Provided, ProvideError> {
        let target = MountTarget::new(self.scratch.path().join("write"))
            .with_role_arn(ROLE.parse().unwrap());
        let context = provider.context(request, target)?;
        provider.provide(&context).await
    }

    /// Returns the client of a program that is started with the provided environment.
    pub(crate) async fn client(&self, provided: &Provided) -> S3Client {
        let variables = provided.environment.iter();
        let client = Client::new(variables.map(|(name, value)| (name.as_str(), value.expose())));
        S3Client::new(self.s3.url(), REGION, &client.keys().await.unwrap())
    }

    /// Returns the client of a program that is started for a volume of this bucket, with these
    /// mount options.
    pub(crate) async fn volume(
        &self,
        provider: &Provider,
        bucket: &str,
        flags: &[&str],
    ) -> S3Client {
        let id = format!("{bucket} {flags:?}");
        let provided = self.publish(provider, request(&id, bucket, flags)).await.unwrap();
        self.client(&provided).await
    }

    /// The sessions that STS has given keys for.
    pub(crate) fn sessions(&self) -> Vec<Session> {
        self.iam.all_issued().into_iter().filter_map(|issued| issued.session).collect()
    }

    /// Names of what is under the write path.
    pub(crate) fn written(&self) -> Vec<std::ffi::OsString> {
        let entries = std::fs::read_dir(self.scratch.path().join("write")).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    /// The part of a publish that makes it one at pod level.
    pub(crate) fn of_pod(&self, request: PublishRequest, name: &str) -> PublishRequest {
        let token = self.token("apps", name);
        let tokens = format!(
            r#"{{"sts.amazonaws.com":{{"token":"{token}","expirationTimestamp":"2999-01-01T00:00:00Z"}}}}"#
        );
        request.with_volume_context([
            ("authenticationSource", "pod"),
            ("csi.storage.k8s.io/pod.namespace", "apps"),
            ("csi.storage.k8s.io/serviceAccount.name", name),
            (TOKENS_KEY, &tokens),
        ])
    }
}

pub(crate) fn request(id: &str, bucket: &str, flags: &[&str]) -> PublishRequest {
    PublishRequest::new(id, "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount")
        .with_volume_context([("bucketName", bucket)])
        .with_mount_flags(["allow-delete"])
        .with_mount_flags(flags.iter().copied())
}
