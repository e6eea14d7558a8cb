//! An instance with a role, and a time that stands still.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use s3_credential_core::{
    AttemptError, Environment, ErrorKind, Failure, MountTarget, ProvideContext, PublishRequest,
};
use s3_credential_imds::{Imds, ImdsSettings};
use s3_credential_testkit::clock::TokioClock;
use s3_credential_testkit::iam::{Iam, Role, Trust};
use s3_credential_testkit::imds::Imds as Emulator;

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/node";
pub(crate) const OTHER_ROLE: &str = "arn:aws:iam::111122223333:role/other-node";
pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) struct Instance {
    pub(crate) emulator: Emulator,
    pub(crate) iam: Iam,
    pub(crate) clock: TokioClock,
}

/// An instance in eu-north-1 with a role.
pub(crate) async fn instance() -> Instance {
    let clock = TokioClock::new("2026-11-23T20:00:00Z".parse().unwrap());
    let iam = Iam::new(clock);
    for role in [ROLE, OTHER_ROLE] {
        iam.add_role(Role::new(role).trusting(Trust::service("ec2.amazonaws.com")));
    }
    let emulator = Emulator::start(iam.clone()).await.unwrap();
    emulator.set_role(Some(ROLE));
    emulator.set_region("eu-north-1");
    Instance { emulator, iam, clock }
}

impl Instance {
    pub(crate) fn environment(&self) -> Environment {
        Environment::default().with("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.emulator.url())
    }

    /// A handle with so much time that no slow machine makes IMDS seem silent.
    pub(crate) fn imds(&self) -> Imds {
        self.imds_with(ImdsSettings::default().with_operation_timeout(60 * SECOND))
    }

    pub(crate) fn imds_with(&self, settings: ImdsSettings) -> Imds {
        Imds::new(&self.environment(), settings, Arc::new(self.clock))
    }
}

/// Where tokio's time is paused, it jumps to the next timer whenever the runtime waits, for a
/// socket too. With this in hand it stands still until a test moves it.
pub(crate) struct HeldTime {
    _held: mpsc::Sender<()>,
}

impl HeldTime {
    pub(crate) fn new() -> Self {
        let (held, wait) = mpsc::channel();
        tokio::task::spawn_blocking(move || wait.recv());
        Self { _held: held }
    }

    pub(crate) async fn pass(&self, by: Duration) {
        tokio::time::advance(by).await;
    }
}

pub(crate) fn volume() -> ProvideContext {
    volume_at("driver")
}

pub(crate) fn volume_at(level: &str) -> ProvideContext {
    let request = PublishRequest::new(
        "s3-volume",
        "/var/lib/kubelet/pods/4a5d/volumes/kubernetes.io~csi/pv/mount",
    )
    .with_volume_context([("authenticationSource", level)]);
    ProvideContext::from_publish_request(request, MountTarget::new("/run/mountpoint")).unwrap()
}

/// Reason and help of a plug-in that does not apply.
pub(crate) fn not_applicable(error: AttemptError) -> (String, String, bool) {
    match error {
        AttemptError::NotApplicable(skip) => {
            (skip.reason().to_owned(), skip.help().to_owned(), skip.is_time_out())
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn failure(error: AttemptError) -> Failure {
    match error {
        AttemptError::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_kind(failure: &Failure, kind: ErrorKind) {
    assert_eq!(failure.kind(), kind, "{failure:?}");
    assert!(!failure.help().is_empty(), "{failure:?}");
}
