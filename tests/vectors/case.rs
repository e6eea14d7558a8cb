//! The recorded cases, as they are written.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

pub(crate) fn all() -> Vec<Case> {
    let lines = include_str!("upstream.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) input: Input,
    pub(crate) expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Input {
    pub(crate) env: Variables,
    pub(crate) files: Files,
    pub(crate) umask: Option<String>,
    #[serde(default)]
    pub(crate) no_write_dir: bool,
    op: String,
    provide: Option<Provide>,
    cleanup: Option<Cleanup>,
    #[serde(default)]
    steps: Vec<Step>,
    pub(crate) service_accounts: BTreeMap<String, Option<BTreeMap<String, String>>>,
    #[serde(default)]
    pub(crate) service_account_errors: BTreeMap<String, String>,
    /// None where IMDS fails.
    pub(crate) imds_region: Option<String>,
    #[serde(default)]
    pub(crate) requires_non_root: bool,
    #[serde(rename = "note")]
    _note: Option<String>,
}

/// None unsets.
pub(crate) type Variables = BTreeMap<String, Option<String>>;
pub(crate) type Files = BTreeMap<String, File>;

/// One call of the driver.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Step {
    #[serde(rename = "op")]
    _op: String,
    #[serde(default)]
    pub(crate) env: Variables,
    #[serde(default)]
    pub(crate) files: Files,
    /// The Go driver looks at no context; a caller who is gone is, in Rust, one who does not poll.
    #[serde(default, rename = "ctxCanceled")]
    _cancelled: bool,
    pub(crate) provide: Option<Provide>,
    pub(crate) cleanup: Option<Cleanup>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Provide {
    pub(crate) write_path: String,
    pub(crate) env_path: String,
    #[serde(rename = "workloadPodID")]
    pub(crate) workload_pod: String,
    #[serde(rename = "mountpointPodID")]
    pub(crate) mountpoint_pod: String,
    #[serde(rename = "volumeID")]
    pub(crate) volume: String,
    pub(crate) mount_kind: String,
    pub(crate) authentication_source: String,
    pub(crate) pod_namespace: String,
    service_account_tokens: String,
    #[serde(rename = "serviceAccountTokensB64")]
    raw_tokens: Option<String>,
    pub(crate) service_account_name: String,
    #[serde(rename = "serviceAccountEKSRoleARN")]
    pub(crate) role_arn: String,
    pub(crate) sts_region: String,
    pub(crate) bucket_region: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Cleanup {
    pub(crate) write_path: String,
    #[serde(rename = "podID")]
    pub(crate) pod: String,
    #[serde(rename = "volumeID")]
    pub(crate) volume: String,
    /// Unused: an unpublish does not name it.
    #[serde(rename = "mountKind")]
    _mount_kind: String,
}

/// A file before a step, or recorded after one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum File {
    Text(String),
    Entry(Entry),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    content: Option<String>,
    b64: Option<String>,
    /// In the place of a long content.
    pub(crate) length: Option<usize>,
    pub(crate) sha256: Option<String>,
    pub(crate) mode: Option<String>,
    pub(crate) target: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) steps: Vec<Recorded>,
}

/// The recorded result of the Go driver in one step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Recorded {
    #[serde(rename = "op")]
    _op: String,
    pub(crate) env: Option<BTreeMap<String, String>>,
    pub(crate) authentication_source: Option<String>,
    pub(crate) error: Option<GoError>,
    /// None where there is no write path.
    pub(crate) files: Option<BTreeMap<String, Entry>>,
    /// Changes elsewhere.
    #[serde(default)]
    pub(crate) outside: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GoError {
    /// None for a plain error.
    pub(crate) grpc_code: Option<String>,
}

impl Input {
    pub(crate) fn steps(&self) -> Vec<Step> {
        let provide = Step { provide: self.provide.clone(), ..Step::default() };
        let cleanup = Step { cleanup: self.cleanup.clone(), ..Step::default() };
        match self.op.as_str() {
            "provide" => vec![provide],
            "cleanup" => vec![cleanup],
            "provide+cleanup" => vec![provide, cleanup],
            "steps" => self.steps.clone(),
            op => panic!("an unknown operation: {op}"),
        }
    }
}

impl Provide {
    /// The pod whose credentials they are: the shared Mountpoint pod, else the workload's.
    pub(crate) fn pod(&self) -> &str {
        if self.mountpoint_pod.is_empty() { &self.workload_pod } else { &self.mountpoint_pod }
    }

    /// Protobuf strings are UTF-8: of other bytes we see what Go's decoder makes of them.
    pub(crate) fn tokens(&self) -> String {
        match &self.raw_tokens {
            Some(raw) => String::from_utf8_lossy(&STANDARD.decode(raw).unwrap()).into_owned(),
            None => self.service_account_tokens.clone(),
        }
    }

    pub(crate) fn is_pod_level(&self) -> bool {
        self.authentication_source == "pod"
    }

    pub(crate) fn is_driver_level(&self) -> bool {
        ["", "driver"].contains(&self.authentication_source.as_str())
    }
}

impl Entry {
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        match (&self.content, &self.b64) {
            (Some(text), _) => Some(text.clone().into_bytes()),
            (None, Some(raw)) => Some(STANDARD.decode(raw).unwrap()),
            (None, None) => None,
        }
    }

    pub(crate) fn mode(&self) -> Option<u32> {
        self.mode.as_ref().map(|octal| u32::from_str_radix(octal, 8).unwrap())
    }
}
