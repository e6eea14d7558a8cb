//! The whole life of a volume, with each source and delivery.

use s3_credential_core::{CleanupContext, Delivery, MountKind};
use s3_credential_provider::{Provided, Provider, ProviderBuilder};

use crate::record::Record;
use crate::world::{By, World, unpublish};

const DELIVERIES: [Option<Delivery>; 4] =
    [None, Some(Delivery::Profile), Some(Delivery::Environment), Some(Delivery::Endpoint)];

/// Publishes, publishes again, asks for all there is to know, and cleans up; says how many
/// publishes succeeded.
pub(crate) async fn live(
    record: &mut Record,
    world: &World,
    by: By,
    builder: ProviderBuilder,
    kind: MountKind,
) -> usize {
    record.show(&builder);
    let provider = builder.build().unwrap();
    let mut events = provider.events();
    let _fresh = provider.keep_fresh();
    let mut published = 0;
    for _ in 0..2 {
        let request = world.request(by);
        record.show(&request);
        let context = match provider.context(request, world.target().with_kind(kind)) {
            Ok(context) => context,
            Err(error) => {
                record.show_error(&error);
                continue;
            }
        };
        record.show(&context);
        match provider.provide(&context).await {
            Ok(provided) => {
                assert_eq!(provided.identity.source.as_deref(), Some(by.source()));
                show(record, &provided);
                published += 1;
            }
            Err(error) => record.show_error(&error),
        }
        match provider.explain(&context).await {
            Ok(explained) => {
                record.show(&explained);
                show(record, &explained.provided);
            }
            Err(error) => record.show_error(&error),
        }
        match provider.credentials(&context).await {
            Ok(keys) => record.show(&keys),
            Err(error) => record.show_error(&error),
        }
        record.show(&provider.region(&context).await);
        record.show(&(provider.sdk_credentials(&context), provider.sdk_region(&context)));
        record.show(&provider.leases());
        record.show(&provider);
        remembered(record, world, &provider);
    }
    let cleanup =
        CleanupContext::from_unpublish_request(&unpublish(), world.path("write"), None).unwrap();
    record.show(&cleanup);
    match provider.cleanup(&cleanup).await {
        Ok(cleaned) => record.show(&cleaned),
        Err(error) => record.show_error(&error),
    }
    while let Ok(event) = events.try_recv() {
        record.show(&event);
    }
    published
}

fn show(record: &mut Record, provided: &Provided) {
    record.show(provided);
    record.attempts(&provided.attempts);
    record.attempts(&provided.region_attempts);
}

/// The journal, but not what an endpoint's lease resumes from, which is keys.
fn remembered(record: &mut Record, world: &World, provider: &Provider) {
    let serves = provider.leases().iter().any(|lease| format!("{lease:?}").contains("Endpoint"));
    if !serves {
        record.files(&world.path("state"));
    }
}

#[tokio::test]
async fn no_secret_is_seen_while_a_volume_lives() {
    let world = World::start().await;
    let mut record = Record::start();
    for by in By::ALL {
        for delivery in DELIVERIES {
            let mut builder = world.builder(by).await;
            if let Some(delivery) = delivery {
                builder = builder.delivery(delivery);
            }
            let published = live(&mut record, &world, by, builder, by.kind(delivery)).await;
            assert!(published == 2 || delivery.is_some(), "{by:?} {delivery:?}");
        }
    }
    let log = record.log();
    for expected in ["s3_credential_provider", "credentials provided", "TRACE"] {
        assert!(log.contains(expected), "the log is captured: {expected}");
    }
    record.assert_silent(world.secrets());
}
