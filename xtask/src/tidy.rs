//! `cargo xtask tidy`: the invariants of the design that neither the compiler nor clippy proves,
//! from the sources and the dependency graph.
//!
//! What goes in: the files of the checkout and cargo's view of the dependencies. What comes out:
//! one line for each violation, `path:line: what is wrong, and what to do`. How it fails: any
//! violation is an error.

mod finding;
mod graph;
mod layout;
mod lexer;
mod paths;
mod rules;
mod source;
mod test_code;
mod tree;

use crate::run::{Outcome, root};
use tree::Tree;

pub(crate) fn run() -> Outcome {
    let tree = Tree::read(root())?;
    let mut findings: Vec<_> = rules::ALL.iter().flat_map(|rule| rule(&tree)).collect();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "{} files, {} Rust sources; median {} lines of code",
        tree.files.len(),
        tree.sources.len(),
        rules::size::median(&tree)
    );
    match findings.len() {
        0 => Ok(()),
        1 => Err("1 violation".to_owned()),
        count => Err(format!("{count} violations")),
    }
}
