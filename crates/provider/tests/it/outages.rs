//! Publishes and the outage of STS: what the rotation knows, a publish knows too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{
    Clock as _, CredentialForm, Delivery, ErrorKind, ExchangeRequest, Failure, FormKind,
    KeyExchange, Keys, Secret, SourceChain, Token, WebIdentity, source_fn,
};
use s3_credential_provider::{
    MountTarget, ProvideContext, ProvideError, Provided, Provider, PublishRequest,
};
use s3_credential_testkit::clock::TokioClock;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// An STS that answers in one region always, and in the others while it is up.
#[derive(Debug)]
struct Sts {
    clock: TokioClock,
    calls: AtomicU32,
    is_down: AtomicBool,
}

const SOUND_REGION: &str = "eu-north-1";
const BROKEN_REGION: &str = "ap-south-2";

#[async_trait::async_trait]
impl KeyExchange for Sts {
    async fn exchange(
        &self,
        _: &CredentialForm,
        request: &ExchangeRequest,
    ) -> Result<Keys, Failure> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let is_sound = request.region.as_ref().is_some_and(|it| it.as_str() == SOUND_REGION);
        if self.is_down.load(Ordering::SeqCst) && !is_sound {
            sleep(Duration::from_secs(5)).await;
            return Err(Failure::new(ErrorKind::Unavailable, "STS gives no answer"));
        }
        let keys = Keys::new(format!("ASIA{call}"), "secret").with_session_token("session");
        Ok(keys.with_expires_at(self.clock.now() + SignedDuration::from_hours(1)))
    }
}

struct World {
    scratch: TempDir,
    sts: Arc<Sts>,
    provider: Provider,
}

impl World {
    fn new() -> Self {
        let clock = TokioClock::new(Timestamp::from_second(1_700_000_000).unwrap());
        let sts =
            Arc::new(Sts { clock, calls: AtomicU32::new(0), is_down: AtomicBool::new(false) });
        let calls = AtomicU32::new(0);
        let tokens = source_fn("tokens", move |_: ProvideContext| {
            // No two volumes share an exchange.
            let text = format!("token-{}", calls.fetch_add(1, Ordering::SeqCst));
            let expires_at = clock.now() + SignedDuration::from_hours(9);
            async move {
                let token = Token::parse("token", Secret::new(text), Some(expires_at))?;
                let role = "arn:aws:iam::111122223333:role/reader".parse()?;
                Ok(CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role))))
            }
        });
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("write")).unwrap();
        let provider = Provider::builder()
            .clock(clock)
            .state_path(scratch.path().join("state"))
            .driver_chain(SourceChain::first_try(tokens))
            .exchange(FormKind::WebIdentity, Arc::clone(&sts))
            .delivery(Delivery::Profile)
            .build()
            .unwrap();
        Self { scratch, sts, provider }
    }

    async fn publish(&self, volume: &str, region: &str) -> Result<Provided, ProvideError> {
        let target = format!("/var/lib/kubelet/pods/{volume}/volumes/kubernetes.io~csi/pv/mount");
        let request =
            PublishRequest::new(volume, target).with_volume_context([("stsRegion", region)]);
        let target = MountTarget::new(self.scratch.path().join("write"));
        let context = ProvideContext::from_publish_request(request, target).unwrap();
        self.provider.provide(&context).await
    }

    fn set_down(&self, is_down: bool) {
        self.sts.is_down.store(is_down, Ordering::SeqCst);
    }

    fn calls(&self) -> u32 {
        self.sts.calls.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_publish_during_a_confirmed_outage_fails_at_once_and_asks_in_its_turn() {
    let world = World::new();
    world.set_down(true);
    for volume in ["a", "b"] {
        world.publish(volume, BROKEN_REGION).await.unwrap_err();
    }
    assert_eq!(world.calls(), 2, "one failure may be chance");
    let at_once = timeout(Duration::from_millis(10), world.publish("c", BROKEN_REGION));
    let error = at_once.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), world.calls()), (ErrorKind::Unavailable, 2));
    assert_eq!(std::fs::read_dir(world.scratch.path().join("write")).unwrap().count(), 0);

    sleep(Duration::from_secs(31)).await;
    world.set_down(false);
    world.publish("c", BROKEN_REGION).await.unwrap();
    world.publish("d", BROKEN_REGION).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_region_of_one_volume_stops_no_volume_of_another_region() {
    let world = World::new();
    world.set_down(true);
    for volume in ["a", "b", "c"] {
        world.publish(volume, BROKEN_REGION).await.unwrap_err();
    }
    world.publish("d", SOUND_REGION).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_republish_with_fresh_keys_succeeds_during_an_outage_of_sts() {
    let world = World::new();
    world.publish("mounted", BROKEN_REGION).await.unwrap();
    world.set_down(true);
    for volume in ["a", "b", "c"] {
        world.publish(volume, BROKEN_REGION).await.unwrap_err();
    }
    world.publish("mounted", BROKEN_REGION).await.unwrap();
    // They are due after 40 minutes, of which the rotation finds an outage.
    let _fresh = world.provider.keep_fresh();
    sleep(Duration::from_mins(46)).await;
    let calls = world.calls();
    let at_once = timeout(Duration::from_millis(10), world.publish("mounted", BROKEN_REGION));
    if let Ok(result) = at_once.await {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(world.calls(), calls, "an outage is known");
    }
}
