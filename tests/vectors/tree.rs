//! Directories as values.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use ring::digest::{SHA256, digest};
use s3_credential_core::PROFILE_NAME;

use crate::case::Entry;

/// By path, from the directory on.
pub(crate) type Tree = BTreeMap<String, Node>;

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Node {
    File { content: Content, mode: u32 },
    Directory { mode: u32 },
    Link { target: String },
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    /// The digest of a long recorded file; `profile` is the name of a profile in it.
    Digest {
        length: usize,
        sha256: String,
        profile: Option<String>,
    },
}

impl Content {
    /// Returns whether a file of ours with these bytes is the recorded one.
    fn is(&self, ours: &[u8]) -> bool {
        match self {
            Self::Bytes(bytes) => bytes == ours,
            Self::Digest { length, sha256, profile } => {
                let named = profile.as_ref().map(|profile| {
                    let ours = String::from_utf8_lossy(ours);
                    ours.replacen(&format!("[{PROFILE_NAME}]"), &format!("[{profile}]"), 1)
                });
                let matches = |bytes: &[u8]| {
                    let hash = digest(&SHA256, bytes);
                    let hash: String =
                        hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
                    bytes.len() == *length && hash == *sha256
                };
                matches(ours) || named.is_some_and(|named| matches(named.as_bytes()))
            }
        }
    }
}

impl Node {
    pub(crate) fn file(content: impl Into<Vec<u8>>, mode: u32) -> Self {
        Self::File { content: Content::Bytes(content.into()), mode }
    }

    /// Returns whether ours is the expected one.
    pub(crate) fn is(&self, ours: &Self) -> bool {
        match (self, ours) {
            (
                Self::File { content, mode },
                Self::File { content: Content::Bytes(ours), mode: our_mode },
            ) => mode == our_mode && content.is(ours),
            _ => self == ours,
        }
    }
}

impl From<&Entry> for Node {
    fn from(entry: &Entry) -> Self {
        let mode = entry.mode().unwrap_or(0o600);
        match entry.kind.as_deref() {
            Some("dir") => Self::Directory { mode },
            Some("symlink") => Self::Link { target: entry.target.clone().unwrap() },
            Some("absent") => panic!("what is absent is no node"),
            _ => Self::File {
                content: match (entry.bytes(), entry.length, &entry.sha256) {
                    (Some(bytes), ..) => Content::Bytes(bytes),
                    (None, Some(length), Some(sha256)) => {
                        Content::Digest { length, sha256: sha256.clone(), profile: None }
                    }
                    _ => panic!("a file without content"),
                },
                mode,
            },
        }
    }
}

/// Returns the tree below a directory, without following links.
pub(crate) fn snapshot(directory: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = metadata.mode() & 0o7777;
            let node = if metadata.is_dir() {
                directories.push(path.clone());
                Node::Directory { mode }
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                Node::Link { target: target.to_str().unwrap().to_owned() }
            } else {
                Node::file(fs::read(&path).unwrap(), mode)
            };
            let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            tree.insert(name, node);
        }
    }
    tree
}

/// Returns the difference, for a message.
pub(crate) fn difference(expected: &Tree, ours: &Tree) -> Option<String> {
    let missing = expected
        .iter()
        .filter(|(path, node)| !ours.get(*path).is_some_and(|ours| node.is(ours)))
        .map(|(path, node)| format!("expected {path:?} = {node:?}, is {:?}", ours.get(path)));
    let extra = ours
        .keys()
        .filter(|path| !expected.contains_key(*path))
        .map(|path| format!("unexpected {path:?} = {:?}", ours[path]));
    let all: Vec<String> = missing.chain(extra).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { content: Content::Bytes(bytes), mode } => {
                write!(f, "{mode:o} \"{:.80}\"", bytes.escape_ascii().to_string())
            }
            Self::File { content: Content::Digest { length, .. }, mode } => {
                write!(f, "{mode:o} {length} bytes")
            }
            Self::Directory { mode } => write!(f, "directory {mode:o}"),
            Self::Link { target } => write!(f, "link to {target:?}"),
        }
    }
}
