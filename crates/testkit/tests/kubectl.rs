//! The real `kubectl` against the Kubernetes emulator. Built only with the feature `e2e-kubectl`,
//! and fails where there is no `kubectl`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of a test fail as tests do"
)]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use s3_credential_testkit::clock::{Clock as _, SystemClock};
use s3_credential_testkit::ids;
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

const POD_UID: &str = "0b9e7c2e-1111-4222-8333-444455556666";

/// One user's `kubectl`, with a home of its own.
struct Kubectl {
    home: PathBuf,
}

/// What a finished `kubectl` said.
struct Said {
    succeeded: bool,
    stdout: String,
    stderr: String,
}

impl Kubectl {
    fn of(kubernetes: &Kubernetes, token: &str) -> Self {
        let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(ids::uuid());
        std::fs::create_dir_all(&home).unwrap();
        kubernetes.write_kubeconfig(home.join("kubeconfig"), token).unwrap();
        Self { home }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("kubectl");
        command
            .args(line.split(' '))
            .env("HOME", &self.home)
            .env("KUBECONFIG", self.home.join("kubeconfig"))
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null());
        command
    }

    async fn run(&self, line: &str) -> Said {
        let mut command = self.command(line);
        let output = spawn_blocking(move || command.output()).await.unwrap();
        let output = output.expect("kubectl is installed");
        Said {
            succeeded: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The output of a command that succeeds.
    async fn ok(&self, line: &str) -> String {
        let said = self.run(line).await;
        assert!(said.succeeded, "kubectl {line}: {}", said.stderr);
        said.stdout
    }

    /// The error output of a command that fails.
    async fn refused(&self, line: &str) -> String {
        let said = self.run(line).await;
        assert!(!said.succeeded, "kubectl {line}: {}", said.stdout);
        said.stderr
    }
}

impl Drop for Kubectl {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

async fn cluster() -> (Kubernetes, Kubectl) {
    let kubernetes = Kubernetes::start().await.unwrap();
    let role = "arn:aws:iam::111122223333:role/web";
    kubernetes.put_service_account("apps", "web", &[("eks.amazonaws.com/role-arn", role)]);
    kubernetes.put_secret("apps", "keys", &[("key_id", "AKIAEXAMPLE")]);
    kubernetes.put_node("node-1", &[("topology.kubernetes.io/region", "eu-west-1")]);
    kubernetes.put_pod("apps", "web-0", POD_UID, "web");
    let admin = Kubectl::of(&kubernetes, kubernetes.admin_token());
    (kubernetes, admin)
}

#[tokio::test]
async fn get_shows_every_kind() {
    let (_kubernetes, kubectl) = cluster().await;
    let names = kubectl.ok("get sa,secret,node,pod -n apps -o name").await;
    let names: Vec<_> = names.lines().collect();
    assert_eq!(names, ["serviceaccount/web", "secret/keys", "node/node-1", "pod/web-0"]);

    let table = kubectl.ok("get sa,secret,node,pod --all-namespaces").await;
    for name in ["serviceaccount/web", "secret/keys", "node/node-1", "pod/web-0"] {
        assert!(table.contains(name), "{table}");
    }
    let yaml = kubectl.ok("get sa web -n apps -o yaml").await;
    assert!(
        yaml.contains("eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/web"),
        "{yaml}"
    );
    let yaml = kubectl.ok("get secret keys -n apps -o yaml").await;
    assert!(yaml.contains("key_id: QUtJQUVYQU1QTEU="), "{yaml}");
    let nodes = kubectl.ok("get nodes -l topology.kubernetes.io/region=eu-west-1 -o name").await;
    assert_eq!(nodes, "node/node-1\n");
    let described = kubectl.ok("describe secret keys -n apps").await;
    assert!(described.contains("key_id:  11 bytes"), "{described}");
}

#[tokio::test]
async fn create_token_mints_a_pod_bound_token() {
    let (kubernetes, kubectl) = cluster().await;
    let bound =
        format!("--bound-object-kind Pod --bound-object-name web-0 --bound-object-uid {POD_UID}");
    let create = "create token web -n apps --audience sts.amazonaws.com --duration";
    let token = kubectl.ok(&format!("{create} 10m {bound}")).await;

    let claims = kubernetes.issuer().verifier().verify(token.trim(), SystemClock.now()).unwrap();
    assert_eq!(claims.subject(), "system:serviceaccount:apps:web");
    assert_eq!(claims.audiences(), ["sts.amazonaws.com"]);
    assert_eq!(claims.get("kubernetes.io").unwrap()["pod"]["uid"], POD_UID);
    assert_eq!(kubernetes.calls().of("create serviceaccounts/token"), 1);

    let short = kubectl.refused(&format!("{create} 5m")).await;
    assert!(short.contains("may not specify a duration less than 10 minutes"), "{short}");
    let missing = kubectl.refused("create token gone -n apps").await;
    assert!(missing.contains(r#"serviceaccounts "gone" not found"#), "{missing}");
}

#[tokio::test]
async fn auth_answers_by_the_rules() {
    let (kubernetes, _admin) = cluster().await;
    let rule = Rule::new(["get"], ["serviceaccounts"]).in_namespace("apps");
    kubernetes.grant("system:serviceaccount:apps:web", rule);
    let kubectl = Kubectl::of(&kubernetes, &kubernetes.service_account_token("apps", "web"));

    assert_eq!(kubectl.ok("auth can-i get serviceaccounts -n apps").await, "yes\n");
    let no = kubectl.run("auth can-i get secrets -n apps").await;
    assert_eq!((no.succeeded, no.stdout.as_str()), (false, "no\n"));
    let no = kubectl.run("auth can-i create serviceaccounts --subresource token -n apps").await;
    assert_eq!((no.succeeded, no.stdout.as_str()), (false, "no\n"));
    assert!(kubectl.ok("auth can-i --list -n apps").await.contains("serviceaccounts"));
    assert!(kubectl.ok("auth whoami").await.contains("system:serviceaccount:apps:web"));

    assert!(kubectl.ok("get sa web -n apps").await.contains("web"));
    let refused = kubectl.refused("get secret keys -n apps").await;
    let words = r#"Error from server (Forbidden): secrets "keys" is forbidden: User "system:serviceaccount:apps:web" cannot get resource "secrets" in API group "" in the namespace "apps""#;
    assert!(refused.contains(words), "{refused}");

    let stranger = Kubectl::of(&kubernetes, "stranger");
    let refused = stranger.refused("get sa web -n apps").await;
    assert!(refused.contains("You must be logged in to the server"), "{refused}");
}

#[tokio::test]
async fn get_watch_follows_a_secret() {
    let (kubernetes, kubectl) = cluster().await;
    let mut command =
        kubectl.command("get secret keys -n apps --watch -o jsonpath={.data.key_id}{\"\\n\"}");
    let mut child = command.stdout(Stdio::piped()).spawn().expect("kubectl is installed");
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, mut lines) = mpsc::unbounded_channel();
    // Ends with the output.
    spawn_blocking(move || output.lines().try_for_each(|line| sender.send(line.unwrap())));

    assert_eq!(lines.recv().await.unwrap(), "QUtJQUVYQU1QTEU=");
    kubernetes.called("watch secrets", 1).await;
    kubernetes.put_secret("apps", "keys", &[("key_id", "rotated")]);
    assert_eq!(lines.recv().await.unwrap(), "cm90YXRlZA==");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn objects_are_created_changed_and_deleted() {
    let (kubernetes, kubectl) = cluster().await;
    kubectl.ok("create namespace shop").await;
    kubectl.ok("create sa cart -n shop").await;
    kubectl.ok("annotate sa cart -n shop eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/cart").await;
    kubectl.ok("create secret generic keys -n shop --from-literal=key_id=AKIA").await;
    let account = kubernetes.object("serviceaccounts", "shop", "cart").unwrap();
    let role = &account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"];
    assert_eq!(role, "arn:aws:iam::111122223333:role/cart");
    let again = kubectl.refused("create sa cart -n shop").await;
    assert!(again.contains(r#"serviceaccounts "cart" already exists"#), "{again}");

    kubectl.ok("delete secret keys -n shop").await;
    assert_eq!(kubernetes.object("secrets", "shop", "keys"), None);
    kubectl.ok("delete namespace shop").await;
    assert_eq!(kubernetes.object("serviceaccounts", "shop", "cart"), None);
}

#[tokio::test]
async fn discovery_satisfies_the_client() {
    let (_kubernetes, kubectl) = cluster().await;
    let resources = kubectl.ok("api-resources -o name").await;
    let mut names: Vec<_> = resources.lines().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "namespaces",
            "nodes",
            "pods",
            "secrets",
            "selfsubjectaccessreviews.authorization.k8s.io",
            "selfsubjectreviews.authentication.k8s.io",
            "selfsubjectrulesreviews.authorization.k8s.io",
            "serviceaccounts",
        ]
    );
    assert!(kubectl.ok("version").await.contains("Server Version: v1.33.0"));
    let missing = kubectl.refused("get configmaps").await;
    assert!(missing.contains("the server doesn't have a resource type"), "{missing}");
}
