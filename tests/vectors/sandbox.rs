//! The directories that a case works in.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::case::{Entry, File, Files, Input};
use crate::layout::Layout;
use crate::tree::{self, Node, Tree};

const WRITE: &str = "write";

/// The scratch directory of a case, and apart from it the driver's own state.
#[derive(Debug)]
pub(crate) struct Sandbox {
    scratch: TempDir,
    state: TempDir,
}

impl Sandbox {
    /// Lays out what a case begins with. The process works in `cwd` of it, as the Go driver did.
    pub(crate) fn new(input: &Input, layout: &Layout) -> Self {
        let sandbox =
            Self { scratch: tempfile::tempdir().unwrap(), state: tempfile::tempdir().unwrap() };
        fs::create_dir(sandbox.path("cwd")).unwrap();
        if !input.no_write_dir {
            fs::create_dir(sandbox.write_path()).unwrap();
        }
        std::env::set_current_dir(sandbox.path("cwd")).unwrap();
        sandbox.lay_out(&input.files, layout);
        sandbox
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn write_path(&self) -> PathBuf {
        self.path(WRITE)
    }

    pub(crate) fn state_path(&self) -> PathBuf {
        self.state.path().join("state")
    }

    /// A file beside the scratch directory.
    pub(crate) fn private(&self, name: &str) -> PathBuf {
        self.state.path().join(name)
    }

    /// Fills in the paths of this sandbox.
    pub(crate) fn fill(&self, text: &str, layout: &Layout) -> String {
        let write = self.write_path();
        let text = match text.strip_prefix("{WRITE}/") {
            Some(name) => format!("{{WRITE}}/{}", layout.seed(name)),
            None => text.to_owned(),
        };
        text.replace("{WRITE}", write.to_str().unwrap())
            .replace("{SCRATCH}", self.scratch.path().to_str().unwrap())
    }

    pub(crate) fn lay_out(&self, files: &Files, layout: &Layout) {
        for (name, file) in files {
            let place = self.place(name, layout);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            match file {
                File::Text(text) => write(&place, text.as_bytes(), 0o600),
                File::Entry(entry) => self.make(&place, entry, layout),
            }
        }
        // A directory without access is filled by then.
        for (name, file) in files {
            if let File::Entry(entry) = file
                && entry.kind.as_deref() == Some("dir")
                && let Some(mode) = entry.mode()
            {
                chmod(&self.place(name, layout), mode);
            }
        }
    }

    fn place(&self, name: &str, layout: &Layout) -> PathBuf {
        match name.strip_prefix("write/") {
            Some(name) => self.write_path().join(layout.seed(name)),
            None => self.path(name),
        }
    }

    fn make(&self, place: &Path, entry: &Entry, layout: &Layout) {
        match entry.kind.as_deref() {
            Some("dir") => fs::create_dir_all(place).unwrap(),
            Some("symlink") => {
                symlink(self.fill(entry.target.as_ref().unwrap(), layout), place).unwrap();
            }
            Some("absent") => fs::remove_file(place).unwrap(),
            _ => write(place, &entry.bytes().unwrap(), entry.mode().unwrap_or(0o600)),
        }
    }

    /// Returns the entries under the write path, if it exists, and those elsewhere.
    pub(crate) fn look(&self) -> (Option<Tree>, Tree) {
        let mode = fs::metadata(self.write_path()).map(|it| it.permissions().mode());
        let closed = mode.ok().filter(|mode| mode & 0o700 == 0);
        closed.iter().for_each(|_| chmod(&self.write_path(), 0o755));
        let all = tree::snapshot(self.scratch.path());
        closed.iter().for_each(|mode| chmod(&self.write_path(), *mode));

        let (written, mut outside): (Tree, Tree) =
            all.into_iter().partition(|(path, _)| path.starts_with("write/"));
        let below = |(path, node): (String, Node)| (path["write/".len()..].to_owned(), node);
        let is_there = outside.remove(WRITE).is_some();
        (is_there.then(|| without_full_leases(written.into_iter().map(below).collect())), outside)
    }
}

/// Removes each volume directory that has entries: the entries stand for it.
fn without_full_leases(mut tree: Tree) -> Tree {
    let directory = |path: &String| Some(path.split_once('/')?.0.to_owned());
    let full: BTreeSet<String> = tree.keys().filter_map(directory).collect();
    tree.retain(|path, _| !(path.starts_with("s3cred@") && full.contains(path)));
    tree
}

fn write(path: &Path, content: &[u8], mode: u32) {
    fs::write(path, content).unwrap();
    chmod(path, mode);
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
