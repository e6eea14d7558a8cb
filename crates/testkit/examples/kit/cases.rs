//! What a driver's credential code must do, case by case.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Result;
use crate::driver::{Answer, Driver, read};
use crate::world::{Account, DRIVER_ROLE, PLAIN_POD, POD, POD_ROLE, USER, World};

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

pub(crate) struct Case {
    pub(crate) subject: &'static str,
    pub(crate) sentence: &'static str,
    /// An advisory case is reported and does not fail the check.
    pub(crate) required: bool,
    pub(crate) run: for<'a> fn(&'a World, &'a Driver) -> Outcome<'a>,
}

macro_rules! case {
    ($subject:literal, $sentence:literal, $function:path) => {
        case!($subject, $sentence, $function, true)
    };
    ($subject:literal, $sentence:literal, $function:path, $required:literal) => {
        Case {
            subject: $subject,
            sentence: $sentence,
            required: $required,
            run: |world, driver| Box::pin($function(world, driver)),
        }
    };
}

pub(crate) const ALL: &[Case] = &[
    case!("driver", "the web identity of the driver reads its bucket", driver_web_identity),
    case!("driver", "keys of the driver's environment read the user's bucket", driver_keys),
    case!("driver", "a key without its secret is refused", half_a_key),
    case!("driver", "a role without a token file is refused, never the node's role", half_a_role),
    case!("pod", "a pod reads the bucket of its own role", pod_token),
    case!("pod", "a pod without a role gets neither the driver's nor the node's", no_role),
    case!("pod", "an expired token is refused", expired_token, false),
    case!("pod", "a request without tokens is refused", no_token),
    case!("secret", "keys of the request's Secret read the user's bucket", secret),
    case!("secret", "an empty Secret is refused, never the driver's role", empty_secret, false),
    case!("rotation", "a republish replaces the token, and the volume reads on", republish),
    case!("rotation", "a republish that fails leaves every file as it was", failed_republish),
    case!("files", "the environment names files beneath the write path only", named_files),
    case!("files", "a cleanup leaves no file, and a second one succeeds", cleanup),
    case!("files", "the cleanup of one volume leaves those of another", two_volumes),
];

fn request(level: &str, bucket: &str, (namespace, name): Account) -> Value {
    json!({
        "volumeId": "kit-volume",
        "targetPath": "/var/lib/kubelet/pods/0d0b5d0a-9a3c-4f7e-8a63-6f0b5c1f2e01/volumes/kubernetes.io~csi/kit/mount",
        "volumeContext": {
            "bucketName": bucket,
            "authenticationSource": level,
            "csi.storage.k8s.io/pod.uid": "0d0b5d0a-9a3c-4f7e-8a63-6f0b5c1f2e01",
            "csi.storage.k8s.io/pod.name": "kit-0",
            "csi.storage.k8s.io/pod.namespace": namespace,
            "csi.storage.k8s.io/serviceAccount.name": name,
        },
        "volumeCapability": {
            "mount": {"mountFlags": []},
            "accessMode": {"mode": "MULTI_NODE_MULTI_WRITER"},
        },
        "secrets": {},
    })
}

fn with_tokens(mut request: Value, tokens: String) -> Value {
    request["volumeContext"]["csi.storage.k8s.io/serviceAccount.tokens"] = tokens.into();
    request
}

fn unpublish(request: &Value) -> Value {
    json!({"volumeId": request["volumeId"], "targetPath": request["targetPath"]})
}

fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn set<const N: usize>(variables: [(&str, &str); N]) -> BTreeMap<String, String> {
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn provided(
    world: &World,
    driver: &Driver,
    own: &BTreeMap<String, String>,
    request: &Value,
) -> Result<BTreeMap<String, String>> {
    match driver.provide(world, own, request).await? {
        Answer::Provided(environment) => Ok(environment),
        Answer::Refused(why) => Err(format!("`provide` refused: {}", why.trim()).into()),
    }
}

async fn reads(
    world: &World,
    environment: &BTreeMap<String, String>,
    bucket: &str,
    owner: &str,
) -> Result<()> {
    let (_, content) = read(world, environment, bucket).await?;
    if content == owner { Ok(()) } else { Err(format!("{bucket} belongs to {content}").into()) }
}

/// The program may refuse, or deliver an environment in which no identity is found.
async fn refused(
    world: &World,
    driver: &Driver,
    own: &BTreeMap<String, String>,
    request: &Value,
) -> Result<()> {
    let Answer::Provided(environment) = driver.provide(world, own, request).await? else {
        let written = world.written()?;
        return if written.is_empty() { Ok(()) } else { Err("a refused volume has files".into()) };
    };
    for bucket in ["driver-data", "node-data", "pod-data", "user-data"] {
        if let Ok((keys, owner)) = read(world, &environment, bucket).await {
            let id = keys.access_key_id.expose();
            return Err(format!("the volume got the key {id} of {owner}").into());
        }
    }
    Err("`provide` succeeded with an environment that reads no bucket; refuse the volume".into())
}

async fn driver_web_identity(world: &World, driver: &Driver) -> Result<()> {
    let request = request("driver", "driver-data", POD);
    let environment = provided(world, driver, &world.web_identity(), &request).await?;
    reads(world, &environment, "driver-data", DRIVER_ROLE).await
}

async fn driver_keys(world: &World, driver: &Driver) -> Result<()> {
    let secret = world.user.secret_access_key.expose();
    let id = world.user.access_key_id.as_str();
    let own = set([("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret)]);
    let environment = provided(world, driver, &own, &request("driver", "user-data", POD)).await?;
    reads(world, &environment, "user-data", USER).await
}

async fn half_a_key(world: &World, driver: &Driver) -> Result<()> {
    let own = set([("AWS_ACCESS_KEY_ID", world.user.access_key_id.as_str())]);
    refused(world, driver, &own, &request("driver", "user-data", POD)).await
}

async fn half_a_role(world: &World, driver: &Driver) -> Result<()> {
    let own = set([("AWS_ROLE_ARN", DRIVER_ROLE)]);
    refused(world, driver, &own, &request("driver", "driver-data", POD)).await
}

async fn pod_token(world: &World, driver: &Driver) -> Result<()> {
    let request = with_tokens(request("pod", "pod-data", POD), world.tokens(POD, Duration::ZERO));
    let environment = provided(world, driver, &world.web_identity(), &request).await?;
    reads(world, &environment, "pod-data", POD_ROLE).await
}

async fn no_role(world: &World, driver: &Driver) -> Result<()> {
    let tokens = world.tokens(PLAIN_POD, Duration::ZERO);
    let request = with_tokens(request("pod", "driver-data", PLAIN_POD), tokens);
    refused(world, driver, &world.web_identity(), &request).await
}

async fn expired_token(world: &World, driver: &Driver) -> Result<()> {
    let tokens = world.tokens(POD, Duration::from_hours(2));
    let request = with_tokens(request("pod", "pod-data", POD), tokens);
    refused(world, driver, &world.web_identity(), &request).await
}

async fn no_token(world: &World, driver: &Driver) -> Result<()> {
    refused(world, driver, &world.web_identity(), &request("pod", "pod-data", POD)).await
}

async fn secret(world: &World, driver: &Driver) -> Result<()> {
    let mut request = request("secret", "user-data", POD);
    let (id, secret) = (&world.user.access_key_id, world.user.secret_access_key.expose());
    // Both spellings of the drivers that are known.
    request["secrets"] = json!({
        "key_id": id, "access_key": secret,
    });
    let environment = provided(world, driver, &world.web_identity(), &request).await?;
    reads(world, &environment, "user-data", USER).await
}

async fn empty_secret(world: &World, driver: &Driver) -> Result<()> {
    refused(world, driver, &world.web_identity(), &request("secret", "driver-data", POD)).await
}

async fn republish(world: &World, driver: &Driver) -> Result<()> {
    let volume = request("pod", "pod-data", POD);
    let older = with_tokens(volume.clone(), world.tokens(POD, Duration::from_mins(30)));
    let environment = provided(world, driver, &none(), &older).await?;
    let before = world.written()?;
    let newer = with_tokens(volume, world.tokens(POD, Duration::ZERO));
    provided(world, driver, &none(), &newer).await?;
    if world.written()? == before {
        return Err("the files are those of the older token".into());
    }
    // A mount keeps the environment that it was started with.
    reads(world, &environment, "pod-data", POD_ROLE).await
}

async fn failed_republish(world: &World, driver: &Driver) -> Result<()> {
    let volume = request("pod", "pod-data", POD);
    let good = with_tokens(volume.clone(), world.tokens(POD, Duration::ZERO));
    let environment = provided(world, driver, &none(), &good).await?;
    let before = world.written()?;
    let broken = with_tokens(volume, "no JSON".to_owned());
    if let Answer::Provided(_) = driver.provide(world, &none(), &broken).await? {
        return Err("a republish with broken tokens succeeded".into());
    }
    if world.written()? != before {
        return Err("the files of the live volume have changed".into());
    }
    reads(world, &environment, "pod-data", POD_ROLE).await
}

async fn named_files(world: &World, driver: &Driver) -> Result<()> {
    let request = request("driver", "driver-data", POD);
    let environment = provided(world, driver, &world.web_identity(), &request).await?;
    let write_path = world.write_path().display().to_string();
    let mut paths = environment.iter().filter(|(_, value)| value.starts_with('/'));
    match paths.find(|(_, value)| !value.starts_with(&write_path)) {
        Some((name, _)) => Err(format!("{name} names a file elsewhere").into()),
        None => Ok(()),
    }
}

async fn cleanup(world: &World, driver: &Driver) -> Result<()> {
    let request = with_tokens(request("pod", "pod-data", POD), world.tokens(POD, Duration::ZERO));
    provided(world, driver, &none(), &request).await?;
    for _ in 0..2 {
        driver.cleanup(world, &none(), &unpublish(&request)).await?;
    }
    match world.written()?.keys().next() {
        Some(path) => Err(format!("{} is left", path.display()).into()),
        None => Ok(()),
    }
}

async fn two_volumes(world: &World, driver: &Driver) -> Result<()> {
    let first = with_tokens(request("pod", "pod-data", POD), world.tokens(POD, Duration::ZERO));
    let mut second = first.clone();
    second["volumeId"] = "kit-volume-2".into();
    second["targetPath"] =
        "/var/lib/kubelet/pods/5a1f2b3c-0c7d-4a55-9b1e-0f1e2d3c4b02/volumes/kubernetes.io~csi/kit/mount"
            .into();
    second["volumeContext"]["csi.storage.k8s.io/pod.uid"] =
        "5a1f2b3c-0c7d-4a55-9b1e-0f1e2d3c4b02".into();
    let environment = provided(world, driver, &none(), &first).await?;
    provided(world, driver, &none(), &second).await?;
    driver.cleanup(world, &none(), &unpublish(&second)).await?;
    reads(world, &environment, "pod-data", POD_ROLE).await
}
