//! A driver that is killed at random moments, again and again, and what the next one finds.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::spin_loop;
use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::Arc;
use std::thread;

use s3_credential_provider::ResumeOptions;

use crate::child::{argument, child, place_of_child};
use crate::mint::Mint;
use crate::place::{Place, Use, VOLUMES, by_lease, uses};

const TEST: &str = "kills::a_kill_at_any_moment_is_made_good_by_the_next_start";

/// How often a driver is killed, unless the argument `kills=` says otherwise.
const KILLS: usize = 1000;

/// Drivers at once, each with volumes of its own: while one starts or is killed, another one works.
const DRIVERS: usize = 4;

/// After how many lines, at most, a driver is killed. Each is one more moment at which a call
/// begins or ends.
const LINES: usize = 10;

const PODS: [&str; 3] = ["a", "b", "c"];

#[test]
fn a_kill_at_any_moment_is_made_good_by_the_next_start() {
    if let Some(place) = place_of_child() {
        return drive(&place);
    }
    let kills = argument("kills").map_or(KILLS, |kills| kills.parse().unwrap());
    let moments: Vec<_> = thread::scope(|scope| {
        let drivers: Vec<_> =
            (0..DRIVERS).map(|_| scope.spawn(|| kill_again_and_again(kills / DRIVERS))).collect();
        drivers.into_iter().flat_map(|driver| driver.join().unwrap()).collect()
    });
    let mut tally = BTreeMap::new();
    for moment in &moments {
        *tally.entry(moment).or_insert(0) += 1;
    }
    println!("{} kills: {tally:?}", moments.len());
    for call in ["begin resume", "begin provide", "begin cleanup", "begin rotate"] {
        assert!(tally.contains_key(&call.to_owned()), "no kill in the midst of one: {tally:?}");
    }
}

/// Kills a driver so often, and returns what each kill came in.
fn kill_again_and_again(kills: usize) -> Vec<String> {
    // In memory, as the state path of a driver is: what the endpoint keeps for its next run reaches
    // no disk.
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let place = Place::new(folder.path());
    let mut known = Known::default();
    let round = |round: usize| {
        for line in lines_until_killed(&place) {
            known.learn(&line);
        }
        known.check_next_start(&place, round.is_multiple_of(2));
        known.last.clone()
    };
    (0..kills).map(round).collect()
}

/// The driver: it says what it begins and what it has ended, until it is killed.
fn drive(place: &Place) {
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mint = Arc::new(Mint::default());
        let provider = place.provider(&mint);
        let _fresh = provider.keep_fresh();
        say("begin resume\n".to_owned());
        let resumed = provider.resume(ResumeOptions::default()).await.unwrap();
        assert!(resumed.failures.is_empty(), "{resumed:?}");
        say("end resume\n".to_owned());
        loop {
            let volume = VOLUMES[fastrand::usize(..VOLUMES.len())];
            let using = Use::new(volume, PODS[fastrand::usize(..PODS.len())]);
            match fastrand::u8(..5) {
                0 => {
                    // All leases are refreshed, while other calls go on.
                    say("begin rotate\n".to_owned());
                    mint.changes.notify();
                    tokio::task::yield_now().await;
                }
                1 | 2 => {
                    say(format!("begin cleanup {using}\n"));
                    provider.cleanup(&place.unpublish(&using)).await.unwrap();
                    say(format!("end cleanup {using}\n"));
                }
                _ => {
                    say(format!("begin provide {using}\n"));
                    provider.provide(&place.publish(&using)).await.unwrap();
                    say(format!("end provide {using}\n"));
                    say(format!("seen {} {using}\n", place.newness(&using)));
                }
            }
        }
    });
}

/// Starts the driver, kills it some time after some line, and returns all that it has said.
fn lines_until_killed(place: &Place) -> Vec<String> {
    let mut driver = child(TEST, place, &[]).spawn().unwrap();
    let mut said = BufReader::new(driver.stdout.take().unwrap()).lines().map(Result::unwrap);
    let count = fastrand::usize(..LINES);
    let is_ours =
        |line: &String| ["begin ", "end ", "seen "].iter().any(|start| line.starts_with(start));
    let mut lines: Vec<String> = said.by_ref().filter(is_ours).take(count).collect();
    // A line is said before something begins: from there, up to about a millisecond.
    for _ in 0..fastrand::u32(..100_000) {
        spin_loop();
    }
    driver.kill().unwrap();
    lines.extend(said.filter(is_ours));
    let status = driver.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{lines:?}");
    lines
}

/// What can be known of the volumes from what the driver has said.
#[derive(Default)]
pub(crate) struct Known {
    /// Mounted: provided, and no cleanup has begun.
    pub(crate) held: BTreeSet<Use>,
    /// A first provide or a cleanup was under way.
    unknown: Option<Use>,
    /// How new the credentials were that a reader has seen.
    seen: BTreeMap<String, u128>,
    /// What was last said: in the midst of what the driver was killed, or after what.
    last: String,
}

impl Known {
    pub(crate) fn learn(&mut self, line: &str) {
        let (said, rest) = line.split_once(' ').unwrap();
        if said == "seen" {
            let (newness, using) = rest.split_once(' ').unwrap();
            let using: Use = using.parse().unwrap();
            self.seen.insert(using.directory(), newness.parse().unwrap());
            return;
        }
        self.last = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let Some((call, using)) = rest.split_once(' ') else {
            return;
        };
        let using: Use = using.parse().unwrap();
        match (said, call) {
            ("begin", "provide") if !self.held.contains(&using) => self.unknown = Some(using),
            ("begin", "cleanup") => {
                self.held.remove(&using);
                self.unknown = Some(using);
            }
            ("end", "provide") => {
                self.held.insert(using);
                self.unknown = None;
            }
            ("end", "cleanup") => self.unknown = None,
            _ => {}
        }
    }

    /// Checks that the next start of the driver finds exactly the mounted volumes, each whole.
    pub(crate) fn check_next_start(&mut self, place: &Place, caller_knows: bool) {
        let mounted: BTreeSet<String> = self.held.iter().map(Use::target).collect();
        let still_published = |target: &str| mounted.contains(target);
        let options = ResumeOptions {
            // A call that was under way was not answered, so no mount uses its files, or no longer.
            still_published: if caller_knows { Some(&still_published) } else { None },
            own_write_paths: vec![place.write_path()],
            is_unused: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let provider = runtime.block_on(async {
            let provider = place.provider(&Arc::default());
            let resumed = provider.resume(options).await.unwrap();
            assert!(resumed.failures.is_empty() && resumed.unreadable.is_empty(), "{resumed:?}");
            assert!(resumed.unrecorded.is_empty(), "{resumed:?}");
            provider
        });
        let found = uses(&provider.leases());
        let last = &self.last;
        if let Some(using) = self.unknown.take_if(|using| found.contains(using)) {
            assert!(!caller_knows, "{using} was not mounted; last: {last}");
            self.held.insert(using);
        }
        self.unknown = None;
        assert_eq!(found, self.held, "last: {last}");
        let leases = by_lease(&self.held);
        place.holds_only(&leases);
        self.seen.retain(|directory, _| leases.keys().any(|lease| lease.directory() == *directory));
        for lease in leases.keys() {
            let newness = place.newness(lease);
            let seen = self.seen.entry(lease.directory()).or_default();
            assert!(newness >= *seen, "{lease} has older credentials than a reader had seen");
            *seen = newness;
        }
    }
}
