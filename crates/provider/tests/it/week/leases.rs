//! Leases with real files, kept fresh by the provider alone, without a republish.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{
    Clock, CredentialForm, CredentialSource, ExchangeRequest, Failure, FormKind, KeyExchange, Keys,
    ProvideContext, Secret, SessionSettings, SourceChain, SourceError, Token, WebIdentity,
};
use s3_credential_provider::{Event, MountTarget, Provider, PublishRequest};
use tokio::sync::broadcast::Receiver;

use crate::week::upstream::{Upstream, WEEK, count, fewest_calls, first_life};

const LEASES: usize = 10_000;

/// How long after an outage every lease must have something new.
const PATIENCE: Duration = Duration::from_mins(2);

/// How many files are read in each hour.
const LOOKS: usize = 40;

/// What a volume has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A token for two days.
    Token,
    /// A token for an hour: the kubelet's shortest are not much shorter.
    ShortToken,
    /// Keys for twelve hours, which STS gives at most, in a profile.
    Keys,
}

impl Kind {
    fn of(volume: usize) -> Self {
        match volume {
            volume if volume.is_multiple_of(200) => Self::ShortToken,
            volume if volume % 10 == 5 => Self::Keys,
            _ => Self::Token,
        }
    }

    fn life(self) -> Duration {
        match self {
            Self::Token => Duration::from_hours(48),
            Self::ShortToken => Duration::from_hours(1),
            Self::Keys => Duration::from_hours(12),
        }
    }

    /// How long before its end it must be replaced: a running Mountpoint reads a profile every 15
    /// minutes.
    fn margin(self) -> SignedDuration {
        SignedDuration::from_mins(if self == Self::Keys { 15 } else { 0 })
    }

    /// What is left of one with this life when it is due at the latest. A token is replaced when
    /// four fifths of its life are over, as the kubelet has it.
    fn left(self, life: Duration) -> Duration {
        if self == Self::Keys { Duration::from_mins(15) } else { life / 5 }
    }

    /// How long a lease goes with it at most.
    fn lasts(self, life: Duration) -> Duration {
        life.saturating_sub(self.left(life))
    }
}

/// Tokens whose text says whose they are and when they end; and STS, whose keys do.
#[derive(Debug, Clone)]
struct Service(Arc<Upstream>);

#[async_trait::async_trait]
impl CredentialSource for Service {
    fn name(&self) -> &'static str {
        "service"
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        let volume: usize = context.volume_id().parse().unwrap();
        let kind = Kind::of(volume);
        let role = "arn:aws:iam::111122223333:role/reader".parse()?;
        let (text, expires_at) = if kind == Kind::Keys {
            (format!("{volume}"), None)
        } else {
            let expires_at = self.0.ask(volume, kind.life())?;
            (format!("{volume}-{}", expires_at.as_second()), Some(expires_at))
        };
        let token = Token::parse("token", Secret::new(text), expires_at)?;
        // What Mountpoint cannot ask for is exchanged here.
        let duration = (kind == Kind::Keys).then_some(kind.life());
        let session = SessionSettings { duration, ..SessionSettings::default() };
        let identity = WebIdentity::new(token, role).with_session(session);
        Ok(CredentialForm::WebIdentity(Box::new(identity)))
    }
}

#[async_trait::async_trait]
impl KeyExchange for Service {
    async fn exchange(&self, form: &CredentialForm, _: &ExchangeRequest) -> Result<Keys, Failure> {
        let CredentialForm::WebIdentity(identity) = form else { panic!("{form:?}") };
        let volume = identity.token.secret().expose().parse().unwrap();
        let expires_at = self.0.ask(volume, Kind::Keys.life())?;
        let session = format!("{volume}-{}", expires_at.as_second());
        let keys = Keys::new("ASIAIOSFODNN7EXAMPLE", "secret").with_session_token(session);
        Ok(keys.with_expires_at(expires_at))
    }
}

