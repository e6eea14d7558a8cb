//! Keys that decide about a volume when it is published.

use super::scene::{Scene, World};
use super::{Case, case, check};
use Scene::{Container, Driver, HalfToken, Inline, PlainHttp, Pod, Secret, Systemd, Token};

const PROFILE_OF_IRSA: &str = "delivery: {pod: {web-identity: profile}}";
const HOP: &str = "delivery: {pod: {web-identity: profile}}
sources: {irsa: {secondHop: {roleArn: 'arn:aws:iam::111122223333:role/data'}}}";
const MAPPED: &str = "chains: {pod: [pod-token]}
sources: {pod-token: {roles: [mapping], mapping: [{namespace: team-a, serviceAccount: photos, roleArn: 'arn:aws:iam::111122223333:role/mapped'}]}}";
const MOUNTED: &str = "chains: {driver: [secret-directory]}
sources: {secret-directory: {path: SCRATCH/keys}}";
const NAMED: &str =
    "sources: {secret-request: {keyNames: {accessKeyId: user, secretAccessKey: password}}}";
const PROFILE_OF_NODE: &str = "chains: {driver: [imds]}
services: {imds: {probe: false}}";
const HOURLY: &str = "chains: {driver: [hourly]}";
const HOURLY_ENDPOINT: &str = "chains: {driver: [hourly]}
delivery: {systemd: {keys: endpoint}}";
const SLOW: &str = "chains: {driver: [slow]}";
const SLOW_REGION: &str = "chains: {region: [slow, environment]}";

