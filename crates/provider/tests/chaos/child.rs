//! Tests that run themselves in processes of their own.

use std::process::{Command, Stdio};

use crate::place::Place;

/// What follows `name=` among the arguments. The test harness takes such an argument for the name
/// of a test that does not exist.
pub(crate) fn argument(name: &str) -> Option<String> {
    let start = format!("{name}=");
    std::env::args().find_map(|argument| argument.strip_prefix(&start).map(str::to_owned))
}

/// The place that a test works in as a child of itself.
pub(crate) fn place_of_child() -> Option<Place> {
    argument("child").map(|root| Place::new(root.as_ref()))
}

/// The command by which a test runs itself in a process of its own, with these further arguments.
pub(crate) fn child(test: &str, place: &Place, arguments: &[String]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "--nocapture", test])
        .arg(format!("child={}", place.root().display()))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}
