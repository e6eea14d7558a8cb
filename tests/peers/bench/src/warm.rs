//! Keys that are there: what one read of them costs.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::{Arc, Barrier};
use std::time::Instant;

use crate::for_each_subject;
use crate::subjects::{Ours, Subject};
use crate::table::{Row, median, time};
use crate::upstream::Upstream;

const ROUNDS: usize = 31;
const CALLS: usize = 50_000;

struct Measured {
    name: &'static str,
    /// Seconds for one call, by round.
    one: Vec<f64>,
    two: Vec<f64>,
    /// Measures another round.
    round: Box<dyn Fn(usize) -> f64>,
}

pub fn run(address: SocketAddr) {
    let upstream = Upstream::start(address);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut subjects = Vec::new();
    for_each_subject!(S => {
        let subject = runtime.block_on(async {
            let subject = S::new(&upstream);
            subject.fetch().await.unwrap();
            Arc::new(subject)
        });
        let round = Box::new(move |threads| round(&subject, threads));
        subjects.push(Measured { name: S::NAME, one: Vec::new(), two: Vec::new(), round });
    });
    // In turn, so that a busy machine is busy for all.
    for _ in 0..ROUNDS {
        for subject in &mut subjects {
            subject.one.push((subject.round)(1));
        }
        for subject in &mut subjects {
            subject.two.push((subject.round)(2));
        }
    }

    let mut one = Row::new("warm fetch, 1 thread", "a quarter of the fastest peer's, at most");
    let mut two = Row::new("warm fetch, 2 threads, per call and thread", "1.2 times the single thread's, at most");
    let (mut ours, mut fastest) = (f64::NAN, f64::INFINITY);
    for subject in &subjects {
        let (alone, both) = (median(&subject.one), median(&subject.two));
        one = one.cell(subject.name, time(alone));
        two = two.cell(subject.name, format!("{} ({:.2} x)", time(both), both / alone));
        if subject.name == Ours::NAME {
            ours = alone;
            two = two.met(both <= alone * 1.2);
        } else {
            fastest = fastest.min(alone);
        }
    }
    let one = one.met(ours <= fastest / 4.0);
    one.cell("ratio", format!("{:.2} of the fastest", ours / fastest)).print();
    two.print();
}

fn round<S: Subject>(subject: &Arc<S>, threads: usize) -> f64 {
    let barrier = Barrier::new(threads);
    let one_thread = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for _ in 0..1000 {
                black_box(subject.warm().await.unwrap());
            }
            barrier.wait();
            let start = Instant::now();
            for _ in 0..CALLS {
                black_box(subject.warm().await.unwrap());
            }
            start.elapsed().as_secs_f64() / CALLS as f64
        })
    };
    let took: Vec<f64> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one_thread)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    took.iter().sum::<f64>() / took.len() as f64
}