#[rustfmt::skip] // One case, one line, or two: a table.
pub(super) const CASES: &[Case<Scene>] = &[
    case("version", Driver, ["version: 1", "source secret-environment"], ["version: 2", "this is not 1"]),
    case("chains.driver", Driver, ["", "source secret-environment"], ["chains: {driver: [imds]}", "no-source"]),
    case("chains.driver.name", Driver, ["", "source secret-environment"], ["chains: {driver: [{name: hourly}]}", "source hourly"]),
    case("chains.driver.onFailure", HalfToken, ["chains: {driver: [irsa, secret-environment]}", "misconfigured"],
        ["chains: {driver: [{name: irsa, onFailure: continue}, secret-environment]}", "source secret-environment"]),
    case("chains.pod", Pod, ["", "source pod-token"], ["chains: {pod: [pod-identity]}", "source pod-identity"]),
    case("chains.secret", Secret, ["", "no-source"], ["chains: {secret: [secret-request, secret-environment]}", "source secret-environment"]),
    case("chains.region", Driver, ["", "region eu-north-1 of environment"],
        ["chains: {region: [fixed]}\nresolvers: {fixed: {region: us-west-2}}", "region us-west-2 of fixed"]),
    case("sources.secret-environment.type", Driver, ["", "source secret-environment"],
        ["chains: {driver: [ours]}\nsources: {ours: {type: secret-environment}}", "source ours"]),
    case("sources.secret-environment.timeout", Driver, [SLOW, "within 90 s"],
        ["chains: {driver: [slow]}\nsources: {slow: {timeout: 50ms}}", "no answer within 0.05 s"]),
    case("resolvers.environment.timeout", Driver, [SLOW_REGION, "within 90 s"],
        ["chains: {region: [slow, environment]}\nresolvers: {slow: {timeout: 50ms}}", "asked slow: failed no answer within 0.05 s"]),
    case("resolvers.fixed.region", Driver, ["chains: {region: [fixed]}\nresolvers: {fixed: {region: us-west-2}}", "region us-west-2"],
        ["chains: {region: [fixed]}\nresolvers: {fixed: {region: eu-west-3}}", "region eu-west-3"]),
    case("resolvers.node-label.nodeVariable", Driver, ["chains: {region: [node-label]}", "CSI_NODE_NAME is not set"],
        ["chains: {region: [node-label]}\nresolvers: {node-label: {nodeVariable: OUR_NODE}}", "OUR_NODE is not set"]),

    case("sources.irsa.session.name", Token, ["", ""],
        ["sources: {irsa: {session: {name: ours}}}", "AWS_ROLE_SESSION_NAME=ours"]),
    case("sources.irsa.session.duration", Token, ["", "delivery delegated"],
        ["sources: {irsa: {session: {duration: 30m}}}", "duration: Some(1800s)"]),
    case("sources.irsa.session.policy", Token, ["", "delivery delegated"],
        ["sources: {irsa: {session: {policy: '{\"ours\":1}'}}}", r#"policy: Some("{\"ours\":1}")"#]),
    case("sources.irsa.session.policyArns", Token, ["", "delivery delegated"],
        ["sources: {irsa: {session: {policyArns: ['arn:aws:iam::aws:policy/Ours']}}}", r#"policy_arns: ["arn:aws:iam::aws:policy/Ours"]"#]),
    case("sources.irsa.session.regionalEndpoints", Token, [PROFILE_OF_IRSA, "regional_endpoints: None"],
        ["delivery: {pod: {web-identity: profile}}\nsources: {irsa: {session: {regionalEndpoints: legacy}}}", r#"regional_endpoints: Some("legacy")"#]),
    case("sources.irsa.secondHop.roleArn", Token, [PROFILE_OF_IRSA, "} None"], [HOP, "role/data"]),
    case("sources.irsa.secondHop.externalId", Token, [HOP, "external_id: None"],
        ["sources: {irsa: {secondHop: {roleArn: 'arn:aws:iam::111122223333:role/data', externalId: ours}}}", r#"external_id: Some("ours")"#]),
    case("sources.irsa.secondHop.sessionName", Token, [HOP, "session_name: None"],
        ["sources: {irsa: {secondHop: {roleArn: 'arn:aws:iam::111122223333:role/data', sessionName: ours}}}", r#"session_name: Some("ours")"#]),
    case("sources.irsa.secondHop.duration", Token, [HOP, "None, tags"],
        ["sources: {irsa: {secondHop: {roleArn: 'arn:aws:iam::111122223333:role/data', duration: 30m}}}", "Some(1800s), tags"]),
    case("sources.irsa.secondHop.tags", Token, [HOP, "tags: []"],
        ["sources: {irsa: {secondHop: {roleArn: 'arn:aws:iam::111122223333:role/data', tags: {team: photos}}}}", r#"tags: [("team", "photos")]"#]),

    case("sources.pod-identity.agentUri", Pod, ["chains: {pod: [pod-identity]}", "169.254.170.23"],
        ["chains: {pod: [pod-identity]}\nsources: {pod-identity: {agentUri: 'http://127.0.0.1:9/v1/credentials'}}", "127.0.0.1:9"]),
    case("sources.pod-token.roles", Pod, ["", "role/context"], [MAPPED, "role/mapped"]),
    case("sources.pod-token.mapping.namespace", Pod, [MAPPED, "role/mapped"],
        ["sources: {pod-token: {roles: [mapping], mapping: [{namespace: team-b, serviceAccount: photos, roleArn: 'arn:aws:iam::111122223333:role/mapped'}]}}", "asked pod-token: not-applicable"]),
    case("sources.pod-token.mapping.serviceAccount", Pod, [MAPPED, "role/mapped"],
        ["sources: {pod-token: {roles: [mapping], mapping: [{namespace: team-a, serviceAccount: 'film?', roleArn: 'arn:aws:iam::111122223333:role/mapped'}]}}", "asked pod-token: not-applicable"]),
    case("sources.pod-token.mapping.roleArn", Pod, [MAPPED, "role/mapped"],
        ["sources: {pod-token: {roles: [mapping], mapping: [{namespace: team-a, serviceAccount: photos, roleArn: 'arn:aws:iam::111122223333:role/other'}]}}", "role/other"]),
    case("sources.pod-token.audience", Pod, ["", "for-sts-amazonaws-com"], ["sources: {pod-token: {audience: ours.example.com}}", "for-ours-example-com"]),
    case("sources.pod-token.session.duration", Pod, ["", "delivery delegated"], ["sources: {pod-token: {session: {duration: 30m}}}", "duration: Some(1800s)"]),
    case("sources.pod-token.secondHop.roleArn", Pod, ["", "delivery delegated"],
        ["sources: {pod-token: {secondHop: {roleArn: 'arn:aws:iam::111122223333:role/data'}}}", "role/data"]),

    case("sources.secret-request.keyNames.accessKeyId", Secret, ["sources: {secret-request: {keyNames: {secretAccessKey: password}}}", "invalid-secret"],
        [NAMED, "AKIANAMED"]),
    case("sources.secret-request.keyNames.secretAccessKey", Secret, ["sources: {secret-request: {keyNames: {accessKeyId: user}}}", "invalid-secret"],
        [NAMED, "AKIANAMED"]),
    case("sources.secret-request.keyNames.sessionToken", Secret, [NAMED, ""],
        ["sources: {secret-request: {keyNames: {accessKeyId: user, secretAccessKey: password, sessionToken: ticket}}}", "named-session"]),
    case("sources.secret-request.keyNames.region", Secret, [NAMED, ""],
        ["sources: {secret-request: {keyNames: {accessKeyId: user, secretAccessKey: password, region: where}}}", "ap-southeast-2"]),
    case("sources.secret-request.keyNames.endpoint", Secret, [NAMED, ""],
        ["sources: {secret-request: {keyNames: {accessKeyId: user, secretAccessKey: password, endpoint: url}}}", "https://s3.example.com"]),
    case("sources.secret-directory.path", Driver, [MOUNTED, "AKIAMOUNTED"],
        ["chains: {driver: [secret-directory]}\nsources: {secret-directory: {path: SCRATCH/other-keys}}", "AKIAOTHER"]),
    case("sources.secret-directory.keyNames.accessKeyId", Driver, [MOUNTED, "AKIAMOUNTED"],
        ["chains: {driver: [secret-directory]}\nsources: {secret-directory: {path: SCRATCH/keys, keyNames: {accessKeyId: user}}}", "AKIANAMED"]),

    case("delivery.pod.keys", Driver, ["", "delivery profile"], ["delivery: {pod: {keys: environment}}", "delivery environment"]),
    case("delivery.pod.web-identity", Token, ["", "delivery delegated"], [PROFILE_OF_IRSA, "delivery profile"]),
    case("delivery.pod.container", Container, ["", "delivery delegated"], ["delivery: {pod: {container: profile}}", "delivery profile"]),
    case("delivery.pod.instance-profile", Driver, [PROFILE_OF_NODE, "delivery none"],
        ["chains: {driver: [imds]}\nservices: {imds: {probe: false}}\ndelivery: {pod: {instance-profile: profile}}", "delivery profile"]),
    case("delivery.systemd.keys", Systemd, ["delivery: {pod: {keys: environment}}", "delivery profile"],
        ["delivery: {systemd: {keys: environment}}", "delivery environment"]),
    case("scope", Token, ["", "delivery delegated"], ["scope: volume", "arn:aws:s3:::photos"]),
    case("rotation.tokenLifePercent", Token, ["", "refresh in 2880 s"], ["rotation: {tokenLifePercent: 50}", "refresh in 1800 s"]),
    case("rotation.profileMargin", Driver, [HOURLY, "refresh in 2400 s"], ["chains: {driver: [hourly]}\nrotation: {profileMargin: 30m}", "refresh in 1800 s"]),
    case("rotation.endpointMargin", Systemd, [HOURLY_ENDPOINT, "refresh in 3000 s"],
        ["chains: {driver: [hourly]}\ndelivery: {systemd: {keys: endpoint}}\nrotation: {endpointMargin: 20m}", "refresh in 2400 s"]),
    case("endpoint.address", Systemd, [HOURLY_ENDPOINT, "endpoint at 127.0.0.1"],
        ["chains: {driver: [hourly]}\ndelivery: {systemd: {keys: endpoint}}\nendpoint: {address: '127.0.0.2:0'}", "endpoint at 127.0.0.2"]),
    case("files.ownerOnly", Driver, ["", "file mode 640"], ["files: {ownerOnly: true}", "file mode 600"]),
    case("operationTimeout", Driver, [SLOW, "within 90 s"], ["chains: {driver: [slow]}\noperationTimeout: 2s", "within 2 s"]),
    case("allowEphemeralDriverLevel", Inline, ["", "permission-denied"], ["allowEphemeralDriverLevel: true", "source secret-environment"]),
    case("allowPlainHttp", PlainHttp, ["", "misconfigured"], ["allowPlainHttp: true", "delivery profile"]),
    case("statePath", Driver, ["", "state in elsewhere: false"], ["statePath: SCRATCH/elsewhere", "state in elsewhere: true"]),
    case("services.imds.probe", Driver, ["chains: {driver: [imds]}", "asked imds: not-applicable"], [PROFILE_OF_NODE, "source imds"]),
];

#[tokio::test(start_paused = true)]
async fn a_key_that_decides_about_a_volume_changes_what_is_provided() {
    check(CASES, async |scene, yaml: &str| World::new().see(scene, yaml).await).await;
}

/// The keys of the test below.
pub(super) const OWNER: &[&str] = &["files.owner.uid", "files.owner.gid"];

/// Only who may give files away can be seen to do so; anybody else is refused.
#[tokio::test(start_paused = true)]
async fn files_are_given_to_the_owner_of_the_configuration() {
    let see = |yaml: &'static str| async move { World::new().see(Driver, yaml).await };
    let plain = see("").await;
    for (yaml, owner) in [
        ("files: {owner: {uid: 4242, gid: 4343}}", "owner 4242 group 4343"),
        ("files: {owner: {uid: 4242, gid: 4344}}", "owner 4242 group 4344"),
    ] {
        let seen = see(yaml).await;
        assert!(!plain.contains(owner));
        assert!(seen.contains(owner) || seen.contains("file-system"), "{yaml}: {seen}");
    }
}
