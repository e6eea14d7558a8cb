//! `region`: which one, from which resolver, and what the others said.

use serde_json::json;

use crate::cloud::Cloud;
use crate::driver::Driver;
use crate::requests::publish;
use crate::run::{is_attempt, keys};

#[tokio::test]
async fn the_first_that_knows_one_answers_and_the_rest_is_not_tried() {
    let cloud = Cloud::start().await;
    let order = ["volume-context", "mount-options", "environment", "imds"];
    for first in 0..order.len() {
        let mut request = publish("pod");
        if first == 0 {
            request["volumeContext"]["stsRegion"] = json!("eu-west-1");
        }
        if first <= 1 {
            request["volumeCapability"] = json!({"mount": {"mountFlags": ["--region eu-west-2"]}});
        }
        let mut driver = cloud.driver().with("AWS_DEFAULT_REGION", "");
        if first <= 2 {
            driver =
                driver.with("AWS_REGION", "eu-west-3").with("AWS_DEFAULT_REGION", "eu-central-1");
        }
        let object = driver.ask("region", &request, &["--output", "json"]).await.public_object();
        assert_eq!(keys(&object), ["region", "attempts"].into());
        let region = ["eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"][first];
        assert_eq!(object["region"], json!({"name": region, "resolver": order[first]}));
        let attempts = object["attempts"].as_array().unwrap();
        for (index, (attempt, name)) in attempts.iter().zip(order).enumerate() {
            is_attempt(attempt, "resolver");
            assert_eq!(attempt["resolver"], name);
            let outcome = match index.cmp(&first) {
                std::cmp::Ordering::Less => "not-applicable",
                std::cmp::Ordering::Equal => "provided",
                std::cmp::Ordering::Greater => "not-tried",
            };
            assert_eq!(attempt["outcome"], outcome, "{name}");
        }
        assert_eq!(attempts.len(), order.len());
    }
}

#[tokio::test]
async fn the_drivers_default_region_counts_where_its_region_is_unset() {
    let driver = Driver::new().with("AWS_DEFAULT_REGION", "eu-central-1");
    let run = driver.ask("region", &publish("driver"), &[]).await;
    assert_eq!(run.ok(), "eu-central-1 (from environment)\n");
}

#[tokio::test]
async fn no_region_and_a_wrong_one_are_errors() {
    let json = ["--output", "json"];
    let failure = Driver::new().ask("region", &publish("driver"), &json).await.error();
    failure.is("no-region", "FAILED_PRECONDITION", 3).helps("stsRegion");
    let driver = Driver::new().with("AWS_REGION", "evil.example/");
    let failure = driver.ask("region", &publish("driver"), &json).await.error();
    failure.is("invalid-region", "INVALID_ARGUMENT", 2).says("AWS_REGION").helps("AWS_REGION");
}
