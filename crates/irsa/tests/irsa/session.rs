//! What STS is asked for beyond the role.

use std::time::Duration;

use s3_credential_core::{ErrorKind, RoleHop, SessionSettings};
use s3_credential_irsa::{IrsaSettings, IrsaSource};

use crate::{Driver, assert_reports, at_level, jwt, provided};

const NAME: &str = "AWS_ROLE_SESSION_NAME";

fn named(name: &str) -> IrsaSettings {
    IrsaSettings {
        session: SessionSettings { name: Some(name.to_owned()), ..Default::default() },
        ..Default::default()
    }
}

fn second_hop() -> RoleHop {
    RoleHop {
        role_arn: "arn:aws:iam::444455556666:role/data".parse().unwrap(),
        external_id: Some("team-7".to_owned()),
        session_name: None,
        duration: Some(Duration::from_mins(30)),
        tags: vec![("team".to_owned(), "seven".to_owned())],
    }
}

#[tokio::test]
async fn the_session_name_is_the_settings_and_else_the_variables() {
    let mut driver = Driver::with_token(&jwt());
    assert_eq!(driver.identity().await.session.name, None);
    driver.environment = driver.environment.with(NAME, "from-environment");
    assert_eq!(driver.identity().await.session.name.as_deref(), Some("from-environment"));
    let identity = provided(&driver.source(named("from-settings")), &at_level("driver")).await;
    assert_eq!(identity.session.name.as_deref(), Some("from-settings"));
    assert!(identity.can_be_delegated(), "Mountpoint knows a session name");
}

#[tokio::test]
async fn a_session_name_that_sts_would_refuse_is_reported_by_its_variable() {
    let mut driver = Driver::with_token(&jwt());
    driver.environment = driver.environment.with(NAME, "no spaces");
    assert_reports(&driver.failure().await, ErrorKind::Misconfigured, &[NAME, "session name"]);
}

#[tokio::test]
async fn settings_are_handed_over_as_they_are() {
    let settings = IrsaSettings {
        session: SessionSettings {
            duration: Some(Duration::from_mins(45)),
            policy: Some(r#"{"Version":"2012-10-17"}"#.to_owned()),
            policy_arns: vec!["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess".to_owned()],
            ..Default::default()
        },
        second_hop: Some(second_hop()),
        ..Default::default()
    };
    let driver = Driver::with_token(&jwt());
    let identity = provided(&driver.source(settings.clone()), &at_level("driver")).await;
    assert_eq!(identity.session, settings.session);
    assert_eq!(identity.second_hop, settings.second_hop);
    assert!(!identity.can_be_delegated());
}

#[test]
fn settings_that_sts_would_refuse_are_refused_at_construction() {
    let driver = Driver::new();
    let session = |session| IrsaSettings { session, ..Default::default() };
    let too_long = Some(Duration::from_hours(2));
    for settings in [
        named("no spaces"),
        session(SessionSettings { duration: Some(Duration::from_secs(899)), ..Default::default() }),
        session(SessionSettings { policy: Some("allow all".to_owned()), ..Default::default() }),
        session(SessionSettings { policy_arns: vec!["all".to_owned()], ..Default::default() }),
        IrsaSettings {
            second_hop: Some(RoleHop { duration: too_long, ..second_hop() }),
            ..Default::default()
        },
    ] {
        let result = IrsaSource::new(driver.environment.clone(), driver.clock.clone(), settings);
        assert_reports(&result.unwrap_err(), ErrorKind::Misconfigured, &["configuration"]);
    }
}
