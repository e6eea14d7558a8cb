//! Several files of one directory, all of one generation.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use rustix::fs::{CWD, OFlags};
use s3_credential_core::Secret;

use crate::error::{DirectoryError, FileError};
use crate::file::{open_at, read_at};
use crate::stamp::Stamp;

/// The link that the kubelet swaps: the files of a mounted volume are links to `..data/<name>`, and
/// `..data` leads to the directory of the generation (Kubernetes,
/// `pkg/volume/util/atomic_writer.go`).
const GENERATION: &str = "..data";

/// The most attempts of a read before it gives up. A swap takes microseconds and comes once a
/// minute at most.
const ATTEMPTS: usize = 5;

/// Those of the named files that are in the directory, each of at most `limit` bytes. A name is a
/// plain file name, no path.
///
/// All are of one generation: `..data` is resolved once, and the read starts again if it is swapped
/// in between. A directory without `..data` is read directly, and again if a file comes or goes
/// meanwhile.
pub fn read_directory<'a>(
    directory: impl AsRef<Path>,
    names: impl IntoIterator<Item = &'a str>,
    limit: usize,
) -> Result<BTreeMap<String, Secret>, DirectoryError<'a>> {
    let names: Vec<&str> = names.into_iter().collect();
    for _ in 0..ATTEMPTS {
        let generation = Generation::open(directory.as_ref())?;
        let files = generation.read(&names, limit);
        if generation.is_current(directory.as_ref()) {
            return files;
        }
    }
    Err(FileError::Changing.into())
}

struct Generation {
    directory: File,
    stamp: Stamp,
}

impl Generation {
    fn open(directory: &Path) -> Result<Self, FileError> {
        let opened = match open_at(CWD, &directory.join(GENERATION), OFlags::DIRECTORY) {
            Err(FileError::Missing) => open_at(CWD, directory, OFlags::DIRECTORY)?,
            opened => opened?,
        };
        let directory = File::from(opened);
        let stamp = Stamp::from(&directory.metadata()?);
        Ok(Self { directory, stamp })
    }

    fn read<'a>(
        &self,
        names: &[&'a str],
        limit: usize,
    ) -> Result<BTreeMap<String, Secret>, DirectoryError<'a>> {
        let mut files = BTreeMap::new();
        for &name in names {
            match read_at(&self.directory, Path::new(name), limit) {
                Ok(text) => files.insert(name.to_owned(), text),
                Err(FileError::Missing) => None,
                Err(error) => return Err(DirectoryError { file: Some(name), error }),
            };
        }
        Ok(files)
    }

    fn is_current(&self, directory: &Path) -> bool {
        let now = Stamp::of(&directory.join(GENERATION)).or_else(|| Stamp::of(directory));
        now == Some(self.stamp)
    }
}
