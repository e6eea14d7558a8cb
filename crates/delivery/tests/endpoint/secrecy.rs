//! What the endpoint shows of what it serves.

use std::io;
use std::sync::{Arc, Mutex};

use s3_credential_core::ErrorKind;
use tracing_subscriber::filter::LevelFilter;

use crate::support::Site;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "current_thread")]
async fn no_level_of_the_log_and_no_debug_shows_a_token_or_keys() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);

    let site = Site::new();
    let volume = site.volume("v");
    assert_eq!(site.ask(&volume.request()).await.status, 200);
    let wrong = volume.request().replace("/v HTTP", "/w HTTP");
    assert_eq!(site.ask(&wrong).await.status, 401);
    volume.keys.hold(None);
    volume.keys.upstream(Err(ErrorKind::Unavailable));
    assert_eq!(site.ask(&volume.request()).await.status, 503);

    let mut shown = format!("{:?} {:#?} {:?}", site.endpoint, site.endpoint, site.grants);
    assert!(shown.contains("127.0.0.1") && shown.contains("Grants(1)"), "{shown}");
    site.endpoint.shutdown().await;
    drop(guard);
    shown.push_str(&String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    assert!(shown.contains("refuses a request") && shown.contains("has no keys"), "{shown}");
    assert!(!shown.contains(volume.token.expose()), "{shown}");
    assert!(!shown.contains("canary-secret") && !shown.contains("canary-session"), "{shown}");
}
