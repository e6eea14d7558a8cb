//! Unix sockets of the service: a stale one is replaced, and any other file is left alone.

mod authority;

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tokio_stream::{Stream, StreamExt as _};

use crate::error::CallError;

pub use authority::Connection;

/// A socket that only root connects to.
const MODE: u32 = 0o600;

/// A listening socket. Its file goes with it, unless a newer process has replaced it.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    inode: u64,
    listener: Option<UnixListener>,
}

impl Socket {
    /// Listens at a path.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` if the path is a file that is no socket, or its directory is missing.
    pub fn bind(path: &Path) -> Result<Self, CallError> {
        let refused = |error: io::Error| {
            CallError::new(
                tonic::Code::FailedPrecondition,
                format!(
                    "cannot listen at {}: {error}; make its directory, or name another path",
                    path.display()
                ),
            )
        };
        match fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(path).map_err(refused)?,
            Ok(_) => {
                return Err(refused(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "a file that is no socket is there",
                )));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused(error)),
        }
        let listener = UnixListener::bind(path).map_err(refused)?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE)).map_err(refused)?;
        let inode = fs::symlink_metadata(path).map_err(refused)?.ino();
        Ok(Self { path: path.to_owned(), inode, listener: Some(listener) })
    }

    /// Returns the connections, once.
    pub fn incoming(&mut self) -> io::Result<impl Stream<Item = io::Result<Connection>> + use<>> {
        let listener = self.listener.take().ok_or(io::ErrorKind::AlreadyExists)?;
        Ok(UnixListenerStream::new(listener).map(|accepted| accepted.map(Connection::new)))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Returns the path of `unix:///csi/csi.sock` and its spellings.
pub fn parse_endpoint(endpoint: &str) -> Result<PathBuf, CallError> {
    let path = endpoint
        .strip_prefix("unix://")
        .or_else(|| endpoint.strip_prefix("unix:"))
        .unwrap_or(endpoint);
    if path.starts_with('/') && !path.ends_with('/') {
        return Ok(PathBuf::from(path));
    }
    Err(CallError::invalid(
        "--endpoint is not the path of a unix socket; write unix:///csi/csi.sock",
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a failed expectation stops the test")]

    use super::*;

    #[test]
    fn endpoints_are_paths_in_every_spelling() {
        for endpoint in ["unix:///a/b.sock", "unix:/a/b.sock", "/a/b.sock"] {
            assert_eq!(parse_endpoint(endpoint).unwrap(), PathBuf::from("/a/b.sock"));
        }
        for endpoint in ["", "tcp://127.0.0.1:1", "unix://a", "unix:///a/"] {
            assert!(parse_endpoint(endpoint).is_err(), "{endpoint}");
        }
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_another_file_is_left_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("csi.sock");
        let old = Socket::bind(&path).unwrap();
        let new = Socket::bind(&path).unwrap();
        drop(old);
        assert!(path.exists(), "the newer process's socket stays");
        drop(new);
        assert!(!path.exists());

        fs::write(&path, "precious").unwrap();
        assert!(Socket::bind(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
