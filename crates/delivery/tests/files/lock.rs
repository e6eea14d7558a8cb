//! Locks among threads and processes.

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use s3_credential_delivery::StatePath;

use crate::support::{Folder, await_word, child, folder_of_child, listing};

fn opened(folder: &Folder) -> StatePath {
    StatePath::open(&folder.path().join("state")).unwrap()
}

#[test]
fn a_lock_is_held_until_it_is_dropped() {
    let folder = Folder::new();
    let state = opened(&folder);
    let lock = state.try_lock("lease").unwrap().unwrap();
    assert!(state.try_lock("lease").unwrap().is_none());
    // Opened a second time, as by another part of the same process.
    assert!(opened(&folder).try_lock("lease").unwrap().is_none());
    assert!(state.try_lock("other").unwrap().is_some());
    drop(lock);
    assert!(state.try_lock("lease").unwrap().is_some());
}

#[test]
fn a_removed_lock_leaves_no_file() {
    let folder = Folder::new();
    let state = opened(&folder);
    state.try_lock("lease").unwrap().unwrap().remove().unwrap();
    assert!(listing(state.path()).is_empty());
    state.try_lock("lease").unwrap().unwrap().remove().unwrap();
}

#[test]
fn one_holder_at_a_time_even_where_the_lock_is_removed() {
    const THREADS: u32 = 8;
    const TURNS: u32 = 300;
    let folder = Folder::new();
    let state = opened(&folder);
    let is_held = AtomicBool::new(false);
    let turns = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for turn in 0..TURNS {
                    let lock = loop {
                        match state.try_lock("lease").unwrap() {
                            Some(lock) => break lock,
                            None => thread::yield_now(),
                        }
                    };
                    assert!(!is_held.swap(true, Ordering::SeqCst), "two holders");
                    turns.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    is_held.store(false, Ordering::SeqCst);
                    if turn % 2 == 0 {
                        lock.remove().unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(turns.into_inner(), THREADS * TURNS);
}

#[test]
fn a_process_that_is_killed_gives_its_lock_back() {
    if let Some(folder) = folder_of_child() {
        let _lock = StatePath::open(&folder).unwrap().try_lock("lease").unwrap().unwrap();
        println!("held");
        // Until the parent is done.
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let folder = Folder::new();
    let state = opened(&folder);
    let mut holder = child("lock::a_process_that_is_killed_gives_its_lock_back", state.path(), "")
        .spawn()
        .unwrap();
    await_word(&mut holder, "held");
    assert!(state.try_lock("lease").unwrap().is_none());
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(state.try_lock("lease").unwrap().is_some());
}
