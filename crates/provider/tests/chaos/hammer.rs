//! Many workers at once, in one process and in several, on the same volumes: a provided volume
//! stays whole until its worker cleans up, and in the end only held leases are left.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::sync::Arc;

use s3_credential_core::ErrorKind;
use s3_credential_provider::{ProvideError, Provider, ResumeOptions};
use tokio::task::JoinSet;

use crate::child::{argument, child, place_of_child};
use crate::mint::Mint;
use crate::place::{Place, Use, VOLUMES, by_lease, uses};

const TASKS: usize = 64;
const PROCESSES: usize = 8;

/// How much each hand does.
const STEPS: usize = 40;

/// The pod that every hand provides and cleans up for, so that its state is unknown to each of
/// them.
const CONTESTED: &str = "everyones";

#[test]
fn many_tasks_at_once_leave_only_what_is_held() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let place = Place::new(folder.path());
    let (held, known) = runtime().block_on(async {
        let mint = Arc::new(Mint::default());
        let provider = place.provider(&mint);
        let fresh = provider.keep_fresh();
        let held = all_hands(&place, &provider, &mint, "pod", TASKS).await;
        drop(fresh);
        (held, uses(&provider.leases()))
    });
    assert_eq!(check(&place, &held), known, "what the journal says and what the process knows");
    clear(&place);
}

#[test]
fn many_processes_at_once_leave_only_what_is_held() {
    if let Some(place) = place_of_child() {
        return hammer(&place);
    }
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let place = Place::new(folder.path());
    let processes: Vec<Child> = (0..PROCESSES)
        .map(|number| {
            let test = "hammer::many_processes_at_once_leave_only_what_is_held";
            child(test, &place, &[format!("number={number}")]).spawn().unwrap()
        })
        .collect();
    let mut held = BTreeSet::new();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}");
        let lines = said.lines().filter_map(|line| line.strip_prefix("held "));
        held.extend(lines.map(|using| using.parse::<Use>().unwrap()));
    }
    assert!(held.len() > PROCESSES, "too little is held: {held:?}");
    check(&place, &held);
    clear(&place);
}

/// One of the processes: it says what it holds in the end.
fn hammer(place: &Place) {
    let pod = format!("process{}-", argument("number").unwrap());
    let held = runtime().block_on(async {
        let mint = Arc::new(Mint::default());
        let provider = place.provider(&mint);
        let _fresh = provider.keep_fresh();
        all_hands(place, &provider, &mint, &pod, TASKS / PROCESSES).await
    });
    for using in held {
        println!("held {using}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

/// What all these hands hold in the end.
async fn all_hands(
    place: &Place,
    provider: &Provider,
    mint: &Arc<Mint>,
    pod: &str,
    hands: usize,
) -> BTreeSet<Use> {
    let hand = |number| Hand {
        place: place.clone(),
        provider: provider.clone(),
        mint: Arc::clone(mint),
        pod: format!("{pod}{number}"),
        seen: BTreeMap::new(),
    };
    let work: JoinSet<_> = (0..hands).map(|number| hand(number).work()).collect();
    work.join_all().await.into_iter().flatten().collect()
}

/// A worker that provides and cleans up for a pod of its own, and for one that all share.
struct Hand {
    place: Place,
    provider: Provider,
    mint: Arc<Mint>,
    pod: String,
    /// What is held for the own pod, and how new its credentials were when they were last read.
    seen: BTreeMap<Use, u128>,
}

impl Hand {
    async fn work(mut self) -> Vec<Use> {
        for _ in 0..STEPS {
            let volume = VOLUMES[fastrand::usize(..VOLUMES.len())];
            let own = Use::new(volume, &self.pod);
            let contested = Use::new(volume, CONTESTED);
            match fastrand::u8(..128) {
                // Every lease is refreshed, while others work on it.
                0 => self.mint.changes.notify(),
                1..=16 => self.provide(&contested).await,
                17..=32 => self.cleanup(&contested).await,
                33..=64 => {
                    self.seen.remove(&own);
                    self.cleanup(&own).await;
                }
                _ => {
                    self.provide(&own).await;
                    self.seen.entry(own).or_default();
                }
            }
            for (using, seen) in &mut self.seen {
                let newness = self.place.newness(using);
                assert!(newness >= *seen, "{using} has older credentials than before");
                *seen = newness;
            }
        }
        self.seen.into_keys().collect()
    }

    async fn provide(&self, using: &Use) {
        let context = self.place.publish(using);
        while is_busy(self.provider.provide(&context).await) {}
    }

    async fn cleanup(&self, using: &Use) {
        let context = self.place.unpublish(using);
        while is_busy(self.provider.cleanup(&context).await) {}
    }
}

/// Returns whether another worker held the lease for so long that the call is to be repeated, as
/// the kubelet would. Any other failure fails the test.
fn is_busy<T>(result: Result<T, ProvideError>) -> bool {
    match result {
        Ok(_) => false,
        Err(error) => {
            let failure = &error.failure;
            let cause = std::error::Error::source(failure).map(ToString::to_string);
            let busy = "another operation on the same volume";
            assert!(
                error.kind() == ErrorKind::Busy || cause.is_some_and(|cause| cause.contains(busy)),
                "{error}"
            );
            true
        }
    }
}

/// What the next start finds: what is held, whole, and of the contested volumes some. Returns the
/// uses that there are.
fn check(place: &Place, held: &BTreeSet<Use>) -> BTreeSet<Use> {
    let found = runtime().block_on(async {
        let provider = place.provider(&Arc::default());
        let resumed = provider.resume(ResumeOptions::default()).await.unwrap();
        assert!(resumed.removed.is_empty(), "no call was cut short: {resumed:?}");
        assert!(resumed.failures.is_empty() && resumed.unreadable.is_empty(), "{resumed:?}");
        uses(&provider.leases())
    });
    let owned = found.iter().filter(|using| using.pod != CONTESTED).cloned().collect();
    assert_eq!(*held, owned);
    let leases = by_lease(&found);
    place.holds_only(&leases);
    for lease in leases.keys() {
        place.newness(lease);
    }
    found
}

/// Removes all leases, and checks that no file is left.
fn clear(place: &Place) {
    runtime().block_on(async {
        let provider = place.provider(&Arc::default());
        provider.resume(ResumeOptions::default()).await.unwrap();
        for using in uses(&provider.leases()) {
            provider.cleanup(&place.unpublish(&using)).await.unwrap();
        }
    });
    place.holds_only(&BTreeMap::new());
}
