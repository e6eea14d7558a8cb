use std::net::SocketAddr;
use std::time::Duration;

use aws_config::imds::Client;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_http_client::Builder;
use s3_credential_testkit::imds::Imds;
use s3_credential_testkit::server::Fault;
use tokio::time::timeout;

use crate::http::{Answer, get, send};
use crate::world::{NODE_ROLE, World};

const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";
const REGION: &str = "/latest/meta-data/placement/region";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

async fn put(to: SocketAddr, headers: &[(&str, &str)]) -> Answer {
    send(to, "PUT /latest/api/token", headers, "").await.unwrap()
}

async fn token(imds: &Imds) -> String {
    put(imds.address(), &[(TTL, "21600")]).await.body
}

async fn read(imds: &Imds, path: &str) -> Answer {
    get(imds.address(), path, &[(TOKEN, &token(imds).await)]).await
}

fn client(imds: &Imds) -> Client {
    Client::builder()
        .configure(&ProviderConfig::empty().with_http_client(Builder::new().build_http()))
        .endpoint(imds.url())
        .unwrap()
        .max_attempts(1)
        .build()
}

async fn imds(world: &World) -> Imds {
    let imds = Imds::start(world.iam.clone()).await.unwrap();
    imds.set_role(Some(NODE_ROLE));
    imds
}

#[tokio::test]
async fn the_sdk_reads_region_and_keys_that_work() {
    let world = World::new().await;
    let imds = imds(&world).await;
    imds.set_region("eu-central-1");
    let region = ImdsRegionProvider::builder().configure(&ProviderConfig::empty());
    let region = region.imds_client(client(&imds)).build().region().await;
    assert_eq!(region.unwrap().as_ref(), "eu-central-1");

    let provider = ImdsCredentialsProvider::builder().imds_client(client(&imds)).build();
    let keys = provider.provide_credentials().await.unwrap();
    let issued = world.sts.issued(keys.access_key_id()).unwrap();
    assert_eq!(issued.secret_access_key.expose(), keys.secret_access_key());
    let arn = "arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0";
    assert_eq!(world.who(&issued).await.unwrap().arn(), Some(arn));
    let calls = imds.calls();
    let counts =
        ["GetToken", "GetRegion", "ListRoles", "GetCredentials"].map(|name| calls.of(name));
    assert_eq!(counts, [2, 1, 1, 1]);
}

#[tokio::test]
async fn a_token_needs_a_ttl_from_a_second_to_six_hours() {
    let world = World::new().await;
    let imds = imds(&world).await;
    for refused in
        [vec![], vec![(TTL, "0")], vec![(TTL, "21601")], vec![(TTL, "x")], vec![(TTL, "-1")]]
    {
        assert_eq!(put(imds.address(), &refused).await.status, 400, "{refused:?}");
    }
    for ttl in ["1", "21600"] {
        let answer = put(imds.address(), &[(TTL, ttl)]).await;
        assert_eq!((answer.status, answer.headers[TTL].as_str()), (200, ttl));
        assert!(!answer.body.is_empty());
    }
    assert_eq!(
        put(imds.address(), &[(TTL, "60"), ("x-forwarded-for", "10.0.0.1")]).await.status,
        403
    );
    assert_eq!(get(imds.address(), "/latest/api/token", &[(TTL, "60")]).await.status, 405);
}

#[tokio::test]
async fn no_document_is_read_without_a_valid_token() {
    let world = World::new().await;
    let imds = imds(&world).await;
    assert_eq!(get(imds.address(), REGION, &[]).await.status, 401);
    assert_eq!(get(imds.address(), REGION, &[(TOKEN, "unknown")]).await.status, 401);
    let token = put(imds.address(), &[(TTL, "60")]).await.body;
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(get(imds.address(), REGION, &[(TOKEN, &token)]).await.status, 200);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(get(imds.address(), REGION, &[(TOKEN, &token)]).await.status, 401);
}

#[tokio::test]
async fn version_one_is_allowed_where_the_instance_allows_it() {
    let world = World::new().await;
    let imds = imds(&world).await;
    imds.set_tokens_optional(true);
    assert_eq!(get(imds.address(), REGION, &[]).await.body, "us-east-1");
    assert_eq!(get(imds.address(), REGION, &[(TOKEN, "unknown")]).await.status, 401);
}

#[tokio::test]
async fn forgotten_tokens_are_refused() {
    let world = World::new().await;
    let imds = imds(&world).await;
    let token = token(&imds).await;
    imds.forget_tokens();
    assert_eq!(get(imds.address(), REGION, &[(TOKEN, &token)]).await.status, 401);
}

