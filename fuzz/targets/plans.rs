//! From credentials to files and variables, to a directory, and back: what the AWS SDK reads in the
//! files is what was to be delivered, and a cleanup removes all of it.
#![no_main]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::section::EnvConfigSections;
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};
use libfuzzer_sys::arbitrary::{Result as Drawn, Unstructured};
use libfuzzer_sys::fuzz_target;
use s3_credential_core::{
    AuthenticationLevel, Consumer, Container, CredentialForm, Delivery, DeliveryPlan,
    EndpointGrant, Environment, EnvironmentValue, FormKind, Keys, MountKind, PlanRequest, RoleArn,
    Secret, Token, WebIdentity, file_names, names,
};
use s3_credential_delivery::{Existing, FileOptions, WritePath};
use s3_credential_fuzz::{assert_clean, assert_quiet, at_once, holds_canary, planted};
use tempfile::TempDir;

fuzz_target!(|input: &[u8]| {
    if !holds_canary(input) {
        // Too little input is a plan that is not drawn.
        let _ = draw(&mut Unstructured::new(input));
    }
});

fn draw(input: &mut Unstructured<'_>) -> Drawn<()> {
    let form = form(input)?;
    let delivery = *input.choose(&Delivery::CHOICES)?;
    let driver = driver(input)?;
    let grant = EndpointGrant { uri: "http://127.0.0.1:1/a".to_owned(), token: planted("token") };
    let request = PlanRequest {
        form: &form,
        delivery,
        level: *input.choose(&AuthenticationLevel::ALL)?,
        mount_kind: *input.choose(&[MountKind::Pod, MountKind::Systemd])?,
        directory: Path::new("/env/s3cred@volume"),
        region: None,
        consumer: *input.choose(&[Consumer::Mountpoint, Consumer::Sdk])?,
        driver: &driver,
        service_account: Some(("default", "web")),
        ca_bundle: None,
        endpoint: input.arbitrary::<bool>()?.then_some(&grant),
    };
    match DeliveryPlan::draw(&request) {
        Ok(plan) => {
            assert_quiet(&plan);
            assert_shut(&plan, form.kind());
            if let (CredentialForm::Keys(keys), Delivery::Profile) = (&form, delivery) {
                assert_reads_back(&plan, keys);
            }
            assert_comes_and_goes(&plan);
        }
        Err(failure) => assert_clean(&failure),
    }
    Ok(())
}

fn form(input: &mut Unstructured<'_>) -> Drawn<CredentialForm> {
    let secret = |input: &mut Unstructured<'_>| {
        let text = input.arbitrary::<String>()?;
        Drawn::Ok(if input.arbitrary()? { planted(&text) } else { Secret::new(text) })
    };
    Ok(match input.int_in_range(0..=4)? {
        0 | 1 => {
            let mut keys = Keys::new(secret(input)?, secret(input)?);
            if input.arbitrary()? {
                keys = keys.with_session_token(secret(input)?);
            }
            CredentialForm::Keys(keys)
        }
        kind => match (kind, Token::parse("the token", secret(input)?, None)) {
            (_, Err(_)) => CredentialForm::InstanceProfile,
            (2, Ok(token)) => {
                let role = "arn:aws:iam::111122223333:role/a".parse::<RoleArn>();
                CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role.unwrap())))
            }
            (_, Ok(token)) => CredentialForm::Container(Container::new("http://[::1]/", Some(token))),
        },
    })
}

fn driver(input: &mut Unstructured<'_>) -> Drawn<Environment> {
    const PASSED_ON: [&str; 5] = [
        names::AWS_ENDPOINT_URL_STS,
        names::AWS_CA_BUNDLE,
        names::HTTPS_PROXY,
        names::NO_PROXY,
        names::AWS_REGION,
    ];
    let mut driver = Environment::default().with(names::AWS_SECRET_ACCESS_KEY, planted("driver's"));
    for name in PASSED_ON {
        if input.arbitrary()? {
            driver = driver.with(name, input.arbitrary::<String>()?);
        }
    }
    Ok(driver)
}

/// Every delivery shuts out the ambient credentials that it does not use.
fn assert_shut(plan: &DeliveryPlan, form: FormKind) {
    let value = |name: &str| plan.environment.get(name).map(EnvironmentValue::expose);
    assert_eq!(
        value(names::AWS_EC2_METADATA_DISABLED),
        (form != FormKind::InstanceProfile).then_some("true")
    );
    for name in [names::AWS_CONFIG_FILE, names::AWS_SHARED_CREDENTIALS_FILE] {
        let path = Path::new(value(name).expect("set in every plan"));
        assert_eq!(path.parent(), Some(Path::new("/env/s3cred@volume")));
        let is_there = plan.files.iter().any(|file| path.ends_with(file.name));
        assert_eq!(is_there, plan.delivery == Delivery::Profile);
    }
    assert_eq!(value(names::AWS_SECRET_ACCESS_KEY).is_some(), plan.delivery == Delivery::Environment);
}

/// The SDK's own parser has the last word.
fn assert_reads_back(plan: &DeliveryPlan, keys: &Keys) {
    let text = |name| {
        let file = plan.files.iter().find(|file| file.name == name);
        file.expect("a profile is two files").content.expose()
    };
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, text(file_names::CONFIG))
        .with_contents(EnvConfigFileKind::Credentials, text(file_names::CREDENTIALS))
        .build();
    let environment = Env::from_slice(&[("AWS_PROFILE", plan.environment["AWS_PROFILE"].expose())]);
    let read = at_once(source::load(&environment, &Fs::from_slice(&[]), &files)).unwrap();
    let sections = EnvConfigSections::parse(read).expect("the SDK can parse it");
    assert_eq!(sections.profiles().count(), 1);
    let there = BTreeSet::from([
        ("aws_access_key_id", sections.get("aws_access_key_id")),
        ("aws_secret_access_key", sections.get("aws_secret_access_key")),
        ("aws_session_token", sections.get("aws_session_token")),
    ]);
    let wanted = BTreeSet::from([
        ("aws_access_key_id", Some(keys.access_key_id.expose())),
        ("aws_secret_access_key", Some(keys.secret_access_key.expose())),
        ("aws_session_token", keys.session_token.as_ref().map(Secret::expose)),
    ]);
    assert_eq!(there, wanted);
}

/// What is written is what was planned, and a removal leaves the write path as it was.
fn assert_comes_and_goes(plan: &DeliveryPlan) {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
    let write_path = WritePath::open(FOLDER.path()).unwrap();
    let options = FileOptions::default();
    let written = write_path.apply("s3cred@volume", &plan.files, &options, Existing::Replace).unwrap();
    assert_eq!(written.files.len(), plan.files.len());
    for (planned, file) in plan.files.iter().zip(&written.files) {
        assert_eq!(fs::read_to_string(&file.path).unwrap(), planned.content.expose());
        assert_eq!(file.mode, 0o640);
    }
    write_path.remove("s3cred@volume").unwrap();
    assert_eq!(fs::read_dir(FOLDER.path()).unwrap().count(), 0);
}
