//! No secret of a request or of a source is in the log, in an answer or in a record.

use s3_credential_testkit::log::LogBuffer;

use crate::world::{CANARY, World, request};

#[tokio::test]
async fn no_secret_is_logged_answered_or_recorded() {
    let log = LogBuffer::default();
    // For the whole process: which lines a thread logs must not depend on what other tests do at
    // the same time.
    tracing::subscriber::set_global_default(log.subscriber()).unwrap();

    let world = World::new();
    let service = world.start().await;
    let target = world.target("uid");
    let mut call = request("v", &target);
    call.secrets.insert("access_key".to_owned(), format!("{CANARY}-secret"));
    let tokens = format!("{{\"sts.amazonaws.com\":{{\"token\":\"{CANARY}-token\"}}}}");
    call.volume_context.insert("csi.storage.k8s.io/serviceAccount.tokens".to_owned(), tokens);
    service.publish(call.clone()).await.unwrap();
    for level in ["pod", "secret"] {
        let mut bad = call.clone();
        bad.target_path = world.target(level);
        bad.volume_id = level.to_owned();
        bad.volume_context.insert("authenticationSource".to_owned(), level.to_owned());
        let status = service.publish(bad).await.unwrap_err();
        assert!(!status.message().contains(CANARY), "{}", status.message());
    }
    for record in std::fs::read_dir(world.path("state/.volumes")).unwrap() {
        let text = std::fs::read_to_string(record.unwrap().path()).unwrap();
        assert!(!text.contains(CANARY), "{text}");
    }
    service.unpublish("v", &target).await.unwrap();
    assert!(log.text().contains("volume published"));
    assert!(!log.text().contains(CANARY), "{}", log.text());
}
