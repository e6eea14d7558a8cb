use futures::future::join_all;
use s3_credential_core::{ErrorKind, RegionResolver as _};
use s3_credential_imds::{ImdsRegion, ImdsSettings};
use s3_credential_testkit::server::Fault;

use crate::fixture::{HeldTime, SECOND, assert_kind, failure, instance, not_applicable, volume};

#[tokio::test]
async fn the_region_is_asked_for_once_and_known_for_ever() {
    let instance = instance().await;
    let resolver = ImdsRegion::new(instance.imds());
    assert_eq!(resolver.name(), "imds");
    for _ in 0..3 {
        let region = resolver.resolve(&volume()).await.unwrap();
        assert_eq!(region.as_str(), "eu-north-1");
    }
    instance.emulator.stop().await;
    resolver.clone().resolve(&volume()).await.unwrap();
    assert_eq!(instance.emulator.calls().of("GetRegion"), 1);
}

#[tokio::test]
async fn a_failed_look_up_is_not_remembered() {
    let instance = instance().await;
    let resolver = ImdsRegion::new(instance.imds());
    instance.emulator.faults().times("GetRegion", 3, Fault::status(500, ""));
    let failure = failure(resolver.resolve(&volume()).await.unwrap_err());
    assert_kind(&failure, ErrorKind::Unavailable);

    instance.emulator.stop().await;
    let (reason, ..) = not_applicable(resolver.resolve(&volume()).await.unwrap_err());
    assert!(reason.contains("refuses"), "{reason}");

    instance.emulator.restart().await.unwrap();
    resolver.resolve(&volume()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn silence_is_not_remembered_for_ever() {
    let time = HeldTime::new();
    let instance = instance().await;
    instance.emulator.set_hop_limit_reached(true);
    let resolver = ImdsRegion::new(instance.imds_with(ImdsSettings::default()));
    let context = volume();
    let (answer, ()) = tokio::join!(resolver.resolve(&context), async {
        instance.emulator.called("GetToken", 1).await;
        time.pass(SECOND).await;
    });
    let (reason, help, timed_out) = not_applicable(answer.unwrap_err());
    assert!(reason.contains("hop limit"), "{reason}");
    assert!(help.contains("AWS_REGION"), "{help}");
    assert!(timed_out);

    instance.emulator.set_hop_limit_reached(false);
    time.pass(5 * SECOND).await;
    resolver.resolve(&context).await.unwrap();
}

#[tokio::test]
async fn a_thousand_callers_share_one_look_up() {
    let instance = instance().await;
    let resolver = ImdsRegion::new(instance.imds());
    let context = volume();
    let answers = join_all((0..1000).map(|_| resolver.resolve(&context))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(instance.emulator.calls().of("GetRegion"), 1);
}

#[tokio::test]
async fn a_thousand_callers_share_one_failure() {
    let instance = instance().await;
    let resolver = ImdsRegion::new(instance.imds_with(
        ImdsSettings::default().with_operation_timeout(60 * SECOND).with_max_attempts(1),
    ));
    instance.emulator.faults().always("GetRegion", Fault::status(500, ""));
    let context = volume();
    let answers = join_all((0..1000).map(|_| resolver.resolve(&context))).await;
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(instance.emulator.calls().of("GetRegion"), 1);
}

#[tokio::test]
async fn what_is_no_region_is_a_fault_of_imds() {
    let instance = instance().await;
    let resolver = ImdsRegion::new(instance.imds());
    for answer in ["eu-north-1a", "canary/evil", "Canary evil"] {
        instance.emulator.faults().times("GetRegion", 1, Fault::status(200, answer));
        let failure = failure(resolver.resolve(&volume()).await.unwrap_err());
        assert_kind(&failure, ErrorKind::Unavailable);
        assert!(!format!("{failure:?}").contains("anary"), "{failure:?}");
    }
    instance.emulator.faults().once("GetRegion", Fault::status(404, ""));
    let (reason, help, _) = not_applicable(resolver.resolve(&volume()).await.unwrap_err());
    assert!(reason.contains("returns no region"), "{reason}");
    assert!(help.contains("AWS_REGION"), "{help}");
    resolver.resolve(&volume()).await.unwrap();
}
