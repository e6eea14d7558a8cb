//! What Mountpoint gets for each form, as plain data.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use std::path::Path;

use s3_credential_core::{
    AuthenticationLevel, Consumer, Container, CredentialForm, Delivery, DeliveryPlan,
    EndpointGrant, Environment, ErrorKind, Failure, Keys, MountKind, PlanRequest, Region,
    ResolvedRegion, RoleArn, Secret, Token, WebIdentity, resolver_names,
};

const NEUTRAL: [(&str, &str); 3] = [
    ("AWS_CONFIG_FILE", "/env/dir/no-config"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/env/dir/no-credentials"),
];

fn region(name: &str, resolver: &str) -> ResolvedRegion {
    ResolvedRegion { region: name.parse::<Region>().unwrap(), resolver: resolver.to_owned() }
}

fn web_identity() -> CredentialForm {
    let token = Token::parse("token", Secret::new("opaque"), None).unwrap();
    let role: RoleArn = "arn:aws:iam::111122223333:role/reader".parse().unwrap();
    CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role)))
}

fn container() -> CredentialForm {
    let token = Token::parse("token", Secret::new("opaque"), None).unwrap();
    CredentialForm::Container(Container::new("http://169.254.170.23/v1/credentials", Some(token)))
}

fn keys() -> Keys {
    Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG")
}

struct Case {
    delivery: Delivery,
    level: AuthenticationLevel,
    kind: MountKind,
    consumer: Consumer,
    region: Option<ResolvedRegion>,
    driver: Environment,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            delivery: Delivery::Delegated,
            level: AuthenticationLevel::Driver,
            kind: MountKind::Pod,
            consumer: Consumer::Mountpoint,
            region: None,
            driver: Environment::default(),
        }
    }
}

impl Case {
    fn draw(&self, form: &CredentialForm) -> Result<DeliveryPlan, Failure> {
        DeliveryPlan::draw(&PlanRequest {
            form,
            delivery: self.delivery,
            level: self.level,
            mount_kind: self.kind,
            directory: Path::new("/env/dir"),
            region: self.region.as_ref(),
            consumer: self.consumer,
            driver: &self.driver,
            service_account: Some(("tenant", "reader")),
            ca_bundle: None,
            endpoint: None,
        })
    }

    fn environment(&self, form: &CredentialForm) -> Vec<(String, String)> {
        let plan = self.draw(form).unwrap();
        plan.environment
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect()
    }

    fn value(&self, form: &CredentialForm, name: &str) -> Option<String> {
        self.environment(form).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    pairs.sort();
    pairs
}

#[test]
fn a_delegated_web_identity_is_a_token_file_and_a_role() {
    let case = Case { region: Some(region("eu-north-1", resolver_names::IMDS)), ..Case::default() };
    let expected = [
        &NEUTRAL[..],
        &[
            ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/reader"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/env/dir/token"),
            ("AWS_DEFAULT_REGION", "eu-north-1"),
        ],
    ]
    .concat();
    assert_eq!(case.environment(&web_identity()), owned(&expected));
    let files = case.draw(&web_identity()).unwrap().files;
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].name, files[0].content.expose()), ("token", "opaque"));
}

#[test]
fn a_delegated_container_is_a_token_file_and_an_address() {
    let expected = [
        &NEUTRAL[..],
        &[
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/env/dir/eks-pod-identity-token"),
        ],
    ]
    .concat();
    assert_eq!(Case::default().environment(&container()), owned(&expected));
}

#[test]
fn keys_in_a_profile_are_two_files_under_one_profile_name() {
    let case = Case { delivery: Delivery::Profile, ..Case::default() };
    let form = CredentialForm::Keys(keys().with_session_token("session"));
    assert_eq!(
        case.environment(&form),
        owned(&[
            ("AWS_CONFIG_FILE", "/env/dir/config"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_PROFILE", "s3-csi"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/env/dir/credentials"),
        ])
    );
    let files: Vec<_> = case
        .draw(&form)
        .unwrap()
        .files
        .into_iter()
        .map(|file| (file.name, file.content.expose().to_owned()))
        .collect();
    assert_eq!(
        files,
        [
            ("config", "[profile s3-csi]\n".to_owned()),
            (
                "credentials",
                "[s3-csi]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=wJalrXUtnFEMI/K7MDENG\n\
                 aws_session_token=session\n"
                    .to_owned()
            ),
        ]
    );
}

#[test]
fn keys_that_would_be_read_back_differently_are_refused_by_every_delivery() {
    let bad = [
        Keys::new("AKIA\naws_session_token=other", "canary/secret"),
        Keys::new("AKIA", "canary/secret #comment"),
        Keys::new("AKIA", ""),
    ];
    for keys in bad {
        for delivery in [Delivery::Profile, Delivery::Environment, Delivery::Endpoint] {
            let form = CredentialForm::Keys(keys.clone());
            let failure = Case { delivery, ..Case::default() }.draw(&form).unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::InvalidSecret);
            assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        }
    }
}

