//! The handle that source, exchange and region share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::imds::client::{self, Client};
use aws_config::provider_config::ProviderConfig;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use s3_credential_core::names::AWS_EC2_METADATA_DISABLED;
use s3_credential_core::{Clock, Environment, Failure, quietly};
use tokio::time::{Instant, sleep, timeout_at};
use zeroize::Zeroizing;

use crate::endpoint;
use crate::settings::ImdsSettings;
use crate::trouble::{Trouble, Wanted};
use crate::wire::{Stage, Wire};

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const REGION: &str = "/latest/meta-data/placement/region";

/// A path of 512 characters and a name of 64 (IAM User Guide, "IAM and AWS STS quotas").
const MAX_ROLE_LEN: usize = 512 + 64;

/// The first pause between attempts; each is twice the one before, and up to half of it is left to
/// chance.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A client of IMDS, version 2. Cheap to clone: clones share the session token and what is known
/// about silence.
#[derive(Clone)]
pub struct Imds(Arc<Inner>);

struct Inner {
    settings: ImdsSettings,
    clock: Arc<dyn Clock>,
    /// The endpoint, or the reason why IMDS must not be called at all.
    endpoint: Result<Endpoint, Trouble>,
    wire: Wire,
    state: Mutex<State>,
}

struct Endpoint {
    url: String,
    builder: client::Builder,
}

#[derive(Default)]
struct State {
    client: Option<Client>,
    /// The time (by [`Clock::elapsed`]) and the stage of its last silence.
    silent: Option<(Duration, Stage)>,
}

impl Imds {
    /// Makes a handle for the IMDS that this environment names. No request is sent yet; the first
    /// look-up reports a variable that is wrong.
    pub fn new(environment: &Environment, settings: ImdsSettings, clock: Arc<dyn Clock>) -> Self {
        let wire = Wire::default();
        let endpoint = if environment.is_true(AWS_EC2_METADATA_DISABLED) {
            Err(Trouble::SwitchedOff)
        } else {
            endpoint::url(environment)
                .and_then(|url| Endpoint::new(url, &wire, &clock))
                .map_err(Trouble::Misconfigured)
        };
        Self(Arc::new(Inner { settings, clock, endpoint, wire, state: Mutex::default() }))
    }

    pub(crate) fn settings(&self) -> &ImdsSettings {
        &self.0.settings
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// For messages.
    pub(crate) fn endpoint(&self) -> &str {
        self.0.endpoint.as_ref().map_or("", |endpoint| &endpoint.url)
    }

    /// Checks that IMDS may be called at all.
    pub(crate) fn check_enabled(&self) -> Result<(), Trouble> {
        self.0.endpoint.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// Returns the name of the instance's role.
    pub(crate) async fn role(&self) -> Result<String, Trouble> {
        role_in(&self.look_up(ROLES, Wanted::Role).await?).map(str::to_owned)
    }

    /// Returns the document with the keys of this role.
    pub(crate) async fn keys_of(&self, role: &str) -> Result<Zeroizing<String>, Trouble> {
        let document = self.look_up(&format!("{ROLES}{role}"), Wanted::Keys).await;
        document.map_err(|trouble| match trouble {
            Trouble::Absent(Wanted::Keys) => Trouble::NoKeys(role.into()),
            trouble => trouble,
        })
    }

    /// Returns the name of the region, as it comes.
    pub(crate) async fn region(&self) -> Result<Zeroizing<String>, Trouble> {
        self.look_up(REGION, Wanted::Region).await
    }

    /// One look-up within the time that the settings allow for all of it.
    async fn look_up(&self, path: &str, wanted: Wanted) -> Result<Zeroizing<String>, Trouble> {
        let endpoint = self.0.endpoint.as_ref().map_err(Clone::clone)?;
        self.check_silence()?;
        let (began, deadline) =
            (self.clock().elapsed(), Instant::now() + self.settings().operation_timeout);
        let mut pause = FIRST_PAUSE;
        let mut attempts = self.settings().max_attempts;
        loop {
            let client = self.client(endpoint);
            let trouble = match timeout_at(deadline, quietly(client.get(path))).await {
                Ok(Ok(text)) => return Ok(Zeroizing::new(text.into())),
                Ok(Err(error)) => Trouble::recognise(&error, wanted),
                Err(_) => self.remember_silence(began),
            };
            if matches!(trouble, Trouble::TokenRefused) {
                // aws-config's client would go on with the token that it keeps.
                self.state().client = None;
            }
            attempts = attempts.saturating_sub(1);
            let jittered = pause.mul_f64(1.0 - fastrand::f64() / 2.0);
            if !trouble.is_transient() || attempts == 0 || Instant::now() + jittered >= deadline {
                return Err(trouble);
            }
            sleep(jittered).await;
            pause *= 2;
        }
    }

    fn check_silence(&self) -> Result<(), Trouble> {
        match self.state().silent {
            Some((at, stage))
                if self.clock().elapsed().saturating_sub(at) < self.settings().silence =>
            {
                Err(Trouble::Silent(stage))
            }
            _ => Ok(()),
        }
    }

    /// Look-ups share one session token. Once the first gives up waiting for it, the next begins to
    /// ask for it again, at the end of its own time. So the report of the first is true of all that
    /// were waiting then.
    fn remember_silence(&self, began: Duration) -> Trouble {
        let mut state = self.state();
        let stage = match state.silent {
            Some((at, stage)) if began <= at => stage,
            _ => self.0.wire.stage(),
        };
        state.silent = Some((self.clock().elapsed(), stage));
        Trouble::Silent(stage)
    }

    fn client(&self, endpoint: &Endpoint) -> Client {
        self.state().client.get_or_insert_with(|| endpoint.builder.clone().build()).clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No update can be half-done here, so a poisoned lock can be used like any other.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Imds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imds")
            .field("endpoint", &self.endpoint())
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Makes a client with one attempt and no timers: both belong to [`Imds::look_up`], which
    /// reports what it waited for. The explicit endpoint keeps the client from looking for
    /// variables and profiles.
    fn new(url: String, wire: &Wire, clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        let connector = SharedHttpConnector::new(wire.clone());
        let config = ProviderConfig::empty()
            .with_http_client(http_client_fn(move |_, _| connector.clone()))
            .with_sleep_impl(TokioSleep::new())
            .with_time_source(ClockTime(Arc::clone(clock)));
        let builder = Client::builder()
            .configure(&config)
            .max_attempts(1)
            .endpoint(&url)
            .map_err(|_| endpoint::not_a_url())?;
        Ok(Self { url, builder })
    }
}

/// Core's clock, for the age of the session token.
#[derive(Debug)]
struct ClockTime(Arc<dyn Clock>);

impl TimeSource for ClockTime {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

/// The first role of the list; there is never another one.
pub(crate) fn role_in(list: &str) -> Result<&str, Trouble> {
    match list.lines().next().map(str::trim) {
        None | Some("") => Err(Trouble::Absent(Wanted::Role)),
        Some(role) if is_role_name(role) => Ok(role),
        Some(_) => Err(Trouble::Broken(
            "lists a role whose name holds a character that no role name has".into(),
        )),
    }
}

/// Checks that a name stays within the path of a request. EC2 lists a role without its path; what
/// stands in for IMDS (kube2iam, kiam) lists it with its path, or with a slash at its end, and
/// expects it back in the same form.
fn is_role_name(name: &str) -> bool {
    let is_segment = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
    };
    name.len() <= MAX_ROLE_LEN && name.strip_suffix('/').unwrap_or(name).split('/').all(is_segment)
}
