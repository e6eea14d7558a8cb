//! The texts of `--help` beyond the flags: one page for all commands, and on each command's page
//! its output, with examples.

use std::fmt::Write as _;

use s3_credential_core::{ErrorKind, names};

use crate::error::exit_status;

/// How wide a page is at most.
pub(super) const WIDTH: usize = 100;

const STATUSES: [(&str, &str); 6] = [
    ("0", "done"),
    ("1", "INTERNAL, or a step of the demo that did not do what it should"),
    ("2", "INVALID_ARGUMENT, and bad usage"),
    ("3", "FAILED_PRECONDITION, NOT_FOUND: no source applies, no role found, no region"),
    ("4", "PERMISSION_DENIED, UNAUTHENTICATED"),
    ("5", "UNAVAILABLE, ABORTED, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED: try again"),
];

const FILES: [(&str, &str); 6] = [
    ("--request FILE", "a CSI request as JSON, at most 4 MiB; `-` is standard input"),
    (
        "--write-path DIR",
        "must exist. Each volume has one directory in it, `s3cred@POD@VOLUME`, 0750 with files 0640 by default. After the last cleanup it \
         is as it was before",
    ),
    ("--env-path DIR", "the write path as Mountpoint sees it, which the environment names"),
    (
        "--state-path DIR",
        "0700, the driver's own: the journal of leases, without any secret, and their locks. By default /run/s3cred for root, else \
         $XDG_RUNTIME_DIR/s3cred, else s3cred-UID in $TMPDIR or /tmp",
    ),
    (
        "--config FILE",
        "chains, sources and everything else that can be chosen, as YAML; see `s3cred config default`",
    ),
    (
        "standard output",
        "only what was asked for; logs go to standard error where RUST_LOG asks for them",
    ),
];

/// Exit statuses, kinds, environment, files and examples.
pub(super) fn overview() -> String {
    let mut page = section("Exit status", &STATUSES);
    page += "\nErrors:\n";
    page += &paragraph(
        "An error is exactly one line on standard error (RUST_LOG adds logs) and, where JSON is printed, one object on standard output: \
         {\"error\":{\"kind\",\"code\",\"retryable\",\"message\",\"help\",\"attempts\"}}. Every failure of a volume that is mounted is of the kind \
         `unavailable`, and removes no file. The kinds, with gRPC code and exit status:",
    );
    for kind in ErrorKind::ALL {
        let code = kind.code();
        let retry = if kind.is_retryable() { ", retryable" } else { "" };
        let title = format!("{kind} ({code}, {}{retry})", exit_status(code));
        page += &item(&title, &format!("{} Help: {}.", kind.description(), kind.advice()));
    }
    page + &section("\nEnvironment", &environment())
        + &section("\nFiles", &FILES)
        + &examples(&[
            "s3cred provide --request publish.json --write-path /run/mountpoint",
            "s3cred explain --request publish.json",
            "s3cred cleanup --request unpublish.json --write-path /run/mountpoint",
            "s3cred serve --request /etc/s3cred/volumes --write-path /run/mountpoint",
            "s3cred doctor",
        ])
}

