//! An explanation of what succeeds: what would happen and why, for a person and for a program.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::driver::{CANARY, Driver};
use crate::requests::{ROLE, publish, publish_with_keys, publish_with_tokens, with_token};
use crate::run::keys;

const LATER: &str = "2100-01-01T00:00:00Z";

/// A driver that gives roles by rules; the first is for others.
fn driver_with_rules() -> (Driver, String) {
    let driver = Driver::new().with("AWS_REGION", "eu-north-1");
    let config = driver.file(
        "config.yaml",
        &format!(
            "sources: {{pod-token: {{mapping: [\
             {{namespace: others, serviceAccount: '*', roleArn: '{ROLE}'}}, {{namespace: app?, serviceAccount: '*', roleArn: '{ROLE}'}}]}}}}\n\
             delivery: {{systemd: {{web-identity: profile}}}}\n"
        ),
    );
    (driver, config)
}

async fn explanation(driver: &Driver, request: &Value, more: &[&str]) -> Value {
    let all = [more, &["--output", "json"]].concat();
    let object = driver.explain(request, &all).await.public_object();
    let names = ["level", "role", "delivery", "refresh", "help", "regionAttempts"];
    assert_eq!(keys(&object["explanation"]), names.into());
    object["explanation"].clone()
}

#[tokio::test]
async fn a_person_reads_a_tree_of_what_would_happen_and_why() {
    let (driver, config) = driver_with_rules();
    let mut request = with_token(publish("pod"), CANARY, LATER);
    request["volumeId"] = json!("photos\n\u{1b}[31m");
    let run = driver.explain(&request, &["--config", &config, "--env-path", "/comm"]).await;
    run.keeps(CANARY);
    let tree = run.ok();
    assert!(!tree.contains('\u{1b}'), "plain where the output is no terminal: {tree}");
    let lines: Vec<_> = tree
        .lines()
        .map(|line| {
            line.split_whitespace()
                .filter(|word| !word.ends_with("ms"))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    for line in [
        r"volume photos\n\u{1b}[31m, pod 4a5d, service account apps/reader",
        "├─ level pod: the volume attribute `authenticationSource`",
        "├─ sources",
        "│ └─ pod-identity not-tried",
        "├─ credentials web-identity from pod-token",
        "│ └─ role arn:aws:iam::111122223333:role/reader: rule 2 of the role mapping",
        "├─ region eu-north-1 (from environment)",
        "│ ├─ mount-options not-applicable",
        "├─ delivery delegated: the default for the form web-identity",
        "│ ├─ AWS_ROLE_ARN=arn:aws:iam::111122223333:role/reader",
        "└─ refresh at ",
        "└─ expires 2100-01-01T00:00:00Z",
    ] {
        assert!(lines.iter().any(|it| it.starts_with(line)), "{line:?} is not in {tree}");
    }
    assert!(tree.contains("0640 /comm/s3cred@"), "{tree}");
    assert!(tree.contains("requiresRepublish"), "{tree}");
    assert_eq!(driver.entries("write"), [""; 0]);
    assert!(!driver.path("state").exists());
}

#[tokio::test]
async fn who_named_the_role_is_reported() {
    let (driver, config) = driver_with_rules();
    let request = with_token(publish("pod"), "token", LATER);
    let by_rule = explanation(&driver, &request, &["--config", &config]).await;
    assert_eq!(by_rule["role"], json!({"arn": ROLE, "origin": "rule 2 of the role mapping"}));
    let by_flag = explanation(&driver, &request, &["--config", &config, "--role-arn", ROLE]).await;
    assert!(by_flag["role"]["origin"].as_str().unwrap().contains("--role-arn"));

    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("apps");
    kubernetes.put_service_account("apps", "reader", &[("eks.amazonaws.com/role-arn", ROLE)]);
    kubernetes.grant("driver", Rule::new(["get"], ["serviceaccounts"]));
    let kubeconfig = driver.path("kubeconfig");
    kubernetes.write_kubeconfig(&kubeconfig, &kubernetes.add_user("driver")).unwrap();
    let driver = driver.with("KUBECONFIG", kubeconfig.to_str().unwrap());
    let by_annotation = explanation(&driver, &request, &[]).await;
    assert_eq!(
        by_annotation["role"]["origin"],
        "the annotation `eks.amazonaws.com/role-arn` of the ServiceAccount apps/reader"
    );

    let cloud = Cloud::start().await;
    let mut request = publish("driver");
    request["volumeContext"].as_object_mut().unwrap().remove("authenticationSource");
    let by_variable = explanation(&cloud.driver_with_role(), &request, &[]).await;
    assert!(by_variable["role"]["origin"].as_str().unwrap().contains("AWS_ROLE_ARN"));
    assert!(by_variable["level"].as_str().unwrap().contains("default"));
    let anonymous = explanation(&Driver::new(), &anonymous(), &[]).await;
    assert_eq!(anonymous["role"], Value::Null);
}

fn anonymous() -> Value {
    let mut request = publish("driver");
    request["volumeCapability"] = json!({"mount": {"mountFlags": ["--no-sign-request"]}});
    request
}

#[tokio::test]
async fn why_it_is_delivered_and_refreshed_so_is_reported() {
    let cloud = Cloud::start().await;
    let pod = publish_with_tokens(&cloud.issuer);
    let keys = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    let role = ["--role-arn", ROLE];
    let profile = [&role[..], &["--delivery", "profile"]].concat();
    let plain = ["--delivery", "environment"];
    for (driver, request, more, delivery, refresh) in [
        (cloud.driver(), &pod, &role[..], "the default for the form web-identity", "80 %"),
        (cloud.driver(), &pod, &profile, "--delivery", "rotation.profileMargin"),
        (cloud.driver(), &keys, &[], "the default for the form keys", "no end"),
        (cloud.driver(), &keys, &plain, "--delivery", "never"),
        (cloud.driver(), &publish("driver"), &[], "IMDS", "Mountpoint renews"),
        (cloud.driver(), &anonymous(), &[], "--no-sign-request", "no credentials to renew"),
    ] {
        let explained = explanation(&driver, request, more).await;
        let has = |name: &str, part: &str| explained[name].as_str().unwrap().contains(part);
        assert!(has("delivery", delivery) && has("refresh", refresh), "{explained}");
    }
    let (driver, config) = driver_with_rules();
    let scoped = driver.file("scoped.yaml", "scope: volume");
    let sts = cloud.sts.url();
    let driver = driver.with("AWS_ENDPOINT_URL_STS", &sts);
    let explained = explanation(&driver, &pod, &[&role[..], &["--config", &scoped]].concat()).await;
    assert!(explained["delivery"].as_str().unwrap().contains("scope: volume"), "{explained}");
    let systemd = ["--config", &config, "--mount-kind", "systemd"];
    let explained = explanation(&driver, &pod, &systemd).await;
    assert!(explained["delivery"].as_str().unwrap().contains("`delivery.systemd.web-identity`"));
}

#[tokio::test]
async fn the_effect_of_a_republish_on_a_mounted_volume_is_reported() {
    let driver = Driver::new().with("AWS_REGION", "eu-north-1");
    let other = "arn:aws:iam::111122223333:role/writer";
    let request = with_token(publish("pod"), "token", LATER);
    let first = driver.provide(&request, &["--role-arn", ROLE]).await.public_object();
    let before = (driver.entries("write"), driver.entries("state"));

    let more = ["--role-arn", other, "--output", "json"];
    let explained = driver.explain(&request, &more).await.public_object();
    assert_eq!(explained["identityChanged"], true);
    assert_eq!(explained["environment"]["AWS_ROLE_ARN"], ROLE);
    assert_eq!(explained["expiresAt"], first["expiresAt"]);
    let unmounted = [&more[..], &["--mounted", "no"]].concat();
    let explained = driver.explain(&request, &unmounted).await.public_object();
    assert!(explained.get("identityChanged").is_none());
    assert_eq!(explained["environment"]["AWS_ROLE_ARN"], other);

    let expired = with_token(publish("pod"), CANARY, "2001-01-01T00:00:00Z");
    let of_explain = driver.explain(&expired, &more).await.error();
    of_explain.is("unavailable", "UNAVAILABLE", 5).says("keeps its credentials");
    let of_provide = driver.provide(&expired, &["--role-arn", other]).await.error();
    assert_eq!(of_explain.timeless(), of_provide.timeless());
    assert_eq!((driver.entries("write"), driver.entries("state")), before);
}

/// What a command prints on a terminal.
fn on_a_terminal(mut command: Command) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let other_end = ptsname(&terminal, Vec::new()).unwrap();
    let other_end =
        OpenOptions::new().read(true).write(true).open(other_end.to_str().unwrap()).unwrap();
    let mut child = command.stdout(other_end).spawn().unwrap();
    drop(command);
    let (mut printed, mut buffer) = (Vec::new(), [0; 4096]);
    let mut terminal = File::from(terminal);
    // Linux returns EIO when the other end is closed.
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        printed.extend_from_slice(&buffer[..read]);
    }
    child.wait().unwrap();
    String::from_utf8(printed).unwrap()
}

