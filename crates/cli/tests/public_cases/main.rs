//! Cases from public reports: what people who mount S3 in Kubernetes ran into, tried on the binary.
//!
//! `cases.jsonl` has one case a line. Rows with one number before the slash share a write path and
//! a state path, in their order. In values, `@TOKENS` stands for service-account tokens as the
//! kubelet sends them, `@STS`, `@IMDS` and `@PROXY` for the URL of an emulator, `@FILE:name` for a
//! file of the case.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly, its helpers too")]

mod case;
mod variants;
mod verdicts;
mod world;

use std::collections::BTreeMap;

use case::Case;
use verdicts::judge;
use world::World;

#[tokio::test]
async fn every_case_has_the_outcome_that_its_user_should_get() {
    let mut groups: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    for line in include_str!("cases.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let group = line.split_once("\"name\": \"").unwrap().1.split_once('/').unwrap().0;
        groups.entry(group).or_default().push(case);
    }
    assert_eq!(groups.values().map(Vec::len).sum::<usize>(), 27);
    for (group, cases) in groups {
        let world = World::start().await;
        let mut seen = Vec::new();
        for case in &cases {
            seen.push(world.run(case).await);
        }
        judge(group, &cases, &seen);
    }
}