#[test]
fn only_long_term_keys_can_be_plain_variables() {
    let case = Case { delivery: Delivery::Environment, ..Case::default() };
    let form = CredentialForm::Keys(keys());
    assert_eq!(case.value(&form, "AWS_ACCESS_KEY_ID").as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    assert!(case.draw(&form).unwrap().files.is_empty());
    let temporary = CredentialForm::Keys(keys().with_session_token("session"));
    assert_eq!(case.draw(&temporary).unwrap_err().kind(), ErrorKind::UnsupportedDelivery);
}

#[test]
fn the_instance_profile_leaves_only_imds_open() {
    let case = Case { delivery: Delivery::None, ..Case::default() };
    assert_eq!(
        case.environment(&CredentialForm::InstanceProfile),
        owned(&[NEUTRAL[0], NEUTRAL[2]])
    );
    assert_eq!(case.environment(&CredentialForm::Anonymous), owned(&NEUTRAL));
}

#[test]
fn the_region_is_the_users_word_only_where_someone_said_it() {
    let form = web_identity();
    let is_set = |resolver: &str, level, name: &str| {
        let case = Case { level, region: Some(region(name, resolver)), ..Case::default() };
        case.value(&form, "AWS_REGION").is_some()
    };
    use AuthenticationLevel::{Driver, Pod};
    assert!(!is_set(resolver_names::IMDS, Driver, "eu-north-1"));
    assert!(!is_set(resolver_names::NODE_LABEL, Driver, "eu-north-1"));
    assert!(is_set(resolver_names::VOLUME_CONTEXT, Driver, "eu-north-1"));
    assert!(is_set(resolver_names::MOUNT_OPTIONS, Driver, "eu-north-1"));
    assert!(is_set(resolver_names::IMDS, Pod, "eu-north-1"));
    assert!(is_set(resolver_names::IMDS, Driver, "cn-north-1"), "outside partition aws");
}

#[test]
fn the_sts_endpoint_is_a_host_for_mountpoint_and_a_url_for_an_sdk() {
    let value = |consumer, url: &str| {
        let driver = Environment::default().with("AWS_ENDPOINT_URL_STS", url);
        Case { consumer, driver, ..Case::default() }.value(&web_identity(), "AWS_ENDPOINT_URL_STS")
    };
    let (whole, cut) = ("https://sts.internal.example/", "https://sts.internal.example:8443/path");
    assert_eq!(value(Consumer::Mountpoint, whole).as_deref(), Some("sts.internal.example"));
    assert_eq!(value(Consumer::Mountpoint, cut), None, "it would be another server");
    assert_eq!(value(Consumer::Sdk, whole).as_deref(), Some(whole));
    assert_eq!(value(Consumer::Sdk, cut).as_deref(), Some(cut));
}

#[test]
fn a_proxy_is_passed_on_and_never_stands_before_the_agent() {
    let driver = Environment::default()
        .with("HTTPS_PROXY", "http://proxy:3128")
        .with("NO_PROXY", "internal.example,169.254.170.23")
        .with("AWS_CA_BUNDLE", "/etc/ca.pem");
    let case = Case { driver, ..Case::default() };
    assert_eq!(case.value(&container(), "HTTPS_PROXY").as_deref(), Some("http://proxy:3128"));
    assert_eq!(
        case.value(&container(), "NO_PROXY").as_deref(),
        Some("internal.example,169.254.170.23,fd00:ec2::23")
    );
    assert_eq!(case.value(&container(), "AWS_CA_BUNDLE").as_deref(), Some("/etc/ca.pem"));
}

#[test]
fn a_proxy_is_the_same_in_both_spellings_whichever_the_driver_has() {
    let variables = |driver: Environment| {
        let case = Case { driver, ..Case::default() };
        ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"]
            .map(|name| case.value(&web_identity(), name).unwrap_or_default())
    };
    let agent = "169.254.170.23,fd00:ec2::23";
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let url = "http://proxy:3128";
        let driver = Environment::default().with(name, url);
        assert_eq!(variables(driver), [url, url, agent, agent]);
    }
    let both =
        Environment::default().with("https_proxy", "http://a").with("HTTPS_PROXY", "http://b");
    assert_eq!(variables(both)[..2], ["http://b", "http://b"]);
    for star in ["*", " * ", "internal.example,*"] {
        let driver = Environment::default().with("https_proxy", "http://a").with("no_proxy", star);
        assert_eq!(variables(driver)[2..], ["*", "*"], "{star:?}");
    }
}

