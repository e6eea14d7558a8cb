//! Captured logs, for tests that search them.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Subscriber;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Every event and span of this thread, of every crate and at every level, until it is dropped.
///
/// ```
/// use s3_credential_testkit::log::CapturedLog;
///
/// let log = CapturedLog::start();
/// tracing::trace!(volume = "photos", "published");
/// assert!(log.text().contains("published"));
/// assert!(!log.text().contains("secret"));
/// ```
#[derive(Debug)]
pub struct CapturedLog {
    buffer: LogBuffer,
    _capture: DefaultGuard,
}

impl CapturedLog {
    /// Starts to capture, in place of the current subscriber.
    #[must_use = "it listens until it is dropped"]
    pub fn start() -> Self {
        let buffer = LogBuffer::default();
        let capture = tracing::subscriber::set_default(buffer.subscriber());
        Self { buffer, _capture: capture }
    }

    /// Returns what was logged so far.
    pub fn text(&self) -> String {
        self.buffer.text()
    }
}

/// A buffer for the lines of a subscriber. Clones share the content.
#[derive(Clone, Default)]
pub struct LogBuffer(Arc<Mutex<Vec<u8>>>);

impl LogBuffer {
    /// Writes all there is into this buffer. To be set for the whole process where other threads
    /// log too.
    pub fn subscriber(&self) -> impl Subscriber + Send + Sync + 'static {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(self.clone())
            .finish()
    }

    /// Returns what was written so far.
    pub fn text(&self) -> String {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&written).into_owned()
    }
}

impl io::Write for LogBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogBuffer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Shows the length only: a captured log may itself be shown in one.
impl fmt::Debug for LogBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "LogBuffer({} bytes)", written.len())
    }
}
