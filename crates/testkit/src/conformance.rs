//! What every source and every resolver must do, ours or a third party's, as a suite that a crate's own tests run.
//!
//! ```
//! use s3_credential_core::{CredentialForm, FormKind, MountTarget, ProvideContext, PublishRequest, SourceError, source_fn};
//! use s3_credential_testkit::conformance::SourceConformance;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let context = |bucket: &str| {
//!     let request = PublishRequest::new("v", "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/pv/mount")
//!         .with_volume_context([("bucketName", bucket)]);
//!     ProvideContext::from_publish_request(request, MountTarget::default()).unwrap()
//! };
//! let source = source_fn("only-photos", |context: ProvideContext| async move {
//!     match context.bucket() {
//!         Some("photos") => Ok(CredentialForm::InstanceProfile),
//!         _ => Err(SourceError::not_applicable("the bucket is not photos").with_help("name the bucket photos")),
//!     }
//! });
//! SourceConformance::of(source)
//!     .provides(context("photos"), FormKind::InstanceProfile)
//!     .does_not_apply(context("films"))
//!     .check()
//!     .await;
//! # }
//! ```

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use s3_credential_core::{
    AttemptError, Clock, CredentialForm, CredentialSource, ErrorKind, FormKind, KeyPart,
    ProvideContext, Region, RegionResolver, SystemClock,
};
use tokio::time::timeout;

/// However its upstream fares, no plug-in keeps a mount waiting longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// The suite for one source.
#[derive(Debug)]
pub struct SourceConformance {
    source: Arc<dyn CredentialSource>,
    clock: Arc<dyn Clock>,
    provides: Vec<(ProvideContext, FormKind)>,
    skips: Vec<ProvideContext>,
    fails: Vec<(ProvideContext, ErrorKind)>,
    canaries: Vec<String>,
}

impl SourceConformance {
    /// Of this source, by the machine's clock.
    pub fn of(source: impl CredentialSource) -> Self {
        Self {
            source: Arc::new(source),
            clock: Arc::new(SystemClock),
            provides: Vec::new(),
            skips: Vec::new(),
            fails: Vec::new(),
            canaries: Vec::new(),
        }
    }

    /// By this clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// A volume that the source serves, in this form.
    #[must_use]
    pub fn provides(mut self, context: ProvideContext, form: FormKind) -> Self {
        self.provides.push((context, form));
        self
    }

    /// A volume that the source has nothing for.
    #[must_use]
    pub fn does_not_apply(mut self, context: ProvideContext) -> Self {
        self.skips.push(context);
        self
    }

    /// A volume for which the source is broken in this way.
    #[must_use]
    pub fn fails(mut self, context: ProvideContext, kind: ErrorKind) -> Self {
        self.fails.push((context, kind));
        self
    }

    /// A secret that may appear in nothing that is shown.
    #[must_use]
    pub fn canary(mut self, secret: impl Into<String>) -> Self {
        self.canaries.push(secret.into());
        self
    }

    /// Runs the suite, and panics with everything that does not conform.
    pub async fn check(self) {
        let problems = self.problems().await;
        assert!(
            problems.is_empty(),
            "{} does not conform:\n{}",
            self.source.name(),
            problems.join("\n")
        );
    }

    /// Runs the suite, and tells what does not conform.
    pub async fn problems(&self) -> Vec<String> {
        let mut found = Findings { canaries: self.canaries.clone(), ..Findings::default() };
        found.name(self.source.name());
        for (context, form) in &self.provides {
            self.provided(context, *form, &mut found).await;
        }
        for context in &self.skips {
            found.skipped(self.ask(context).await);
        }
        for (context, kind) in &self.fails {
            found.failed(self.ask(context).await, *kind);
        }
        found.shown(&format!("{:?}", self.source));
        // A subscription can be had at any time, and dropped again.
        drop(self.source.changes());
        found.problems
    }

    async fn ask(&self, context: &ProvideContext) -> Option<Result<CredentialForm, AttemptError>> {
        timeout(PATIENCE, self.source.provide(context)).await.ok()
    }

    async fn provided(&self, context: &ProvideContext, kind: FormKind, found: &mut Findings) {
        // A caller may give up at any await: that must not spoil the calls after it.
        drop(timeout(Duration::ZERO, self.source.provide(context)).await);
        let (first, second) = tokio::join!(self.ask(context), self.ask(context));
        let (Some(Ok(first)), Some(Ok(second))) = (&first, &second) else {
            found.add(format!("where it should provide it answers {}", outcome(first.as_ref())));
            return;
        };
        if first.kind() != kind || second.kind() != kind {
            found.add(format!("where it should provide {kind} it provides {}", first.kind()));
        }
        if first.expires_at().is_some_and(|at| at <= self.clock.now()) {
            found.add("what it provides has expired".to_owned());
        }
        if let CredentialForm::Keys(keys) = first
            && let Err(failure) = keys.check(|part| match part {
                KeyPart::AccessKeyId => "the access key id".to_owned(),
                KeyPart::SecretAccessKey => "the secret access key".to_owned(),
                KeyPart::SessionToken => "the session token".to_owned(),
            })
        {
            found.add(format!("its keys cannot be delivered: {failure}"));
        }
        found.shown(&format!("{first:?}"));
    }
}

