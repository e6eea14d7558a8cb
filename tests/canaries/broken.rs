//! Services that answer with something else than they should, with the keys in it.

use s3_credential_core::{Delivery, MountKind};
use s3_credential_testkit::server::{ANY, Fault};

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

#[tokio::test]
async fn nothing_secret_is_seen_of_an_answer_that_is_malformed() {
    let world = World::start().await;
    let mut record = Record::start();
    let mut failed = 0;
    for by in [By::PodToken, By::PodIdentity, By::Imds, By::SecretWatch] {
        for fault in faults() {
            for server in world.servers() {
                server.faults().always(ANY, fault.clone());
            }
            let builder = world.builder(by).await.delivery(Delivery::Profile);
            failed += 2 - live(&mut record, &world, by, builder, MountKind::Pod).await;
            for server in world.servers() {
                server.faults().clear_all();
            }
        }
    }
    assert!(failed > 40, "the faults were met: {failed}");
    record.assert_silent(world.secrets());
}
