//! An account with a role, an issuer that it trusts, an STS, and the exchange under test.

use std::sync::Arc;
use std::time::Duration;

use s3_credential_core::{
    CredentialForm, ExchangeRequest, Failure, KeyExchange as _, Keys, RoleArn, STS_AUDIENCE,
    SystemClock, Token, WebIdentity,
};
use s3_credential_sts::{Sts, StsSettings};
use s3_credential_testkit::iam::{Iam, Issued, Role, Session, Trust};
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::server::{Fault, Listen, TlsIdentity};
use s3_credential_testkit::sts::Sts as Emulator;

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/web";
pub(crate) const SECOND_ROLE: &str = "arn:aws:iam::444455556666:role/data";
pub(crate) const OPERATION: &str = "AssumeRoleWithWebIdentity";

pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) issuer: Issuer,
    pub(crate) settings: StsSettings,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(Listen::default()).await
    }

    pub(crate) async fn start_with_tls(identity: TlsIdentity) -> Self {
        Self::start_with(Listen::default().tls(identity)).await
    }

    async fn start_with(listen: Listen) -> Self {
        let issuer = Issuer::new("https://oidc.example.test/id/1");
        let iam = Iam::default();
        iam.add_provider(issuer.verifier(), [STS_AUDIENCE]);
        iam.add_role(
            Role::new(ROLE)
                .trusting(Trust::web_identity(issuer.url(), "system:serviceaccount:apps:web"))
                .max_session(Duration::from_hours(4)),
        );
        iam.add_role(
            Role::new(SECOND_ROLE).trusting(Trust::principal_with_external_id(ROLE, "tenant-7")),
        );
        let emulator = Emulator::start_with(iam, listen).await.unwrap();
        let settings = StsSettings {
            endpoint_url: Some(emulator.url()),
            // Retries are shown, not waited for.
            initial_backoff: Duration::from_millis(1),
            // What hangs is made to hang by the test that needs it; a busy machine is none.
            connect_timeout: Duration::from_secs(20),
            attempt_timeout: Duration::from_secs(20),
            operation_timeout: Duration::from_mins(1),
            ..StsSettings::default()
        };
        Self { emulator, issuer, settings }
    }

    /// The exchange with these settings.
    pub(crate) fn sts(&self) -> Sts {
        Sts::new(self.settings.clone(), Arc::new(SystemClock))
    }

    /// Exchanges once.
    pub(crate) async fn exchange(
        &self,
        identity: WebIdentity,
        request: &ExchangeRequest,
    ) -> Result<Keys, Failure> {
        exchange(&self.sts(), identity, request).await
    }

    /// The web identity that the role trusts.
    pub(crate) fn identity(&self) -> WebIdentity {
        identity(&self.token())
    }

    /// A token of the service account that the role trusts.
    pub(crate) fn token(&self) -> String {
        self.issuer.service_account("apps", "web").audience(STS_AUDIENCE).sign()
    }

    /// Every call of an operation goes wrong like this.
    pub(crate) fn always(&self, fault: impl Into<Fault>) {
        self.emulator.faults().always(OPERATION, fault);
    }

    pub(crate) fn calls(&self) -> usize {
        self.emulator.calls().of(OPERATION)
    }

    /// The key that STS gave out last.
    pub(crate) fn last_issued(&self) -> Issued {
        self.emulator.iam().all_issued().pop().unwrap()
    }

    /// What that key was asked for with.
    pub(crate) fn last_session(&self) -> Session {
        self.last_issued().session.unwrap()
    }
}

pub(crate) fn identity(token: &str) -> WebIdentity {
    let token = Token::parse("the token", token.into(), None).unwrap();
    WebIdentity::new(token, role(ROLE))
}

pub(crate) fn role(arn: &str) -> RoleArn {
    arn.parse().unwrap()
}

pub(crate) async fn exchange(
    sts: &Sts,
    identity: WebIdentity,
    request: &ExchangeRequest,
) -> Result<Keys, Failure> {
    let form = CredentialForm::WebIdentity(Box::new(identity));
    sts.exchange(&form, request).await
}
