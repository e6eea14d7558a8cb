//! Token file and role: both, neither, or half.

use s3_credential_core::{CredentialSource as _, Environment, ErrorKind, SourceError};
use s3_credential_irsa::{IrsaSettings, IrsaSource};

use crate::{Driver, ROLE, assert_reports, at_level, jwt, now, provided};

#[tokio::test]
async fn token_and_role_become_a_web_identity_that_mountpoint_can_exchange() {
    let token = jwt();
    let driver = Driver::with_token(&token);
    let identity = driver.identity().await;
    assert_eq!(identity.token.secret().expose(), token);
    assert_eq!(identity.role_arn.as_str(), ROLE);
    assert_eq!(identity.token.expires_at(), Some(now() + std::time::Duration::from_hours(1)));
    assert_eq!(
        identity.token.subject(),
        Some("system:serviceaccount:kube-system:s3-csi-driver-sa")
    );
    assert!(identity.can_be_delegated());
    assert_eq!(
        driver.source(IrsaSettings::default()).name(),
        s3_credential_core::source_names::IRSA
    );
}

#[tokio::test]
async fn a_driver_without_either_variable_has_no_role_of_its_own() {
    for environment in [
        Environment::default(),
        Environment::default().with("AWS_ROLE_ARN", "").with("AWS_WEB_IDENTITY_TOKEN_FILE", ""),
    ] {
        let driver = Driver { environment, ..Driver::new() };
        let error =
            driver.source(IrsaSettings::default()).provide(&at_level("driver")).await.unwrap_err();
        assert!(error.is_not_applicable());
        assert!(error.to_string().contains("AWS_WEB_IDENTITY_TOKEN_FILE"));
    }
}

#[tokio::test]
async fn half_a_configuration_stops_the_chain_and_names_the_other_half() {
    let mut driver = Driver::with_token(&jwt());
    driver.environment = driver.environment.with("AWS_ROLE_ARN", "");
    assert_reports(&driver.failure().await, ErrorKind::Misconfigured, &["set AWS_ROLE_ARN"]);
    driver.environment = Environment::default().with("AWS_ROLE_ARN", ROLE);
    assert_reports(
        &driver.failure().await,
        ErrorKind::Misconfigured,
        &["set AWS_WEB_IDENTITY_TOKEN_FILE"],
    );
}

#[tokio::test]
async fn a_role_that_cannot_be_one_is_refused_by_its_variable() {
    let mut driver = Driver::with_token(&jwt());
    for arn in ["reader", "arn:aws:iam::111122223333:user/reader", "arn\n"] {
        driver.environment = driver.environment.with("AWS_ROLE_ARN", arn);
        assert_reports(&driver.failure().await, ErrorKind::InvalidRoleArn, &["AWS_ROLE_ARN"]);
    }
}

#[tokio::test]
async fn a_renewal_keeps_the_role_of_its_volume_whatever_the_variable_names() {
    let mut driver = Driver::with_token(&jwt());
    let pinned: s3_credential_core::RoleArn =
        "arn:aws:iam::111122223333:role/pinned".parse().unwrap();
    let context = at_level("driver").with_pinned_role(pinned.clone());
    for own in [ROLE, "broken", ""] {
        driver.environment = driver.environment.with("AWS_ROLE_ARN", own);
        let identity = provided(&driver.source(IrsaSettings::default()), &context).await;
        assert_eq!(identity.role_arn, pinned);
    }
    // A role is no token: without one the source is as absent, or as broken, as before.
    let source =
        IrsaSource::new(Environment::default(), driver.clock, IrsaSettings::default()).unwrap();
    assert!(source.provide(&context).await.unwrap_err().is_not_applicable());
}

#[tokio::test]
async fn no_volume_at_pod_level_gets_the_drivers_role() {
    let driver = Driver::with_token(&jwt());
    let source = driver.source(IrsaSettings::default());
    let error = source.provide(&at_level("pod")).await.unwrap_err();
    assert!(matches!(error, SourceError::NotApplicable(_)));
    assert!(error.to_string().contains("pod level"));
    assert!(source.provide(&at_level("secret")).await.is_ok());
}

#[tokio::test]
async fn no_secret_is_shown_by_debug() {
    let token = jwt();
    let driver = Driver::with_token(&token);
    let source = driver.source(IrsaSettings::default());
    let identity = driver.identity().await;
    let shown = format!("{source:?} {identity:?}");
    for part in token.split('.') {
        assert!(!shown.contains(part));
    }
}
