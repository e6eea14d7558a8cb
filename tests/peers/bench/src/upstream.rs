//! The STS of all subjects: the emulator of the testkit, on a thread of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::SystemClock;
use s3_credential_testkit::iam::{Iam, Role, Trust};
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::server::{Fault, Listen};
use s3_credential_testkit::sts::{Sts, StsError};
use tempfile::TempDir;

pub const ROLE: &str = "arn:aws:iam::111122223333:role/bench";
const ACTION: &str = "AssumeRoleWithWebIdentity";

#[derive(Debug)]
pub struct Upstream {
    sts: Arc<Sts>,
    token: String,
    folder: TempDir,
}

impl Upstream {
    pub fn start(address: SocketAddr) -> Self {
        let iam = Iam::new(SystemClock);
        let issuer = Issuer::new("https://oidc.example.test/id/1");
        iam.add_provider(issuer.verifier(), ["sts.amazonaws.com"]);
        let trust = Trust::web_identity(issuer.url(), "system:serviceaccount:apps:*");
        iam.add_role(Role::new(ROLE).trusting(trust));
        let token =
            issuer.service_account("apps", "bench").audience("sts.amazonaws.com").sign();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), &token).unwrap();

        let (started, is_started) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let sts = Sts::start_with(iam, Listen::default().on(address)).await.unwrap();
                started.send(Arc::new(sts)).unwrap();
                std::future::pending::<()>().await;
            });
        });
        Self { sts: is_started.recv().unwrap(), token, folder }
    }

    pub fn url(&self) -> String {
        self.sts.url()
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn token_file(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn calls(&self) -> usize {
        self.sts.calls().of(ACTION)
    }

    /// Answers rightly, this late, with keys that last this long.
    pub fn lasting(&self, ttl: Duration, delay: Duration) {
        let fault = Fault::rewrite(move |body| with_expiration(&body, ttl)).delayed(delay);
        self.only(fault);
    }

    /// Answers as a service in trouble does.
    pub fn failing(&self) {
        self.only(StsError::internal_failure());
    }

    /// Takes every request, and never answers.
    pub fn silent(&self) {
        self.only(Fault::hang());
    }

    /// Answers with half a document.
    pub fn breaking_off(&self) {
        self.only(Fault::half_answer());
    }

    fn only(&self, fault: impl Into<Fault>) {
        let fault = fault.into();
        self.sts.faults().clear_all();
        self.sts.faults().always(ACTION, fault);
    }
}

fn with_expiration(body: &str, ttl: Duration) -> String {
    let (head, rest) = body.split_once("<Expiration>").unwrap();
    let (_, tail) = rest.split_once("</Expiration>").unwrap();
    // Counted in seconds, as AWS does; rounded up, so that the keys last no shorter.
    let at = Timestamp::now() + SignedDuration::try_from(ttl).unwrap();
    let at = Timestamp::from_second(at.as_second() + 1).unwrap();
    format!("{head}<Expiration>{at}</Expiration>{tail}")
}