fn on_xterm(driver: &Driver, arguments: &[&str]) -> Command {
    let mut command = driver.command(arguments);
    command.env("TERM", "xterm");
    command
}

#[test]
fn a_terminal_shows_colours_unless_they_are_unwanted() {
    let driver = Driver::new();
    let file =
        driver.file("request.json", &publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY).to_string());
    let broken = driver.file("broken.json", &publish_with_keys("", CANARY).to_string());
    for (arguments, painted) in [
        (&["explain", "--request", &file][..], "\u{1b}[32mprovided\u{1b}[0m"),
        (&["explain", "--request", &broken], "\u{1b}[31mfailed\u{1b}[0m"),
        (&["doctor"], "\u{1b}[2mskipped\u{1b}[0m"),
    ] {
        let printed = on_a_terminal(on_xterm(&driver, arguments));
        assert!(printed.contains(painted), "{printed}");
        assert!(!printed.contains(CANARY));
    }
    let explain = ["explain", "--request", &file];
    let json = on_xterm(&driver, &[&explain[..], &["--output", "json"]].concat());
    let mut unwanted = on_xterm(&driver, &explain);
    unwanted.env("NO_COLOR", "1");
    for plain in [json, unwanted].map(on_a_terminal) {
        assert!(!plain.contains('\u{1b}'), "{plain}");
    }
}
