//! A conformance suite for sources and resolvers, which the tests of a crate run.
//! `docs/conformance.md` lists what it checks.
//!
//! ```
//! use s3_credential_core::{
//!     CredentialForm, FormKind, MountTarget, ProvideContext, PublishRequest, SourceError,
//!     source_fn,
//! };
//! use s3_credential_testkit::conformance::SourceConformance;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let context = |bucket: &str| {
//!     let target_path = "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/pv/mount";
//!     let request = PublishRequest::new("v", target_path)
//!         .with_volume_context([("bucketName", bucket)]);
//!     ProvideContext::from_publish_request(request, MountTarget::default()).unwrap()
//! };
//! let source = source_fn("only-photos", |context: ProvideContext| async move {
//!     match context.bucket() {
//!         Some("photos") => Ok(CredentialForm::InstanceProfile),
//!         _ => Err(SourceError::not_applicable("the bucket is not photos")
//!             .with_help("name the bucket photos")),
//!     }
//! });
//! SourceConformance::of(source)
//!     .provides(context("photos"), FormKind::InstanceProfile)
//!     .does_not_apply(context("films"))
//!     .check()
//!     .await;
//! # }
//! ```

mod findings;
mod observed;

use std::sync::Arc;
use std::time::Duration;

use s3_credential_core::{
    AttemptError, Clock, CredentialForm, CredentialSource, ErrorKind, FormKind, KeyPart,
    ProvideContext, Region, RegionResolver, SystemClock,
};
use tokio::time::timeout;

use findings::{Findings, outcome};
use observed::Observed;

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
    /// Makes the suite of a source, with the machine's clock.
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

    /// Sets the clock that expiry is compared with.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Adds a volume that the source serves, in this form.
    #[must_use]
    pub fn provides(mut self, context: ProvideContext, form: FormKind) -> Self {
        self.provides.push((context, form));
        self
    }

    /// Adds a volume that the source does not apply to.
    #[must_use]
    pub fn does_not_apply(mut self, context: ProvideContext) -> Self {
        self.skips.push(context);
        self
    }

    /// Adds a volume for which the source fails with this kind.
    #[must_use]
    pub fn fails(mut self, context: ProvideContext, kind: ErrorKind) -> Self {
        self.fails.push((context, kind));
        self
    }

    /// Adds a secret that must not be shown. The keys that the source returns are added by
    /// themselves.
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

    /// Runs the suite, and returns what does not conform.
    pub async fn problems(&self) -> Vec<String> {
        let mut found = Findings { canaries: self.canaries.clone(), ..Findings::default() };
        found.name(self.source.name());
        found.cases(self.provides.len() + self.skips.len() + self.fails.len());
        for (context, form) in &self.provides {
            self.provided(context, *form, &mut found).await;
        }
        for context in &self.skips {
            let (answer, observed) = self.ask(context).await;
            found.skipped(answer);
            found.observed(&observed);
        }
        for (context, kind) in &self.fails {
            let (answer, observed) = self.ask(context).await;
            found.failed(answer, *kind);
            found.observed(&observed);
        }
        found.shown(&format!("{:?}", self.source));
        // A subscription can be had at any time, and dropped again.
        drop(self.source.changes());
        found.problems
    }

    async fn ask(
        &self,
        context: &ProvideContext,
    ) -> (Option<Result<CredentialForm, AttemptError>>, Observed) {
        let mut observed = Observed::default();
        let answer = observed.wait(self.source.provide(context)).await;
        (answer, observed)
    }

    async fn provided(&self, context: &ProvideContext, kind: FormKind, found: &mut Findings) {
        // A caller may give up at any await: that must not spoil the calls after it.
        drop(timeout(Duration::ZERO, self.source.provide(context)).await);
        let ((first, observed), (second, of_second)) =
            tokio::join!(self.ask(context), self.ask(context));
        if let Some(Ok(CredentialForm::Keys(keys))) = &first {
            let secrets = [Some(&keys.secret_access_key), keys.session_token.as_ref()];
            let secrets = secrets.into_iter().flatten().map(|secret| secret.expose().to_owned());
            found.canaries.extend(secrets.filter(|secret| !secret.is_empty()));
        }
        found.observed(&observed);
        found.observed(&of_second);
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
    /// Makes the suite of a resolver.
    pub fn of(resolver: impl RegionResolver) -> Self {
        Self {
            resolver: Arc::new(resolver),
            resolves: Vec::new(),
            skips: Vec::new(),
            fails: Vec::new(),
        }
    }

    /// Adds a volume whose region the resolver knows.
    #[must_use]
    pub fn resolves(mut self, context: ProvideContext, region: &str) -> Self {
        self.resolves.push((context, region.parse().expect("the suite is given a region")));
        self
    }

    /// Adds a volume that the resolver does not apply to.
    #[must_use]
    pub fn does_not_apply(mut self, context: ProvideContext) -> Self {
        self.skips.push(context);
        self
    }

    /// Adds a volume for which the resolver fails with this kind.
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

    /// Runs the suite, and returns what does not conform.
    pub async fn problems(&self) -> Vec<String> {
        let mut found = Findings::default();
        found.name(self.resolver.name());
        found.cases(self.resolves.len() + self.skips.len() + self.fails.len());
        for (context, region) in &self.resolves {
            drop(timeout(Duration::ZERO, self.resolver.resolve(context)).await);
            let (answer, observed) = self.ask(context).await;
            found.observed(&observed);
            match answer {
                Some(Ok(answer)) if answer == *region => {}
                Some(Ok(_)) => found.add("it answers another region".to_owned()),
                other => found.add(format!(
                    "where it should know the region it answers {}",
                    outcome(other.as_ref())
                )),
            }
        }
        for context in &self.skips {
            let (answer, observed) = self.ask(context).await;
            found.skipped(answer);
            found.observed(&observed);
        }
        for (context, kind) in &self.fails {
            let (answer, observed) = self.ask(context).await;
            found.failed(answer, *kind);
            found.observed(&observed);
        }
        found.problems
    }

    async fn ask(
        &self,
        context: &ProvideContext,
    ) -> (Option<Result<Region, AttemptError>>, Observed) {
        let mut observed = Observed::default();
        let answer = observed.wait(self.resolver.resolve(context)).await;
        (answer, observed)
    }
}
