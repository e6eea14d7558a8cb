//! What the endpoint shows of what it serves.

use s3_credential_core::ErrorKind;
use s3_credential_testkit::log::CapturedLog;

use crate::support::Site;

#[tokio::test(flavor = "current_thread")]
async fn no_level_of_the_log_and_no_debug_shows_a_token_or_keys() {
    let log = CapturedLog::start();

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
    shown.push_str(&log.text());
    assert!(shown.contains("refuses a request") && shown.contains("has no keys"), "{shown}");
    assert!(!shown.contains(volume.token.expose()), "{shown}");
    assert!(!shown.contains("canary-secret") && !shown.contains("canary-session"), "{shown}");
}
