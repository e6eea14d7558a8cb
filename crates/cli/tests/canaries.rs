//! The binary at its most talkative: whatever is asked of it and whatever it is answered, no secret
//! is on stdout, on stderr or in what it remembers; and no other crate is heard.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::fs;
use std::process::{Command, Output};

use s3_credential_testkit::iam::{Iam, Role, Trust};
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::scratch::Scratch;
use s3_credential_testkit::server::Fault;
use s3_credential_testkit::sts::Sts;
use serde_json::json;

const ROLE: &str = "arn:aws:iam::111122223333:role/reader";
const CANARY: &str = "canary/AKIA+of-the-";

struct World {
    iam: Iam,
    sts: Sts,
    scratch: Scratch,
    token: String,
    /// More of the driver's environment, with [`URL_CANARY`] in it.
    more: Vec<(&'static str, String)>,
}

impl World {
    async fn start() -> Self {
        let iam = Iam::default();
        let issuer = Issuer::new("https://oidc.example.test/id/1");
        iam.add_provider(issuer.verifier(), ["sts.amazonaws.com"]);
        let trust = Trust::web_identity(issuer.url(), "system:serviceaccount:*");
        iam.add_role(Role::new(ROLE).trusting(trust));
        let token = issuer.service_account("apps", "web").audience("sts.amazonaws.com").sign();
        let sts = Sts::start(iam.clone()).await.unwrap();
        let scratch = Scratch::new_in(env!("CARGO_TARGET_TMPDIR"), "canaries").unwrap();
        scratch.directory("write").unwrap();
        Self { iam, sts, scratch, token, more: Vec::new() }
    }

    fn path(&self, name: &str) -> String {
        self.scratch.path().join(name).to_str().unwrap().to_owned()
    }

    /// A request with a secret in each place that can hold one, and the secret key to be used at
    /// secret level.
    fn write_request(&self, level: &str, access_key: &str) {
        let tokens = json!({"sts.amazonaws.com": {
            "token": self.token, "expirationTimestamp": "2999-01-01T00:00:00Z"
        }});
        let request = json!({
            "volumeId": "v",
            "targetPath": "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount",
            "volumeContext": {
                "authenticationSource": level,
                "stsRegion": "eu-north-1",
                "csi.storage.k8s.io/pod.namespace": "apps",
                "csi.storage.k8s.io/serviceAccount.name": "web",
                "csi.storage.k8s.io/serviceAccount.tokens": tokens.to_string(),
            },
            "secrets": {"key_id": "AKIAIOSFODNN7EXAMPLE", "access_key": access_key},
        });
        self.scratch.write("request", &request.to_string()).unwrap();
    }

