//! The client that reads delivered credentials: what it finds, in which form, and that it is not
//! taken in.

use std::io;
use std::os::unix::fs::PermissionsExt as _;

use s3_credential_core::Keys;
use s3_credential_testkit::client::{Client, ClientError};
use s3_credential_testkit::iam::Issued;
use s3_credential_testkit::imds::Imds;
use s3_credential_testkit::pod_identity_agent::PodIdentityAgent;
use s3_credential_testkit::scratch::Scratch;
use s3_credential_testkit::server::Fault;

use crate::world::{NODE_ROLE, ROLE, World};

/// A world, a directory, and what every client has in its environment: where STS is, and no way to
/// any other metadata service.
struct Stage {
    world: World,
    scratch: Scratch,
}

impl Stage {
    async fn new() -> Self {
        let scratch = Scratch::new_in(env!("CARGO_TARGET_TMPDIR"), "client").unwrap();
        Self { world: World::new().await, scratch }
    }

    fn client(&self, environment: &[(&str, &str)]) -> Client {
        let sts = self.world.sts.url();
        let absent = self.scratch.path().join("absent");
        let absent = absent.to_str().unwrap();
        let common = [
            ("AWS_ENDPOINT_URL_STS", sts.as_str()),
            ("AWS_REGION", "eu-north-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", absent),
            ("AWS_SHARED_CREDENTIALS_FILE", absent),
        ];
        Client::new(common.into_iter().chain(environment.iter().copied()))
    }

    fn write(&self, name: &str, text: &str) -> String {
        self.scratch.write(name, text).unwrap().to_str().unwrap().to_owned()
    }

    fn user(&self, name: &str) -> Issued {
        self.world.iam.add_user(&format!("arn:aws:iam::111122223333:user/{name}"))
    }
}

/// Whose keys a client finds.
async fn who(client: &Client) -> Result<String, ClientError> {
    client.who(&client.keys().await?).await
}

#[tokio::test]
async fn keys_are_found_in_variables_and_in_a_profile() {
    let stage = Stage::new().await;
    let user = stage.user("variables");
    let client = stage.client(&[
        ("AWS_ACCESS_KEY_ID", &user.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", user.secret_access_key.expose()),
    ]);
    assert_eq!(who(&client).await, Ok(user.arn));

    let user = stage.user("profile");
    let profile = |user: &Issued| {
        let (id, secret) = (&user.access_key_id, user.secret_access_key.expose());
        format!("[s3-csi]\naws_access_key_id={id}\naws_secret_access_key={secret}\n")
    };
    let file = stage.write("credentials", &profile(&user));
    let client = stage.client(&[("AWS_PROFILE", "s3-csi"), ("AWS_SHARED_CREDENTIALS_FILE", &file)]);
    assert_eq!(who(&client).await, Ok(user.arn));

    let other = stage.user("other");
    stage.write("credentials", &profile(&other));
    assert_eq!(who(&client).await, Ok(other.arn), "a file is read again at each call");
}

#[tokio::test]
async fn a_token_is_exchanged_with_sts_and_with_the_agent() {
    let stage = Stage::new().await;
    let token = stage.write("token", &stage.world.token());
    let client = stage.client(&[("AWS_ROLE_ARN", ROLE), ("AWS_WEB_IDENTITY_TOKEN_FILE", &token)]);
    let caller = who(&client).await.unwrap();
    assert!(caller.starts_with("arn:aws:sts::111122223333:assumed-role/web/"), "{caller}");
    assert_eq!(
        client.keys().await.unwrap().expires_at,
        Some("2026-11-23T21:00:00Z".parse().unwrap())
    );

    let issuer = &stage.world.issuer;
    let agent = PodIdentityAgent::start(stage.world.iam.clone(), issuer.verifier()).await.unwrap();
    agent.associate("apps", "web", ROLE);
    let token = issuer.service_account("apps", "web").audience("pods.eks.amazonaws.com");
    let token = stage.write("agent-token", &token.issued_at(stage.world.now()).sign());
    let client = stage.client(&[
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &agent.credentials_url()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token),
    ]);
    assert_eq!(who(&client).await.unwrap(), "arn:aws:sts::111122223333:assumed-role/web/eks-web");
}

#[tokio::test]
async fn the_instance_profile_is_asked_for_only_where_it_is_allowed() {
    let stage = Stage::new().await;
    let imds = Imds::start(stage.world.iam.clone()).await.unwrap();
    imds.set_role(Some(NODE_ROLE));
    let url = imds.url();
    let endpoint = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str());
    let forbidden = stage.client(&[endpoint]);
    assert!(matches!(forbidden.keys().await, Err(ClientError::NoKeys(_))));
    assert_eq!(imds.calls().total(), 0);
    let allowed = stage.client(&[endpoint, ("AWS_EC2_METADATA_DISABLED", "false")]);
    let caller = who(&allowed).await.unwrap();
    assert!(caller.starts_with("arn:aws:sts::111122223333:assumed-role/node/"), "{caller}");
}

#[tokio::test]
async fn keys_that_are_not_good_are_refused_by_name() {
    let stage = Stage::new().await;
    let client = stage.client(&[]);
    let refused = |code: &str| Err(ClientError::Refused(code.to_owned()));
    let unknown = Keys::new("AKIAIOSFODNN7EXAMPLE", "secret");
    assert_eq!(client.who(&unknown).await, refused("InvalidClientTokenId"));
    let user = stage.user("backup");
    let wrong = Keys::new(user.access_key_id.as_str(), "secret");
    assert_eq!(client.who(&wrong).await, refused("SignatureDoesNotMatch"));
}

#[tokio::test]
async fn an_sts_with_a_useless_answer_is_reported() {
    let stage = Stage::new().await;
    let client = stage.client(&[]);
    let keys = Keys::new("AKIAIOSFODNN7EXAMPLE", "secret");
    stage.world.sts.faults().times("GetCallerIdentity", 1, Fault::garbage());
    assert!(matches!(client.who(&keys).await, Err(ClientError::NoAnswer(_))));
    stage.world.sts.stop().await;
    assert!(matches!(client.who(&keys).await, Err(ClientError::NoAnswer(_))));
    assert_eq!(Client::new([]).who(&keys).await, Err(ClientError::NoEndpoint));
}

#[test]
fn the_debug_output_of_a_client_names_variables_only() {
    let client = Client::new([("AWS_SECRET_ACCESS_KEY", "CANARY")]);
    assert_eq!(format!("{client:?}"), r#"Client(["AWS_SECRET_ACCESS_KEY"])"#);
}

#[test]
fn a_scratch_directory_is_private_and_goes_with_its_value() -> io::Result<()> {
    let scratch = Scratch::new_in(env!("CARGO_TARGET_TMPDIR"), "scratch")?;
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = scratch.directory("write")?;
    let file = scratch.write("token", "secret")?;
    assert_eq!([scratch.path(), &directory, &file].map(mode), [0o700, 0o700, 0o600]);
    scratch.write("token", "newer")?;
    assert_eq!(std::fs::read_to_string(&file)?, "newer");
    assert_eq!(std::fs::read_dir(scratch.path())?.count(), 2, "no temporary file is left");
    let path = scratch.path().to_owned();
    drop(scratch);
    assert!(!path.exists());
    Ok(())
}
