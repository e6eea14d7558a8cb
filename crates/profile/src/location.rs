//! The profile that the driver's environment chooses, and its files.

use std::path::{Path, PathBuf};

use s3_credential_core::{Environment, ErrorKind, Failure, Secret, names};
use s3_credential_files::{FileError, read};

/// More than any profile file holds.
const MAX_LEN: usize = 1 << 20;

/// The value that operators and the SDKs use for "no file".
const NO_FILE: &str = "/dev/null";

/// The profile that the environment chooses.
#[derive(Debug)]
pub(crate) struct Location {
    /// The name of the profile; `default` unless `AWS_PROFILE` is set.
    pub(crate) name: Option<String>,
    pub(crate) config: ProfileFile,
    pub(crate) credentials: ProfileFile,
}

/// One of the two files.
#[derive(Debug)]
pub(crate) struct ProfileFile {
    /// The variable that names the file.
    pub(crate) variable: &'static str,
    path: Option<PathBuf>,
    /// Whether the variable names it. A file at its default place may be missing.
    is_named: bool,
}

impl Location {
    /// Returns the profile of this environment. `None` if no variable configures one.
    pub(crate) fn from_environment(environment: &Environment) -> Option<Self> {
        let variables =
            [names::AWS_PROFILE, names::AWS_CONFIG_FILE, names::AWS_SHARED_CREDENTIALS_FILE];
        let is_set = |name: &str| environment.get(name).is_some_and(|value| value != NO_FILE);
        variables.into_iter().any(is_set).then(|| Self {
            name: environment.get(names::AWS_PROFILE).map(str::to_owned),
            config: ProfileFile::new(names::AWS_CONFIG_FILE, "config", environment),
            credentials: ProfileFile::new(
                names::AWS_SHARED_CREDENTIALS_FILE,
                "credentials",
                environment,
            ),
        })
    }

    /// Returns the paths of the files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.config, &self.credentials].into_iter().filter_map(|file| file.path.as_deref())
    }
}

impl ProfileFile {
    fn new(variable: &'static str, default_name: &str, environment: &Environment) -> Self {
        let named = environment.get(variable);
        let path = match named {
            Some(NO_FILE) => None,
            Some(path) => Some(PathBuf::from(path)),
            None => {
                environment.get("HOME").map(|home| Path::new(home).join(".aws").join(default_name))
            }
        };
        Self { variable, path, is_named: named.is_some() }
    }

    /// Reads the text of the file. `None` if there is no such file and no variable names one.
    pub(crate) fn read(&self) -> Result<Option<Secret>, Failure> {
        let Some(path) = &self.path else { return Ok(None) };
        match read(path, MAX_LEN) {
            Ok(text) => Ok(Some(text)),
            Err(FileError::Missing) if !self.is_named => Ok(None),
            Err(error) => Err(self.unreadable(path, error)),
        }
    }

    fn unreadable(&self, path: &Path, error: FileError) -> Failure {
        let variable = self.variable;
        // On one line, whatever the path.
        let path = path.to_string_lossy();
        let what = if self.is_named {
            format!("the file {path:?} of {variable}")
        } else {
            format!("the file {path:?}, the default of {variable},")
        };
        error.failure(ErrorKind::Misconfigured, &what).with_help(format!(
            "set {variable} to a file that the driver may read, or to /dev/null if there is none"
        ))
    }
}
