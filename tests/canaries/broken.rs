//! Services that answer with something else than they should, with the keys in it.

use s3_credential_core::{Delivery, MountKind};
use s3_credential_testkit::server::{ANY, Fault, Server};

use crate::record::Record;
use crate::runs::live;
use crate::world::{By, CANARY, World};

fn faults() -> Vec<Fault> {
    let json = format!(r#"{{"SecretAccessKey":"{CANARY}answer","Token":{{"#);
    let xml = format!("<SecretAccessKey>{CANARY}answer</Secret");
    let cut = |body: String| body[..body.len() - body.len().min(40)].to_owned();
    let renamed = |body: String| body.replace("xpiration", "xpiry").replace("etadata", "etaData");
    let mut faults = vec![
        Fault::rewrite(cut),
        Fault::rewrite(renamed),
        Fault::rewrite(|body| body.replace(['"', '/'], "")),
        Fault::rewrite(|body| format!("{body}{body}")),
        Fault::half_answer(),
    ];
    for status in [200, 400, 403, 404, 500] {
        faults.extend([Fault::status(status, json.clone()), Fault::status(status, xml.clone())]);
    }
    faults
}

/// A volume's life with each fault of one service, which must have been asked for the fault to
/// count.
async fn meet(by: By, service: impl Fn(&World) -> &Server) {
    let world = World::start().await;
    let mut record = Record::start();
    let mut failed = 0;
    for fault in faults() {
        let asked = service(&world).requests().len();
        service(&world).faults().always(ANY, fault.clone());
        let builder = world.builder(by).await.delivery(Delivery::Profile);
        failed += 2 - live(&mut record, &world, by, builder, MountKind::Pod).await;
        service(&world).faults().clear_all();
        assert!(service(&world).requests().len() > asked, "{by:?} meets {fault:?}");
    }
    // Half of an answer, or two of them, can be as good as one.
    assert!(failed >= 2 * faults().len() - 6, "{by:?}: the faults are faults: {failed}");
    record.assert_silent(world.secrets());
}

#[tokio::test]
async fn no_secret_is_seen_of_a_malformed_answer_of_sts() {
    meet(By::PodToken, |world| &world.sts).await;
}

#[tokio::test]
async fn no_secret_is_seen_of_a_malformed_answer_of_imds() {
    meet(By::Imds, |world| &world.imds).await;
}

#[tokio::test]
async fn no_secret_is_seen_of_a_malformed_answer_of_the_agent() {
    meet(By::PodIdentity, |world| &world.agent).await;
}

#[tokio::test]
async fn no_secret_is_seen_of_a_malformed_answer_of_the_kubernetes_api() {
    meet(By::SecretWatch, |world| &world.kubernetes).await;
}

#[tokio::test]
async fn no_secret_is_seen_where_no_role_is_found() {
    meet(By::PodToken, |world| &world.kubernetes).await;
}
