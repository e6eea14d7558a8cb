//! A case from its beginning to its end, and the verdict.

use std::thread;

use rustix::fs::{Gid, Mode, Uid};
use rustix::process::{geteuid, umask};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use s3_credential_core::Environment;

use crate::case::{Case, Step};
use crate::deviations::{ALL, Deviation};
use crate::drive;
use crate::expect;
use crate::layout::{Layout, Lease};
use crate::outcome::{Answer, Outcome};
use crate::sandbox::Sandbox;
use crate::tree::Tree;
use crate::view::View;
use crate::world::World;

/// The verdict on a case.
#[derive(Debug)]
pub(crate) enum Verdict {
    Agrees,
    /// On purpose: by each of these, and by none of them alone could be left out.
    Deviates(Vec<Deviation>),
    Fails(String),
}

const UMASK: Mode = Mode::from_raw_mode(0o022);
const NOBODY: u32 = 65_534;

pub(crate) fn case(case: &Case) -> Verdict {
    let mask = case.input.umask.as_ref().map(|octal| u32::from_str_radix(octal, 8).unwrap());
    umask(mask.map_or(UMASK, Mode::from_raw_mode));
    let verdict = thread::scope(|scope| scope.spawn(|| in_a_thread(case)).join().unwrap());
    umask(UMASK);
    verdict
}

/// Identity and runtime are the thread's own.
fn in_a_thread(case: &Case) -> Verdict {
    if case.input.requires_non_root && geteuid().is_root() {
        let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
        set_thread_groups(&[]).unwrap();
        set_thread_res_gid(gid, gid, gid).unwrap();
        set_thread_res_uid(uid, uid, uid).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let layout = Layout::of(&case.input);
    let steps = case.input.steps();
    assert_eq!(steps.len(), case.expected.steps.len(), "{}", case.name);
    let sandbox = Sandbox::new(&case.input, &layout);
    let (laid_out, _) = sandbox.look();
    let ours = runtime.block_on(ours(case, &layout, &steps, &sandbox));
    verdict(case, &layout, &steps, laid_out, &ours)
}

/// Returns our outcomes, step by step.
async fn ours(case: &Case, layout: &Layout, steps: &[Step], sandbox: &Sandbox) -> Vec<Outcome> {
    let world = World::start(&case.input, sandbox).await;
    let mut variables = case.input.env.clone();
    let mut outcomes = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        variables.extend(step.env.clone());
        sandbox.lay_out(&step.files, layout);
        let fill = |text: &str| sandbox.fill(text, layout);
        let environment: Environment = variables
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), fill(value.as_ref()?))))
            .chain(world.variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
            .collect();
        let provider = drive::provider(environment, sandbox.state_path());
        let (_, before) = sandbox.look();
        let mut answer = match (&step.provide, &step.cleanup) {
            (Some(provide), _) => {
                drive::provide(&provider, provide, &fill(&provide.write_path)).await
            }
            (None, Some(cleanup)) => {
                let lease = Lease::from(cleanup);
                let of = steps[..index].iter().rev().filter_map(|step| step.provide.as_ref());
                let of = of.into_iter().find(|provide| Lease::from(*provide) == lease);
                drive::cleanup(&provider, cleanup, of, &fill(&cleanup.write_path)).await
            }
            (None, None) => panic!("{}: an empty step", case.name),
        };
        if let Answer::Provided { variables, .. } = &mut answer {
            for (name, value) in &world.variables {
                variables
                    .entry((*name).to_owned())
                    .and_modify(|it| *it = it.replace(value, "{IMDS}"));
            }
        }
        let (tree, after) = sandbox.look();
        let changed = |path: &&String| before.get(*path) != after.get(*path);
        let outside = before.keys().chain(after.keys()).filter(changed).cloned().collect();
        outcomes.push(Outcome { answer, tree, outside });
    }
    outcomes
}

fn verdict(
    case: &Case,
    layout: &Layout,
    steps: &[Step],
    laid_out: Option<Tree>,
    ours: &[Outcome],
) -> Verdict {
    let expected = |deviations: &[Deviation]| {
        let mut applied = Vec::new();
        let mut problems = Vec::new();
        let (mut before, mut live) = (laid_out.clone(), Vec::new());
        for index in 0..steps.len() {
            let view = View::new(case, layout, steps, index, before.clone(), live.clone());
            let mut outcome = expect::recorded(&view);
            for deviation in deviations {
                let was = outcome.clone();
                deviation.adjust(&view, &mut outcome);
                if was != outcome {
                    applied.push(*deviation);
                }
            }
            problems
                .extend(outcome.differs_from(&ours[index]).map(|it| format!("step {index}: {it}")));
            live.retain(|lease| *lease != view.lease() || outcome.answer != Answer::CleanupReport);
            if matches!(outcome.answer, Answer::Provided { .. }) {
                live.push(view.lease());
            }
            before = outcome.tree;
        }
        applied.sort();
        applied.dedup();
        (applied, problems)
    };
    let (applied, problems) = expected(&ALL);
    if !problems.is_empty() {
        return Verdict::Fails(format!("{applied:?}: {}", problems.join("\n    ")));
    }
    let without = |one: &Deviation| -> Vec<Deviation> {
        applied.iter().filter(|other| *other != one).copied().collect()
    };
    let idle: Vec<_> = applied.iter().filter(|one| expected(&without(one)).1.is_empty()).collect();
    if !idle.is_empty() {
        return Verdict::Fails(format!("{idle:?}: would agree without"));
    }
    if applied.is_empty() { Verdict::Agrees } else { Verdict::Deviates(applied) }
}
