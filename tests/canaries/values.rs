//! Every public type that can hold a secret, printed in every way.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use aws_credential_types::Credentials;
use s3_credential_core::{
    AuthenticationLevel, Consumer, Container, CredentialForm, Delivery, DeliveryPlan,
    EndpointGrant, Environment, EnvironmentValue, Keys, MountKind, MountTarget, PlanRequest,
    ProfileFiles, ProvideContext, PublishRequest, Secret, ServiceAccountTokens, SourceAnswer,
    SourceChain, SystemClock, TOKENS_KEY, Token, WebIdentity, names, source_fn,
};
use s3_credential_delivery::{Grants, PushedKeys};
use s3_credential_imds::{Imds, ImdsSettings};
use s3_credential_irsa::{IrsaSettings, IrsaSource};
use s3_credential_pod_identity::{
    AgentExchange, AgentSettings, PodIdentitySettings, PodIdentitySource,
};
use s3_credential_profile::ProfileSource;
use s3_credential_provider::{CachedKeys, Config, Provider, Registry, SdkSource};
use s3_credential_secret::SecretEnvironmentSource;
use s3_credential_sts::{Sts, StsSettings};

use tokio::runtime::Handle;

use crate::record::Record;
use crate::world::{CANARY, ROLE};

fn secret() -> Secret {
    Secret::new(format!("{CANARY}value"))
}

/// Returns an environment with a secret in every variable, since any of them may hold one by
/// mistake.
fn environment() -> Environment {
    [
        names::AWS_ACCESS_KEY_ID,
        names::AWS_SECRET_ACCESS_KEY,
        names::AWS_SESSION_TOKEN,
        names::AWS_CONTAINER_AUTHORIZATION_TOKEN,
    ]
    .into_iter()
    .fold(Environment::default(), |environment, name| environment.with(name, secret()))
    .with(names::HTTPS_PROXY, format!("http://user:{CANARY}value@proxy.example"))
    .with(names::AWS_ROLE_ARN, ROLE)
}

fn keys() -> Keys {
    Keys::new(secret(), secret()).with_session_token(secret())
}

fn token() -> Token {
    Token::parse("the token", secret(), None).unwrap()
}

fn forms() -> Vec<CredentialForm> {
    vec![
        CredentialForm::Keys(keys()),
        CredentialForm::WebIdentity(Box::new(WebIdentity::new(token(), ROLE.parse().unwrap()))),
        CredentialForm::Container(Container::new("http://127.0.0.1/", Some(token()))),
        CredentialForm::Profile(ProfileFiles::new(secret(), secret())),
    ]
}

fn request(level: &str) -> PublishRequest {
    let tokens = format!(r#"{{"sts.amazonaws.com":{{"token":"{CANARY}value"}}}}"#);
    PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount")
        .with_volume_context([("authenticationSource", level), (TOKENS_KEY, &tokens)])
        .with_secrets([("key_id", secret()), ("access_key", secret())])
}

fn plan(form: &CredentialForm, driver: &Environment) -> DeliveryPlan {
    let grant = EndpointGrant { uri: "http://127.0.0.1:1/".to_owned(), token: secret() };
    let request = PlanRequest {
        form,
        delivery: Delivery::default_for(form),
        level: AuthenticationLevel::Driver,
        mount_kind: MountKind::Systemd,
        directory: Path::new("/env"),
        region: None,
        consumer: Consumer::Mountpoint,
        driver,
        service_account: None,
        ca_bundle: None,
        endpoint: Some(&grant),
    };
    DeliveryPlan::draw(&request).unwrap()
}

/// Returns the plain values of core.
pub(crate) fn values() -> Vec<Box<dyn Debug>> {
    let driver = environment();
    let mut values: Vec<Box<dyn Debug>> = vec![
        Box::new(secret()),
        Box::new(keys()),
        Box::new(token()),
        Box::new(EnvironmentValue::Secret(secret())),
        Box::new(EndpointGrant { uri: String::new(), token: secret() }),
        Box::new(ServiceAccountTokens::parse(&Secret::new(format!(
            r#"{{"a":{{"token":"{CANARY} "}}}}"#
        )))),
    ];
    for form in forms() {
        let mut planned = plan(&form, &Environment::default());
        values.extend(planned.files.pop().map(|file| Box::new(file) as Box<dyn Debug>));
        values.push(Box::new(planned));
        values.push(Box::new(form));
    }
    for level in AuthenticationLevel::ALL {
        let request = request(level.as_str());
        values.push(Box::new(request.clone()));
        values.push(Box::new(ProvideContext::from_publish_request(
            request,
            MountTarget::new("/run"),
        )));
    }
    values.push(Box::new(driver));
    values
}

/// Returns the objects of the other crates that are made from them.
pub(crate) fn machinery() -> Vec<Box<dyn Debug>> {
    let (driver, clock) = (environment(), Arc::new(SystemClock));
    let sts = StsSettings::from_environment(&driver);
    let grants = Grants::default();
    grants
        .insert("v", Secret::new(format!("{CANARY}0123456789abcdef")), Arc::new(Arc::new(keys())))
        .unwrap();
    let cached = CachedKeys::builder(|| async { Ok(keys()) }).keys(keys());
    let config = Config::parse(&Registry::default(), "chains.yaml", "scope: volume\n").unwrap();
    let sdk = Credentials::from_keys("AKIAIOSFODNN7EXAMPLE", secret().expose(), None);
    vec![
        Box::new(IrsaSource::new(driver.clone(), SystemClock, IrsaSettings::default())),
        Box::new(PodIdentitySource::new(
            driver.clone(),
            PodIdentitySettings::default(),
            clock.clone(),
        )),
        Box::new(AgentExchange::new(driver.clone(), AgentSettings::default())),
        Box::new(SecretEnvironmentSource::new(&driver)),
        Box::new(ProfileSource::new(&driver)),
        Box::new(Imds::new(&driver, ImdsSettings::default(), clock.clone())),
        Box::new(Sts::new(sts.clone(), clock)),
        Box::new(sts),
        Box::new(SdkSource::new("sdk", sdk)),
        Box::new(grants),
        Box::new(PushedKeys::new(keys(), Arc::new(SystemClock))),
        Box::new(cached.build(Handle::current())),
        Box::new(Provider::builder().environment(driver).config(config)),
    ]
}

/// Returns the answer of a chain.
pub(crate) async fn answer() -> SourceAnswer {
    let chain = SourceChain::first_try(source_fn("a", |_| async { Ok(forms().remove(0)) }));
    let context = ProvideContext::from_publish_request(request("driver"), MountTarget::new("/run"));
    chain.provide(&SystemClock, &context.unwrap()).await
}

#[tokio::test]
async fn no_value_prints_the_secret_that_it_holds() {
    let mut record = Record::start();
    for value in values().iter().chain(&machinery()) {
        record.show(value);
    }
    record.show(&answer().await);
    record.assert_silent([CANARY.to_owned()]);
}

/// The output of a caller's `unwrap` and `expect`.
#[tokio::test]
async fn a_panic_over_a_value_does_not_reveal_its_secret() {
    let mut record = Record::start();
    for value in values().into_iter().chain(machinery()) {
        let unwrap = |failed: Result<(), Box<dyn Debug>>| failed.unwrap();
        let payload = catch_unwind(AssertUnwindSafe(|| unwrap(Err(value)))).unwrap_err();
        record.say(payload.downcast_ref::<String>().expect("unwrap panics with a text"));
    }
    record.assert_silent([CANARY.to_owned()]);
}
