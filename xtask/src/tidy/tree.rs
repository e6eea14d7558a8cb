//! The input of the rules: the files, the Rust sources among them, and cargo's view.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::graph::Graph;
use super::source::Source;
use crate::run::Outcome;

#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Every text file, the Rust sources included.
    pub(crate) files: Vec<File>,
    pub(crate) sources: Vec<Source>,
    pub(crate) graph: Graph,
}

#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }
}

/// Folders without files of this project.
const SKIPPED: &[&str] = &[".git", "target", "__pycache__", "node_modules", ".venv", "generated"];

impl Tree {
    pub(crate) fn read(root: &Path) -> Outcome<Self> {
        let mut files = Vec::new();
        collect(root, "", &mut files)
            .map_err(|error| format!("reading {}: {error}", root.display()))?;
        Ok(Self { graph: Graph::read()?, ..Self::of(files)? })
    }

    /// Makes a tree of files in memory, without a graph.
    fn of(files: Vec<File>) -> Outcome<Self> {
        let read = |file: &File| {
            Source::read(&file.path, &file.text).map_err(|error| format!("{}: {error}", file.path))
        };
        let mut sources =
            files.iter().filter(|file| file.is_rust()).map(read).collect::<Outcome<Vec<_>>>()?;
        let test_files: HashSet<String> =
            sources.iter().flat_map(Source::test_module_files).collect();
        for source in &mut sources {
            let stem = source.path.strip_suffix(".rs").unwrap_or(&source.path);
            source.all_test |= stem
                .match_indices('/')
                .map(|(end, _)| &stem[..end])
                .chain([stem])
                .any(|part| test_files.contains(part));
        }
        Ok(Self { files, sources, graph: Graph::default() })
    }

    /// The number of the first line of a file that fits; 1 if there is none.
    pub(crate) fn line_of(&self, path: &str, fits: impl Fn(&str) -> bool) -> usize {
        let file = self.files.iter().find(|file| file.path == path);
        file.and_then(|file| file.text.lines().position(fits)).map_or(1, |index| index + 1)
    }

    #[cfg(test)]
    pub(crate) fn sample(files: &[(&str, &str)]) -> Self {
        Self::of(
            files
                .iter()
                .map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() })
                .collect(),
        )
        .unwrap()
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() && !SKIPPED.contains(&name.as_str()) {
            // What is not text has no rules.
            if let Ok(text) = String::from_utf8(fs::read(entry.path())?) {
                files.push(File { path, text });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_test_module_is_test_code() {
        let tree = Tree::sample(&[
            ("crates/a/src/lib.rs", "mod b; #[cfg(test)] mod probe;"),
            ("crates/a/src/b.rs", "#[cfg(test)] mod cases;"),
            ("crates/a/src/b/cases.rs", ""),
            ("crates/a/src/probe/deep.rs", ""),
            ("crates/a/tests/c.rs", ""),
        ]);
        let test: Vec<bool> = tree.sources.iter().map(|source| source.all_test).collect();
        assert_eq!(test, [false, false, true, true, true]);
    }
}
