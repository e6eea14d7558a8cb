//! `cargo xtask ci`: every check, fastest first.

use std::time::{Duration, Instant};

use crate::run::Outcome;
use crate::{budgets, clippy, deny, doc, e2e, features, fmt, fuzz, locks, proto, test, tidy};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run the checks after a failed one too
    #[arg(long)]
    keep_going: bool,
    /// Leave this check out; repeats
    #[arg(long, value_name = "CHECK", value_parser = STEPS.map(|(name, _)| name))]
    skip: Vec<String>,
}

type Step = (&'static str, fn() -> Outcome);

const STEPS: [Step; 12] = [
    ("fmt", fmt::run),
    ("tidy", tidy::run),
    ("deny", deny::run),
    ("locks", locks::run),
    ("proto", proto::check),
    ("clippy", clippy::run),
    ("features", features::run),
    ("doc", doc::run),
    ("test", || test::run(&test::Options::default())),
    ("budgets", budgets::run),
    ("e2e-aws", e2e::aws),
    ("fuzz", || fuzz::run(&fuzz::Options::default())),
];

pub(crate) fn run(options: &Options) -> Outcome {
    let steps: Vec<Step> = STEPS
        .into_iter()
        .filter(|(name, _)| !options.skip.iter().any(|skipped| skipped == name))
        .collect();
    let mut results = Vec::new();
    for (position, (name, step)) in steps.iter().enumerate() {
        println!("\n==> {name} ({} of {})", position + 1, steps.len());
        let (outcome, took) = timed(*step);
        println!("<== {name}: {} in {:.1} s", verdict(&outcome), took.as_secs_f64());
        let stop = outcome.is_err() && !options.keep_going;
        results.push((*name, outcome, took));
        if stop {
            break;
        }
    }
    summarize(&results, steps.len())
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a check took is for the reader; no decision depends on it"
)]
fn timed(step: fn() -> Outcome) -> (Outcome, Duration) {
    let start = Instant::now();
    (step(), start.elapsed())
}

fn verdict(outcome: &Outcome) -> &'static str {
    if outcome.is_ok() { "passed" } else { "FAILED" }
}

fn summarize(results: &[(&str, Outcome, Duration)], planned: usize) -> Outcome {
    println!("\ncheck      result     seconds");
    for (name, outcome, took) in results {
        println!("{name:<10} {:<6} {:>11.1}", verdict(outcome), took.as_secs_f64());
    }
    let failures: Vec<_> = results
        .iter()
        .filter_map(|(name, outcome, _)| Some(format!("{name}: {}", outcome.as_ref().err()?)))
        .collect();
    let not_run = planned - results.len();
    match (failures.is_empty(), not_run) {
        (true, _) => Ok(()),
        (false, 0) => Err(failures.join("\n       ")),
        (false, _) => Err(format!(
            "{}\n       {not_run} checks were not run; --keep-going runs them",
            failures.join("\n       ")
        )),
    }
}