#[tokio::test(start_paused = true)]
async fn no_reader_of_ten_thousand_leases_finds_what_has_ended_and_could_have_been_replaced() {
    // What the provider draws by lot in this thread.
    fastrand::seed(7);
    let scratch = tempfile::tempdir_in("/dev/shm").unwrap();
    let write_path = scratch.path().join("write");
    std::fs::create_dir(&write_path).unwrap();
    let upstream = Arc::new(Upstream::new(LEASES));
    let service = Service(Arc::clone(&upstream));
    let provider = Provider::builder()
        .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
        .clock(upstream.clock)
        .state_path(scratch.path().join("state"))
        .driver_chain(SourceChain::first_try(service.clone()))
        .exchange(FormKind::WebIdentity, service)
        .build()
        .unwrap();
    let events = provider.events();
    let mut volumes = Vec::new();
    for volume in 0..LEASES {
        volumes.push(provided(&provider, &write_path, volume).await);
    }
    let files: Vec<PathBuf> = volumes.iter().map(|(file, _)| file.clone()).collect();
    let ends: Vec<_> = volumes.into_iter().map(|(_, end)| end).collect();
    let (first, ends) = (ends.clone(), Mutex::new(ends));
    let watch = Arc::new(Watch { upstream: Arc::clone(&upstream), first, ends });
    let watching = tokio::spawn(Arc::clone(&watch).follow(events));
    let fresh = provider.keep_fresh();
    let mut chance = fastrand::Rng::with_seed(9);
    while upstream.clock.elapsed() < WEEK {
        tokio::time::sleep(Duration::from_mins(chance.u64(50..70))).await;
        for _ in 0..LOOKS {
            let volume = chance.usize(..LEASES);
            watch.look(volume, &files[volume]);
        }
    }
    drop(fresh);
    drop(provider);
    let refreshes = watching.await.unwrap();
    watch.no_lease_is_expired();
    println!("{refreshes} refreshes");
    for kind in [Kind::Token, Kind::ShortToken, Kind::Keys] {
        let (mut all, mut most, mut in_outage) = (0, 0.0_f64, 0);
        for (volume, calls) in upstream.calls().into_iter().enumerate() {
            if Kind::of(volume) == kind {
                let first = kind.lasts(first_life(volume, kind.life()));
                let ideal = fewest_calls(calls, first, kind.lasts(kind.life()));
                all += 1;
                most = most.max(count(calls.all) / ideal);
                in_outage = in_outage.max(calls.in_outage);
            }
        }
        println!(
            "{kind:?}: {all} leases, {most:.3} times the ideal at most, {in_outage} calls in outages"
        );
        assert!(most <= 1.2, "{kind:?}: {most}");
    }
}

/// Publishes a volume, as often as it takes; returns its file and the expiry of the content.
async fn provided(provider: &Provider, write_path: &Path, volume: usize) -> (PathBuf, Timestamp) {
    let id = volume.to_string();
    let target = format!("/var/lib/kubelet/pods/pod-{id}/volumes/kubernetes.io~csi/pv/mount");
    let request = PublishRequest::new(id, target);
    let context =
        ProvideContext::from_publish_request(request, MountTarget::new(write_path)).unwrap();
    loop {
        if let Ok(provided) = provider.provide(&context).await {
            let name = if Kind::of(volume) == Kind::Keys { "credentials" } else { "token" };
            let file = provided.files.iter().find(|file| file.path.ends_with(name)).unwrap();
            return (file.path.clone(), provided.expires_at.unwrap());
        }
    }
}

/// When what each volume has ends, and when the first did.
struct Watch {
    upstream: Arc<Upstream>,
    first: Vec<Timestamp>,
    ends: Mutex<Vec<Timestamp>>,
}

impl Watch {
    /// Follows the events, and returns how many refreshes they reported.
    async fn follow(self: Arc<Self>, mut events: Receiver<Event>) -> usize {
        let mut refreshes = 0;
        while let Ok(event) = events.recv().await {
            if let Event::Refreshed { lease, expires_at } = event {
                refreshes += 1;
                let volume: usize = lease.volume_id.parse().unwrap();
                let mut ends = self.ends.lock().unwrap();
                self.check(volume, ends[volume]);
                ends[volume] = expires_at.unwrap();
            }
        }
        refreshes
    }

    /// Checks that the credentials are valid, or could not have been replaced.
    fn check(&self, volume: usize, end: Timestamp) {
        let kind = Kind::of(volume);
        let replaced_by = end - kind.margin();
        // Leases that began together are spread over a tenth of the time that is left.
        let is_first = end == self.first[volume];
        let life = if is_first { first_life(volume, kind.life()) } else { kind.life() };
        let left = kind.left(life).mul_f64(0.9);
        let due_at = end - SignedDuration::try_from(left).unwrap();
        assert!(
            self.upstream.clock.now() < replaced_by || self.upstream.is_excused(due_at, PATIENCE),
            "volume {volume}, {kind:?}, was good until {replaced_by}, and it is {}",
            self.upstream.clock.now()
        );
    }

    /// A look at a volume's real file.
    fn look(&self, volume: usize, file: &Path) {
        let text = std::fs::read_to_string(file).unwrap();
        let (_, second) = text.trim().rsplit_once('-').unwrap();
        let end = Timestamp::from_second(second.parse().unwrap()).unwrap();
        assert!(text.contains(&format!("{volume}-")), "of another volume: {text}");
        self.check(volume, end);
    }

    fn no_lease_is_expired(&self) {
        for (volume, end) in self.ends.lock().unwrap().iter().enumerate() {
            self.check(volume, *end);
        }
    }
}