#[tokio::test]
async fn a_disabled_service_forbids_everything() {
    let world = World::new().await;
    let imds = imds(&world).await;
    let token = token(&imds).await;
    imds.set_enabled(false);
    assert_eq!(put(imds.address(), &[(TTL, "60")]).await.status, 403);
    assert_eq!(get(imds.address(), REGION, &[(TOKEN, &token)]).await.status, 403);
    imds.set_enabled(true);
    assert_eq!(get(imds.address(), REGION, &[(TOKEN, &token)]).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn behind_the_hop_limit_only_the_token_never_comes() {
    let world = World::new().await;
    let imds = imds(&world).await;
    imds.set_hop_limit_reached(true);
    let wait = Duration::from_mins(5);
    assert!(timeout(wait, put(imds.address(), &[(TTL, "60")])).await.is_err());
    assert_eq!(get(imds.address(), REGION, &[]).await.status, 401);
    imds.set_hop_limit_reached(false);
    assert_eq!(put(imds.address(), &[(TTL, "60")]).await.status, 200);
}

#[tokio::test]
async fn an_instance_without_a_role_has_no_list_and_no_keys() {
    let world = World::new().await;
    let imds = imds(&world).await;
    imds.set_role(None);
    assert_eq!(read(&imds, ROLES).await.status, 404);
    assert_eq!(read(&imds, &format!("{ROLES}node")).await.status, 404);
    let provider = ImdsCredentialsProvider::builder().imds_client(client(&imds)).build();
    assert!(provider.provide_credentials().await.is_err());
}

#[tokio::test]
async fn a_role_that_ec2_may_not_assume_is_reported_in_the_document() {
    let world = World::new().await;
    let imds = imds(&world).await;
    let arn = "arn:aws:iam::111122223333:role/strict";
    imds.set_role(Some(arn));
    let answer = read(&imds, &format!("{ROLES}strict")).await;
    assert_eq!(
        (answer.status, answer.json()["Code"].as_str()),
        (200, Some("AssumeRoleUnauthorizedAccess"))
    );
    assert!(world.iam.all_issued().is_empty());
}

#[tokio::test]
async fn keys_stay_until_shortly_before_they_expire() {
    let world = World::new().await;
    let imds = imds(&world).await;
    imds.set_credentials_ttl(Duration::from_hours(1));
    let key = async || read(&imds, &format!("{ROLES}node")).await.json()["AccessKeyId"].clone();
    let first = key().await;
    world.clock.advance(Duration::from_mins(54));
    assert_eq!(key().await, first);
    world.clock.advance(Duration::from_mins(1));
    let second = key().await;
    assert_ne!(second, first);
    imds.freeze_credentials(true);
    world.clock.advance(Duration::from_hours(2));
    let document = read(&imds, &format!("{ROLES}node")).await.json();
    assert_eq!(document["AccessKeyId"], second);
    let expiration: jiff::Timestamp = document["Expiration"].as_str().unwrap().parse().unwrap();
    assert!(expiration < world.now());
}

#[tokio::test]
async fn the_document_has_what_clients_look_for() {
    let world = World::new().await;
    let imds = imds(&world).await;
    let document = read(&imds, &format!("{ROLES}node")).await.json();
    let fixed =
        ["Code", "Type", "LastUpdated", "Expiration"].map(|name| document[name].as_str().unwrap());
    assert_eq!(fixed, ["Success", "AWS-HMAC", "2026-11-23T20:00:00Z", "2026-11-24T02:00:00Z"]);
    let identity = read(&imds, "/latest/dynamic/instance-identity/document").await.json();
    assert_eq!(
        (identity["region"].as_str(), identity["accountId"].as_str()),
        (Some("us-east-1"), Some("111122223333"))
    );
    assert_eq!(
        read(&imds, "/latest/meta-data/placement/availability-zone/").await.body,
        "us-east-1a"
    );
    assert_eq!(read(&imds, "/latest/meta-data/ami-id").await.status, 404);
    assert_eq!(send(imds.address(), &format!("POST {REGION}"), &[], "").await.unwrap().status, 405);
}

#[tokio::test]
async fn faults_hit_the_operation_they_are_planned_for() {
    let world = World::new().await;
    let imds = imds(&world).await;
    imds.faults().once("GetCredentials", Fault::status(500, ""));
    imds.faults().once("GetRegion", Fault::garbage());
    assert_eq!(read(&imds, ROLES).await.body, "node");
    assert_eq!(read(&imds, &format!("{ROLES}node")).await.status, 500);
    assert_ne!(read(&imds, REGION).await.body, "us-east-1");
    assert_eq!(read(&imds, REGION).await.body, "us-east-1");
}

#[tokio::test]
async fn debug_shows_no_keys_and_no_tokens() {
    let world = World::new().await;
    let imds = imds(&world).await;
    let token = token(&imds).await;
    let document = read(&imds, &format!("{ROLES}node")).await.json();
    let debug = format!("{imds:?} {:?}", imds.requests());
    assert!(!debug.contains(&token));
    assert!(!debug.contains(document["SecretAccessKey"].as_str().unwrap()));
    assert!(!debug.contains(document["Token"].as_str().unwrap()));
}