/// The suite for one region resolver.
#[derive(Debug)]
pub struct ResolverConformance {
    resolver: Arc<dyn RegionResolver>,
    resolves: Vec<(ProvideContext, Region)>,
    skips: Vec<ProvideContext>,
    fails: Vec<(ProvideContext, ErrorKind)>,
}

impl ResolverConformance {
    /// Of this resolver.
    pub fn of(resolver: impl RegionResolver) -> Self {
        Self {
            resolver: Arc::new(resolver),
            resolves: Vec::new(),
            skips: Vec::new(),
            fails: Vec::new(),
        }
    }

    /// A volume whose region it knows.
    #[must_use]
    pub fn resolves(mut self, context: ProvideContext, region: &str) -> Self {
        self.resolves.push((context, region.parse().expect("the suite is given a region")));
        self
    }

    /// A volume whose region it does not know.
    #[must_use]
    pub fn does_not_apply(mut self, context: ProvideContext) -> Self {
        self.skips.push(context);
        self
    }

    /// A volume for which it is broken in this way.
    #[must_use]
    pub fn fails(mut self, context: ProvideContext, kind: ErrorKind) -> Self {
        self.fails.push((context, kind));
        self
    }

    /// Runs the suite, and panics with everything that does not conform.
    pub async fn check(self) {
        let problems = self.problems().await;
        assert!(
            problems.is_empty(),
            "{} does not conform:\n{}",
            self.resolver.name(),
            problems.join("\n")
        );
    }

    /// Runs the suite, and tells what does not conform.
    pub async fn problems(&self) -> Vec<String> {
        let mut found = Findings::default();
        found.name(self.resolver.name());
        for (context, region) in &self.resolves {
            drop(timeout(Duration::ZERO, self.resolver.resolve(context)).await);
            match self.ask(context).await {
                Some(Ok(answer)) if answer == *region => {}
                Some(Ok(_)) => found.add("it answers another region".to_owned()),
                other => found.add(format!(
                    "where it should know the region it answers {}",
                    outcome(other.as_ref())
                )),
            }
        }
        for context in &self.skips {
            found.skipped(self.ask(context).await);
        }
        for (context, kind) in &self.fails {
            found.failed(self.ask(context).await, *kind);
        }
        found.problems
    }

    async fn ask(&self, context: &ProvideContext) -> Option<Result<Region, AttemptError>> {
        timeout(PATIENCE, self.resolver.resolve(context)).await.ok()
    }
}

#[derive(Default)]
struct Findings {
    canaries: Vec<String>,
    problems: Vec<String>,
}

impl Findings {
    fn add(&mut self, problem: impl std::fmt::Display) {
        self.problems.push(format!("- {problem}"));
    }

    /// One word everywhere: configuration key, metric label, output.
    fn name(&mut self, name: &str) {
        let words = |name: &str| {
            name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if name.is_empty() || !words(name) || name.starts_with('-') || name.ends_with('-') {
            self.add("its name is not of lower-case letters, digits and inner dashes".to_owned());
        }
    }

    /// Where the plug-in should not apply.
    fn skipped<T>(&mut self, answer: Option<Result<T, AttemptError>>) {
        match answer {
            Some(Err(error @ AttemptError::NotApplicable(_))) => self.error(&error),
            other => self
                .add(format!("where it should not apply it answers {}", outcome(other.as_ref()))),
        }
    }

    /// Where the plug-in should be broken in this way.
    fn failed<T>(&mut self, answer: Option<Result<T, AttemptError>>, kind: ErrorKind) {
        match answer {
            Some(Err(AttemptError::Failed(failure))) => {
                if failure.kind() != kind {
                    self.add(format!(
                        "where it should fail with {kind} it fails with {}",
                        failure.kind()
                    ));
                }
                self.error(&AttemptError::Failed(failure));
            }
            other => self.add(format!(
                "where it should fail with {kind} it answers {}",
                outcome(other.as_ref())
            )),
        }
    }

    /// What a user reads: on one line, with what to do.
    fn error(&mut self, error: &AttemptError) {
        let message = error.to_string();
        if message.trim().is_empty() || message.contains(['\n', '\r']) {
            self.add("the reason it gives is empty or on several lines".to_owned());
        }
        if let AttemptError::Failed(failure) = error
            && failure.help() == failure.kind().advice()
            && !failure.is_retryable()
        {
            self.add(format!("it fails with {} and does not say what to do", failure.kind()));
        }
        let mut shown = format!("{message} {error:?}");
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            let _ = write!(shown, " {error}");
            cause = error.source();
        }
        self.shown(&shown);
    }

    fn shown(&mut self, text: &str) {
        if self.canaries.iter().any(|canary| text.contains(canary.as_str())) {
            self.add("it shows a secret".to_owned());
        }
    }
}

fn outcome<T>(answer: Option<&Result<T, AttemptError>>) -> String {
    match answer {
        None => format!("nothing within {} s", PATIENCE.as_secs()),
        Some(Ok(_)) => "credentials or a region".to_owned(),
        Some(Err(AttemptError::Failed(failure))) => {
            format!("a failure: {}: {failure}", failure.kind())
        }
        Some(Err(error)) => format!("not applicable: {error}"),
    }
}