/// The driver's variables, by what they are for.
fn environment() -> [(&'static str, &'static str); 14] {
    [
        (
            names::AWS_ROLE_ARN,
            "the driver's role, for its token in AWS_WEB_IDENTITY_TOKEN_FILE; AWS_ROLE_SESSION_NAME is passed on",
        ),
        (
            names::AWS_CONTAINER_CREDENTIALS_FULL_URI,
            "EKS Pod Identity of the driver, with AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ),
        (
            names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI,
            "the agent's URL for volumes at pod level",
        ),
        (
            names::AWS_ACCESS_KEY_ID,
            "long-term keys of the driver, with AWS_SECRET_ACCESS_KEY and perhaps AWS_SESSION_TOKEN",
        ),
        (
            names::AWS_PROFILE,
            "with AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE the driver's own profile; each of the three configures it",
        ),
        (names::AWS_REGION, "the region for volumes that name none; then AWS_DEFAULT_REGION"),
        (
            names::AWS_EC2_METADATA_DISABLED,
            "`true` disables all requests to IMDS; AWS_EC2_METADATA_SERVICE_ENDPOINT says where it is",
        ),
        (
            names::AWS_ENDPOINT_URL_STS,
            "where STS is, as a URL; passed on, and to Mountpoint as a host name",
        ),
        (
            names::AWS_STS_REGIONAL_ENDPOINTS,
            "`legacy` is the global endpoint where there is one; passed on",
        ),
        (names::AWS_CA_BUNDLE, "further certificate authorities; passed on"),
        (
            names::HTTPS_PROXY,
            "with NO_PROXY the way to STS; passed on, with the agent's addresses in NO_PROXY",
        ),
        (
            names::KUBECONFIG,
            "the Kubernetes API, from outside of a cluster; within one KUBERNETES_SERVICE_HOST leads there",
        ),
        (
            names::XDG_RUNTIME_DIR,
            "with TMPDIR where the state path is by default, for others than root",
        ),
        (
            "RUST_LOG",
            "which logs of this program are printed: `info`, `s3_credential_provider=debug`, ...",
        ),
    ]
}

pub(super) fn provide() -> String {
    output(
        "--output json: {\"authenticationLevel\", \"credentialSource\", \"form\", \"delivery\", \"region\":{\"name\", \"resolver\"}, \"environment\":{}, \
         \"files\":[{\"path\", \"mode\"}], \"expiresAt\", \"refreshAt\", \"attempts\":[{\"source\", \"outcome\", \"reason\", \"durationMs\"}]}. Null is what there is \
         none of. An outcome is provided, not-applicable, failed or not-tried. \"identityChanged\":true says that the chain would now choose \
         another identity, which a running Mountpoint could not see; it is taken with `--mounted no`. Start Mountpoint with this \
         environment, and with no other AWS_* variables.",
    ) + &examples(&[
        "s3cred provide --request publish.json --write-path /run/mountpoint",
        "s3cred provide --request - --write-path /run/mountpoint --mounted no <publish.json",
        "s3cred provide --request publish.json --write-path /tmp/s3 --consumer sdk --output env >volume.env",
        "s3cred provide --request publish.json --write-path . --env-path /comm --mountpoint-pod-uid UID",
    ])
}

pub(super) fn cleanup() -> String {
    output("--output json: {\"removed\":[paths], \"remainingHolders\":0}")
        + &examples(&[
            "s3cred cleanup --request unpublish.json --write-path /run/mountpoint",
            "s3cred cleanup --request unpublish.json --write-path . --mountpoint-pod-uid UID",
        ])
}

pub(super) fn region() -> String {
    output(
        "--output json: {\"region\":{\"name\", \"resolver\"}, \"attempts\":[{\"resolver\", \"outcome\", \"reason\", \"durationMs\"}]}. The resolvers, in their \
         order: volume-context (`stsRegion`), mount-options (`--region`), environment (AWS_REGION, AWS_DEFAULT_REGION), imds.",
    ) + &examples(&["s3cred region --request publish.json"])
}

pub(super) fn explain() -> String {
    output(
        "A tree for a person, in colour on a terminal. --output json: the object that `provide` prints, and \"explanation\": {\"level\", \
         \"role\": {\"arn\", \"origin\"}, \"delivery\", \"refresh\", \"help\": [{\"source\", \"help\"}], \"regionAttempts\"}. Keys are masked.",
    ) + &examples(&[
        "s3cred explain --request publish.json",
        "s3cred explain --request publish.json --config chains.yaml --output json",
    ])
}

pub(super) fn process() -> String {
    output(
        "{\"Version\":1,\"AccessKeyId\", \"SecretAccessKey\", \"SessionToken\", \"Expiration\"}, the last two where there are any. These are working keys: \
         anyone who reads the output has them.",
    ) + &examples(&[
        "s3cred process --request publish.json",
        "credential_process = s3cred process --request /etc/s3cred/publish.json  # in ~/.aws/config",
    ])
}

pub(super) fn serve() -> String {
    output(
        "The object of `provide`, or an error object, on one line for each publish and republish. A request that fails is tried again after \
         10 seconds, or as soon as its file changes.",
    ) + &examples(&[
        "s3cred serve --request a.json --request b.json --write-path /run/mountpoint",
        "s3cred serve --request /etc/s3cred/volumes --write-path /run/mountpoint --keep",
    ])
}

pub(super) fn doctor() -> String {
    output(
        "A table for a person, in colour on a terminal, and the Role or ClusterRole that is missing, for `kubectl apply`. --output json: \
         {\"checks\":[{\"name\", \"status\", \"reason\", \"help\", \"durationMs\"}], \"roles\"}. A status is ok, warning, failed or skipped. Where a check failed the \
         exit status is 3, and the object also has the \"error\" of the kind `misconfigured`.",
    ) + &examples(&[
        "s3cred doctor --write-path /run/mountpoint",
        "s3cred doctor --config config.yaml --output json | jq -r '.roles // empty' | kubectl apply -f -",
    ])
}

pub(super) fn leases() -> String {
    output(
        "A table for a person. --output json: {\"leases\":[{\"volumeId\", \"holders\", \"pod\":{\"namespace\", \"name\", \"uid\", \"serviceAccount\"}, \
         \"phase\", \"authenticationLevel\", \"credentialSource\", \"form\", \"roleArn\", \"delivery\", \"region\", \"directory\", \"expiresAt\", \"refreshAt\", \
         \"lastFailure\":{\"since\", \"kind\", \"message\", \"help\"}}], \"unreadable\":[{\"record\", \"reason\"}]}. A phase is publishing, live or removing. \
         `lastFailure` is null where the last refresh succeeded. Where a record cannot be read the exit status is 3, and the object also has \
         the \"error\" of the kind `file-system`.",
    ) + &examples(&[
        "s3cred leases",
        "s3cred leases --state-path /var/lib/kubelet/plugins/s3.csi.aws.com/state --output json",
    ])
}

pub(super) fn audit() -> String {
    output(
        "A page for a person. --output json: {\"volumes\":[{\"volumeId\", \"pod\", \"authenticationLevel\", \"levelReason\", \"credentialSource\", \
         \"passedOver\":[{\"source\", \"reason\"}], \"form\", \"roleArn\", \"roleOrigin\", \"secondRoleArn\", \"serviceAccount\", \"scope\", \"bucket\", \
         \"policy\", \"policyError\":{\"kind\", \"message\", \"help\"}}], \"unreadable\"}. A scope is role or volume. `policy` is null for a volume without \
         credentials, and where no policy fits the volume. Unreadable records are reported as by `leases`.",
    ) + &examples(&[
        "s3cred audit",
        "s3cred audit --output json | jq '.volumes[] | {volumeId, roleArn, policy}'",
    ])
}

pub(super) fn completions() -> String {
    output("The script, for the shell to read at its start.")
        + &examples(&[
            "s3cred completions bash >/etc/bash_completion.d/s3cred",
            "s3cred completions zsh >/usr/local/share/zsh/site-functions/_s3cred",
        ])
}

pub(super) fn man() -> String {
    output("The page in roff, for `man`.")
        + &examples(&[
            "s3cred man >/usr/local/share/man/man1/s3cred.1",
            "s3cred man provide | man -l -",
        ])
}

pub(super) fn demo() -> String {
    output(
        "What happened in each volume's life, and a table. The exit status is 1 if any step did not do what it should.",
    ) + &examples(&["s3cred demo", "s3cred demo --output json"])
}

pub(super) fn config_check() -> String {
    output(
        "--output json: {\"valid\", \"problems\":[{\"severity\", \"line\", \"column\", \"path\", \"message\", \"suggestion\"}]}, and the \"error\" where the file cannot \
         be used; the exit status is then 2.",
    ) + &examples(&["s3cred config check /etc/s3cred/config.yaml"])
}

/// Returns the section on a command's output, with a pointer to the rest.
fn output(text: &str) -> String {
    let rest = "Exit statuses, kinds of errors, environment and files: `s3cred --help`.";
    format!("Output:\n{}{}", paragraph(text), paragraph(rest))
}

fn examples(lines: &[&str]) -> String {
    let mut text = "\nExamples:\n".to_owned();
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn section(title: &str, items: &[(&str, &str)]) -> String {
    let items: String = items.iter().map(|(name, text)| item(name, text)).collect();
    format!("{title}:\n{items}")
}

/// A name on a line of its own unless it is short, and its text.
fn item(name: &str, text: &str) -> String {
    if name.len() == 1 {
        format!("  {name}  {text}\n")
    } else {
        format!("  {name}\n{}", wrapped(text, 6))
    }
}

fn paragraph(text: &str) -> String {
    wrapped(text, 2)
}

/// Lines of at most the page's width, each with this indent.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + line.len() + 1 + word.len() > WIDTH {
            let _ = writeln!(lines, "{:indent$}{line}", "");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    let _ = writeln!(lines, "{:indent$}{line}", "");
    lines
}