#[test]
fn a_ca_bundle_is_copied_to_where_mountpoint_sees_it() {
    let content = Secret::new("-----BEGIN CERTIFICATE-----");
    let driver = Environment::default().with("AWS_CA_BUNDLE", "/etc/ca.pem");
    let form = web_identity();
    let plan = DeliveryPlan::draw(&PlanRequest {
        form: &form,
        delivery: Delivery::Delegated,
        level: AuthenticationLevel::Driver,
        mount_kind: MountKind::Pod,
        directory: Path::new("/env/dir"),
        region: None,
        consumer: Consumer::Mountpoint,
        driver: &driver,
        service_account: None,
        ca_bundle: Some(&content),
        endpoint: None,
    })
    .unwrap();
    assert_eq!(plan.environment["AWS_CA_BUNDLE"].expose(), "/env/dir/ca-bundle.pem");
    let file = plan.files.iter().find(|file| file.name == "ca-bundle.pem").unwrap();
    assert_eq!(file.content, content);
}

#[test]
fn urls_with_a_password_and_addresses_that_authorize_are_secrets() {
    let driver = Environment::default().with("HTTPS_PROXY", "http://svc:hunter2@proxy:3128");
    let case = Case { driver, ..Case::default() };
    let uri = "http://169.254.170.2/v2/credentials/hunter2";
    let without_token = CredentialForm::Container(Container::new(uri, None));
    let plan = case.draw(&without_token).unwrap();
    assert!(!format!("{plan:?} {without_token:?}").contains("hunter2"), "{plan:?}");
    assert_eq!(plan.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].expose(), uri);
    assert_eq!(plan.environment["HTTPS_PROXY"].expose(), "http://svc:hunter2@proxy:3128");
    let token = Token::parse("t", Secret::new("opaque"), None).unwrap();
    let with_user = Container::new("https://svc:hunter2@agent/", Some(token));
    assert!(!format!("{with_user:?}").contains("hunter2"));
}

#[test]
fn fips_and_dual_stack_lead_mountpoint_to_the_same_sts() {
    let region = Some(ResolvedRegion {
        region: "us-east-1".parse().unwrap(),
        resolver: resolver_names::IMDS.to_owned(),
    });
    let driver = Environment::default()
        .with("AWS_USE_FIPS_ENDPOINT", "true")
        .with("AWS_USE_DUALSTACK_ENDPOINT", "true");
    let case = Case { region, driver, ..Case::default() };
    let value = |name| case.value(&web_identity(), name).unwrap();
    assert_eq!(value("AWS_ENDPOINT_URL_STS"), "sts-fips.us-east-1.api.aws");
    assert_eq!(value("AWS_USE_FIPS_ENDPOINT"), "true");
    assert_eq!(value("AWS_USE_DUALSTACK_ENDPOINT"), "true");
}

#[test]
fn caches_of_different_service_accounts_are_kept_apart_under_systemd() {
    let case = |kind, level| Case { level, kind, ..Case::default() };
    let key =
        |kind, level| case(kind, level).value(&web_identity(), "UNSTABLE_MOUNTPOINT_CACHE_KEY");
    assert_eq!(key(MountKind::Systemd, AuthenticationLevel::Pod).as_deref(), Some("tenant/reader"));
    assert_eq!(key(MountKind::Systemd, AuthenticationLevel::Driver), None);
    assert_eq!(key(MountKind::Pod, AuthenticationLevel::Pod), None);
}

#[test]
fn the_endpoint_needs_mountpoint_in_the_drivers_network() {
    let grant =
        EndpointGrant { uri: "http://127.0.0.1:980/v1".to_owned(), token: Secret::new("secret") };
    let form = CredentialForm::Keys(keys());
    let draw = |mount_kind, endpoint| {
        DeliveryPlan::draw(&PlanRequest {
            form: &form,
            delivery: Delivery::Endpoint,
            level: AuthenticationLevel::Driver,
            mount_kind,
            directory: Path::new("/env/dir"),
            region: None,
            consumer: Consumer::Mountpoint,
            driver: &Environment::default(),
            service_account: None,
            ca_bundle: None,
            endpoint,
        })
    };
    assert_eq!(
        draw(MountKind::Pod, Some(&grant)).unwrap_err().kind(),
        ErrorKind::UnsupportedDelivery
    );
    assert_eq!(draw(MountKind::Systemd, None).unwrap_err().kind(), ErrorKind::UnsupportedDelivery);
    let plan = draw(MountKind::Systemd, Some(&grant)).unwrap();
    assert_eq!(
        plan.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"].expose(),
        "/env/dir/endpoint-token"
    );
    assert_eq!(plan.files[0].content.expose(), "secret");
}

#[test]
fn a_form_is_refused_by_a_delivery_that_cannot_carry_it() {
    for delivery in [Delivery::Profile, Delivery::Environment, Delivery::Endpoint, Delivery::None] {
        let case = Case { delivery, ..Case::default() };
        assert_eq!(
            case.draw(&web_identity()).unwrap_err().kind(),
            ErrorKind::UnsupportedDelivery,
            "{delivery}"
        );
    }
    let case = Case { delivery: Delivery::Delegated, ..Case::default() };
    assert_eq!(
        case.draw(&CredentialForm::Keys(keys())).unwrap_err().kind(),
        ErrorKind::UnsupportedDelivery
    );
}
