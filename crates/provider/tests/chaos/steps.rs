//! A driver that is killed at each step of a publish, a republish, a cleanup and a start.
//!
//! A step is a system call that changes a directory of the driver, or creates a file in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use s3_credential_delivery::kill_at;
use s3_credential_provider::ResumeOptions;

use crate::child::{argument, child, place_of_child};
use crate::kills::Known;
use crate::place::{Place, Use};

const TEST: &str = "steps::a_kill_at_each_step_is_made_good_by_the_next_start";

/// More steps than any operation has.
const MANY: usize = 500;

/// What is there before the operation: each of these pods has published the volume.
const BEFORE: [&str; 2] = ["a", "b"];

/// An operation of pod `a`, after so many pods have published the volume. It has at least so many
/// steps.
#[derive(Debug, Clone, Copy)]
struct Scenario {
    call: &'static str,
    volume: &'static str,
    published: usize,
    steps: usize,
}

const fn scenario(
    call: &'static str,
    volume: &'static str,
    published: usize,
    steps: usize,
) -> Scenario {
    Scenario { call, volume, published, steps }
}

const SCENARIOS: [Scenario; 10] = [
    scenario("provide", "token-own", 0, 5),
    scenario("provide", "token-own", 1, 4),
    scenario("cleanup", "token-own", 1, 4),
    scenario("provide", "temporary-own", 0, 7),
    scenario("cleanup", "temporary-own", 1, 5),
    scenario("provide", "temporary-served", 0, 8),
    scenario("cleanup", "temporary-served", 1, 5),
    scenario("provide", "keys-shared", 1, 4),
    scenario("cleanup", "keys-shared", 2, 1),
    scenario("resume", "keys-shared", 2, 1),
];

#[test]
fn a_kill_at_each_step_is_made_good_by_the_next_start() {
    if let Some(place) = place_of_child() {
        return operate(&place);
    }
    for scenario in SCENARIOS {
        let mut states = BTreeSet::new();
        let kills = (1..MANY).position(|step| scenario.is_done_before(step, &mut states));
        let kills = kills.unwrap();
        println!("{scenario:?}: {kills} kills, {} states", states.len());
        assert!(kills >= scenario.steps, "{scenario:?}: {kills} kills");
        assert_eq!(states.len(), kills + 1, "{scenario:?}: two kills left the same");
    }
}

impl Scenario {
    /// Kills the driver at this step of its operation, and checks what the next start finds.
    /// Returns whether the operation had ended.
    fn is_done_before(self, step: usize, states: &mut BTreeSet<Vec<String>>) -> bool {
        // In memory, as the state path of a driver is.
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        let place = Place::new(folder.path());
        let mut known = Known::default();
        let uses = BEFORE.map(|pod| Use::new(self.volume, pod));
        runtime().block_on(async {
            let provider = place.provider(&Arc::default());
            for using in &uses[..self.published] {
                provider.provide(&place.publish(using)).await.unwrap();
                known.held.insert(using.clone());
            }
        });
        for using in &known.held.clone() {
            known.learn(&format!("seen {} {using}", place.newness(using)));
        }
        let using = &uses[usize::from(self.joins())];
        let call = match self.call {
            "resume" => "resume".to_owned(),
            call => format!("{call} {using}"),
        };
        known.learn(&format!("begin {call}"));
        let is_done = self.killed_at(step, &place, using).contains("done");
        if is_done {
            known.learn(&format!("end {call}"));
        }
        // Before the next start repairs anything: the Mountpoints still run.
        for using in &known.held {
            place.newness(using);
        }
        states.insert(state_of(folder.path()));
        known.check_next_start(&place, step.is_multiple_of(2) && !is_done);
        is_done
    }

    /// Whether the second pod joins a mount that the first one has published.
    fn joins(self) -> bool {
        self.call == "provide" && self.volume.ends_with("shared")
    }

    /// Returns what the driver printed until it was killed.
    fn killed_at(self, step: usize, place: &Place, using: &Use) -> String {
        let arguments = [
            format!("call={}", self.call),
            format!("volume={}", using.volume),
            format!("pod={}", using.pod),
            format!("step={step}"),
        ];
        let output = child(TEST, place, &arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The names of all files and directories, and the length of what they hold, without random parts.
fn state_of(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let is_temporary = path.extension().is_some_and(|end| end == "tmp" || end == "new");
            let name = if is_temporary { "a temporary file".to_owned() } else { name };
            let length = if path.is_file() { fs::metadata(&path).unwrap().len() } else { 0 };
            found.push(format!("{name}: {length}"));
            directories.extend(path.is_dir().then_some(path));
        }
    }
    found.sort();
    found
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The driver: it makes one call, and is killed at a step of it.
fn operate(place: &Place) {
    let using = Use::new(&argument("volume").unwrap(), &argument("pod").unwrap());
    let call = argument("call").unwrap();
    runtime().block_on(async {
        let provider = place.provider(&Arc::default());
        if call != "resume" {
            provider.resume(ResumeOptions::default()).await.unwrap();
        }
        kill_at(argument("step").unwrap().parse().unwrap());
        match call.as_str() {
            "resume" => {
                provider.resume(ResumeOptions::default()).await.unwrap();
            }
            "provide" => {
                provider.provide(&place.publish(&using)).await.unwrap();
            }
            _ => {
                provider.cleanup(&place.unpublish(&using)).await.unwrap();
            }
        }
        println!("done");
    });
}