    /// Runs the binary on another thread than the emulators', with every log that there is.
    async fn run(&self, log: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_s3cred"));
        command
            .env_clear()
            .env("TMPDIR", self.scratch.path())
            .env("RUST_LOG", log)
            .env("RUST_BACKTRACE", "full")
            // The SDK then logs bodies, too.
            .env("LOG_SENSITIVE_BODIES", "request,response,signing")
            .env("AWS_ENDPOINT_URL_STS", self.sts.url())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", format!("{CANARY}environment"))
            .envs(self.more.iter().map(|(name, value)| (name, value)))
            .args(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Everything that the command line has for a volume; how many of the commands succeeded.
    async fn live(&self, log: &str) -> usize {
        let (request, write, state) =
            (self.path("request"), self.path("write"), self.path("state"));
        let mount = ["--request", &request, "--role-arn", ROLE, "--state-path", &state];
        let (write, state) = (["--write-path", &write], ["--state-path", &state]);
        let [provide, explain, region, cleanup, doctor] =
            ["provide", "explain", "region", "cleanup", "doctor"].map(|command| vec![command]);
        let for_volume =
            |command: Vec<_>| [command, mount.to_vec(), vec!["--delivery", "profile"]].concat();
        let commands = [
            [for_volume(provide.clone()), write.to_vec()].concat(),
            [for_volume(provide), write.to_vec(), vec!["--output", "env"]].concat(),
            [for_volume(explain.clone()), vec!["--output", "json"]].concat(),
            for_volume(explain),
            [region, vec!["--request", &request]].concat(),
            [doctor, state.to_vec()].concat(),
            [cleanup, vec!["--request", &request], write.to_vec(), state.to_vec()].concat(),
        ];
        let mut succeeded = 0;
        for command in commands {
            let output = self.run(log, &command).await;
            self.assert_silent(&command, &output);
            succeeded += usize::from(output.status.success());
        }
        // What it prints is keys; what it says beside is not.
        let process = ["process", "--request", &request, "--role-arn", ROLE];
        let Output { status, stderr, .. } = self.run(log, &process).await;
        self.assert_silent(&process, &Output { status, stderr, stdout: Vec::new() });
        succeeded
    }

    fn assert_silent(&self, command: &[&str], output: &Output) {
        let mut seen = [&output.stdout, &output.stderr]
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .to_vec();
        for name in ["state", "write"] {
            for entry in fs::read_dir(self.path(name)).into_iter().flatten() {
                let path = entry.unwrap().path();
                seen.push(path.display().to_string());
                // Of the write path only the names must not reveal a secret; its files are the
                // credentials.
                if path.is_file() {
                    seen.push(String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned());
                }
            }
        }
        let signature = self.token.rsplit('.').next().unwrap().to_owned();
        let mut secrets =
            vec![CANARY.to_owned(), URL_CANARY.to_owned(), self.token.clone(), signature];
        for issued in self.iam.all_issued() {
            secrets.push(issued.secret_access_key.expose().to_owned());
            secrets.extend(issued.session_token.map(|token| token.expose().to_owned()));
        }
        for secret in &secrets {
            let found = seen.iter().find(|text| text.contains(secret.as_str()));
            assert!(found.is_none(), "{command:?} shows {secret}: {}", found.unwrap());
        }
        assert_only_we_are_heard(&seen[1]);
    }
}

/// A line of the log is a time, a level, a target and a colon.
fn assert_only_we_are_heard(stderr: &str) {
    for line in stderr.lines() {
        let mut words = line.split_whitespace();
        let is_level = |word: &str| ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&word);
        if words.nth(1).is_some_and(is_level) {
            let target = words.next().unwrap_or_default();
            assert!(target.starts_with("s3_credential_") || target.starts_with("s3cred"), "{line}");
        }
    }
}

#[tokio::test]
async fn no_secret_is_seen_at_any_level_of_the_log() {
    for log in
        ["trace", "aws_smithy_runtime=trace,hyper_util=trace,s3_credential_provider=trace", "error"]
    {
        let world = World::start().await;
        for (level, access_key) in
            [("pod", ""), ("secret", "canary/AKIA+of-the-request"), ("driver", "")]
        {
            world.write_request(level, access_key);
            assert!(world.live(log).await >= 6, "{level}");
        }
        assert!(world.sts.calls().total() > 0);
    }
}

#[tokio::test]
async fn no_secret_is_seen_of_what_is_malformed() {
    let world = World::start().await;
    let cut = |body: String| body[..body.len() - body.len().min(60)].to_owned();
    let renamed = |body: String| body.replace("<Expiration>", "<Expiry>");
    let faults = [
        Fault::rewrite(cut),
        Fault::rewrite(renamed),
        Fault::rewrite(|body| body.replace("</SecretAccessKey>", "")),
        Fault::status(400, format!("<Error><Code>{CANARY}answer</Code></Error>")),
        Fault::status(500, format!("{CANARY}answer")),
    ];
    world.write_request("pod", "");
    for fault in faults {
        world.sts.faults().always("AssumeRoleWithWebIdentity", fault);
        world.live("trace").await;
        world.sts.faults().clear_all();
    }
    for access_key in [
        "canary/AKIA+of-the-request #",
        "canary/AKIA+of-the-request\n",
        "'canary/AKIA+of-the-request",
    ] {
        world.write_request("secret", access_key);
        world.live("trace").await;
    }
    // A request that is no JSON, with a secret where it ends to be one.
    let text = fs::read_to_string(world.path("request")).unwrap();
    let broken = text.replace("'canary", "\\q canary");
    for broken in
        [broken, text.replace("{\"access_key\":\"", "\""), text[..text.len() - 5].to_owned()]
    {
        world.scratch.write("request", &broken).unwrap();
        assert_eq!(world.live("trace").await, 1, "only the doctor needs no request");
    }
}

/// A password or an authorization in each variable that holds an address.
const URL_CANARY: &str = "canary-AKIA-of-the-address";

#[tokio::test]
async fn no_secret_is_seen_of_user_info_in_urls_and_of_container_addresses() {
    let mut world = World::start().await;
    let with_password = |url: &str| url.replacen("://", &format!("://svc:{URL_CANARY}@"), 1);
    let proxy = with_password("http://127.0.0.1:1");
    let container = format!("{}/v1/{URL_CANARY}", with_password("http://127.0.0.1:1"));
    let sts = with_password(&world.sts.url());
    let addresses: [&[(&'static str, String)]; 4] = [
        &[
            ("HTTPS_PROXY", proxy.clone()),
            ("https_proxy", proxy.clone()),
            ("HTTP_PROXY", proxy.clone()),
        ],
        &[("AWS_ENDPOINT_URL_STS", sts), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", proxy.clone())],
        &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.clone())],
        &[("EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI", container)],
    ];
    for variables in addresses {
        world.more = variables.to_vec();
        for level in ["pod", "driver"] {
            world.write_request(level, "");
            let succeeded = world.live("trace").await;
            assert!(succeeded > 0, "{variables:?} {level}");
        }
    }
}
