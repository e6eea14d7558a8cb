//! An STS that grants so many calls a second, and what was asked of it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::SignedDuration;
use s3_credential_core::Clock as _;
use s3_credential_testkit::clock::TokioClock;
use tokio::time::Instant;

/// There and back, and what STS does.
const LATENCY: Duration = Duration::from_millis(60);

#[derive(Debug)]
pub(super) struct Network {
    /// Calls a second; as many may come at once.
    rate: f64,
    clock: TokioClock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    filled: Instant,
    calls: usize,
    by_second: BTreeMap<i64, usize>,
}

/// An answer, as HTTP has it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Network {
    pub(super) fn new(rate: f64, clock: TokioClock) -> Self {
        let state = State { tokens: rate, filled: Instant::now(), calls: 0, by_second: BTreeMap::new() };
        Self { rate, clock, state: Mutex::new(state) }
    }

    pub(super) fn clock(&self) -> TokioClock {
        self.clock
    }

    pub(super) fn calls(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    /// Most calls within a second.
    pub(super) fn peak(&self) -> f64 {
        *self.state.lock().unwrap().by_second.values().max().unwrap_or(&0) as f64
    }

    /// `AssumeRoleWithWebIdentity`.
    pub(super) async fn ask(&self) -> Answer {
        tokio::time::sleep(LATENCY).await;
        if !self.grant() {
            return Answer {
                status: 400,
                body: "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>Throttling</Code>\
                    <Message>Rate exceeded</Message></Error><RequestId>r</RequestId></ErrorResponse>"
                    .to_owned(),
            };
        }
        let expiration = self.clock.now() + SignedDuration::from_hours(12);
        let expiration = expiration.strftime("%Y-%m-%dT%H:%M:%SZ");
        Answer {
            status: 200,
            body: format!(
                "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult>\
                 <SubjectFromWebIdentityToken>s</SubjectFromWebIdentityToken><Audience>sts.amazonaws.com</Audience><AssumedRoleUser>\
                 <Arn>arn:aws:sts::111122223333:assumed-role/bench/s</Arn><AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser>\
                 <Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>wJalrXUtnFEMI</SecretAccessKey>\
                 <SessionToken>session</SessionToken><Expiration>{expiration}</Expiration></Credentials><Provider>p</Provider>\
                 </AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
                 </AssumeRoleWithWebIdentityResponse>"
            ),
        }
    }

    fn grant(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        let now = Instant::now();
        let refill = now.duration_since(state.filled).as_secs_f64() * self.rate;
        (state.tokens, state.filled) = ((state.tokens + refill).min(self.rate), now);
        state.calls += 1;
        let second = self.clock.now().as_second();
        *state.by_second.entry(second).or_default() += 1;
        let granted = state.tokens >= 1.0;
        if granted {
            state.tokens -= 1.0;
        }
        granted
    }
}
