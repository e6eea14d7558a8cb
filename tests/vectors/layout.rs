//! The layouts of a volume's files in the Go driver and in ours: the same files under two names.
//!
//! Everything recorded is moved into our layout before it is compared, so that a difference of
//! names is never one of content.

use std::collections::BTreeSet;

use s3_credential_core::{PROFILE_NAME, file_names};
use s3_credential_delivery::directory_name;

use crate::case::{Cleanup, Input, Provide};
use crate::tree::{Content, Node};

/// The endings that the Go driver appends to a lease's name, each with our name in the lease's
/// directory. A suffix of another ending comes after it.
const FILES: [(&str, &str); 4] = [
    ("-eks-pod-identity.token", file_names::POD_IDENTITY_TOKEN),
    (".token", file_names::TOKEN),
    ("-s3-csi-config", file_names::CONFIG),
    ("-s3-csi-credentials", file_names::CREDENTIALS),
];

/// The files that it has once for all volumes of a write path, where we have one for each.
const SHARED: [(&str, &str); 4] = [
    ("token", file_names::TOKEN),
    ("eks-pod-identity-token", file_names::POD_IDENTITY_TOKEN),
    ("disable-config", file_names::NO_CONFIG),
    ("disable-credentials", file_names::NO_CREDENTIALS),
];

/// A volume of a pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lease {
    pub(crate) pod: String,
    pub(crate) volume: String,
}

impl Lease {
    fn new(pod: &str, volume: &str) -> Self {
        Self { pod: pod.to_owned(), volume: volume.to_owned() }
    }

    /// Not injective: a difference of ours.
    pub(crate) fn go_id(&self) -> String {
        let escape = |part: &str| part.replace('/', "~");
        format!("{}-{}", escape(&self.pod), escape(&self.volume))
    }

    /// The names of all files that the Go driver may make for it alone.
    pub(crate) fn go_names(&self) -> impl Iterator<Item = String> {
        let id = self.go_id();
        FILES.into_iter().map(move |(ending, _)| format!("{id}{ending}"))
    }

    pub(crate) fn directory(&self) -> String {
        directory_name(Some(self.pod.as_str()).filter(|pod| !pod.is_empty()), &self.volume)
    }

    pub(crate) fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.directory())
    }

    /// Returns whether a path under the write path is in this lease's directory.
    pub(crate) fn owns(&self, path: &str) -> bool {
        path.strip_prefix(&self.directory()).is_some_and(|rest| rest.starts_with('/'))
    }

    fn place(&self, go_name: &str) -> Option<String> {
        let ending = go_name.strip_prefix(&self.go_id())?;
        FILES.iter().find(|(go, _)| *go == ending).map(|(_, ours)| self.path(ours))
    }
}

impl From<&Provide> for Lease {
    fn from(provide: &Provide) -> Self {
        Self::new(provide.pod(), &provide.volume)
    }
}

impl From<&Cleanup> for Lease {
    fn from(cleanup: &Cleanup) -> Self {
        Self::new(&cleanup.pod, &cleanup.volume)
    }
}

/// The leases of one case.
#[derive(Debug)]
pub(crate) struct Layout {
    leases: Vec<Lease>,
    /// Places that a volume's own files have from the beginning.
    taken: BTreeSet<String>,
}

impl Layout {
    pub(crate) fn of(input: &Input) -> Self {
        let steps = input.steps();
        let provided = steps.iter().filter_map(|step| Some(step.provide.as_ref()?.into()));
        let cleaned = steps.iter().filter_map(|step| Some(step.cleanup.as_ref()?.into()));
        let mut leases: Vec<Lease> = provided.chain(cleaned).collect();
        leases.dedup();
        let mut layout = Self { leases, taken: BTreeSet::new() };
        let names =
            input.files.keys().filter_map(|path| path.strip_prefix("write/")?.split('/').next());
        layout.taken = names.filter_map(|name| layout.literal(name)).collect();
        layout
    }

    pub(crate) fn first(&self) -> &Lease {
        &self.leases[0]
    }

    /// Returns our path of the file that the Go driver has made at this path under the write path,
    /// in a step for `current`.
    pub(crate) fn relocate(&self, path: &str, current: &Lease) -> String {
        let leases = [current].into_iter().chain(&self.leases);
        self.moved(path, current, |name| {
            leases.clone().find_map(|lease| lease.place(name)).or_else(|| self.literal(name))
        })
    }

    /// Returns the initial path of a file with the name of one of the Go driver's.
    pub(crate) fn seed(&self, path: &str) -> String {
        self.moved(path, self.first(), |name| self.literal(name))
    }

    /// By its first component; a stranger stays where it is.
    fn moved(&self, path: &str, current: &Lease, find: impl Fn(&str) -> Option<String>) -> String {
        let (name, rest) = match path.split_once('/') {
            Some((name, rest)) => (name, format!("/{rest}")),
            None => (path, String::new()),
        };
        let shared = || {
            let (_, ours) = SHARED.iter().find(|(go, _)| *go == name)?;
            let place = current.path(ours);
            let is_taken = self.taken.contains(&place);
            Some(if is_taken { current.path(&format!("shared-{ours}")) } else { place })
        };
        let temporary = || {
            let is_temporary = name.contains("token.tmp-")
                || name.strip_prefix('.').is_some_and(|name| name.starts_with(&current.go_id()));
            is_temporary.then(|| current.path(name))
        };
        let place = find(name).or_else(shared).or_else(temporary);
        format!("{}{rest}", place.as_deref().unwrap_or(name))
    }

    /// Reads a name as that of a volume spelled just so, of a pod of this case.
    fn literal(&self, name: &str) -> Option<String> {
        let (stem, ours) =
            FILES.iter().find_map(|(go, ours)| Some((name.strip_suffix(go)?, *ours)))?;
        self.leases.iter().find_map(|lease| {
            let volume = stem.strip_prefix(lease.pod.as_str())?.strip_prefix('-')?;
            Some(Lease::new(&lease.pod, volume).path(ours))
        })
    }

    /// Returns the file with the content of its new place: profiles have one name.
    pub(crate) fn rename(&self, node: Node, current: &Lease) -> Node {
        let Node::File { content, mode } = node else { return node };
        let names = [current]
            .into_iter()
            .chain(&self.leases)
            .map(|lease| format!("{}-s3-csi]", lease.go_id()));
        let content = match content {
            Content::Bytes(bytes) => Content::Bytes(match String::from_utf8(bytes) {
                Ok(text) => names
                    .into_iter()
                    .find(|name| text.contains(name))
                    .map_or(text.clone(), |name| {
                        text.replacen(&name, &format!("{PROFILE_NAME}]"), 1)
                    })
                    .into_bytes(),
                Err(raw) => raw.into_bytes(),
            }),
            Content::Digest { length, sha256, .. } => Content::Digest {
                length,
                sha256,
                profile: Some(format!("{}-s3-csi", current.go_id())),
            },
        };
        Node::File { content, mode }
    }
}
