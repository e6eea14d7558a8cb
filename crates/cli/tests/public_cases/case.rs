//! One case, as written in the file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) say: String,
    pub(crate) right: String,
    /// `provide` unless said.
    pub(crate) cmd: Option<String>,
    pub(crate) request: Option<Value>,
    /// The whole environment.
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) args: Vec<String>,
    pub(crate) config: Option<String>,
    /// What every call of STS is answered with.
    pub(crate) sts: Option<StsAnswer>,
    pub(crate) imds: Option<ImdsAnswer>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) more: Value,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct StsAnswer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ImdsAnswer {
    /// The list of roles.
    pub(crate) role: Option<String>,
    /// The document of the role.
    pub(crate) document: Option<String>,
}

impl Case {
    /// A publish at pod level, for variants.
    pub(crate) fn of_pod(name: &str) -> Self {
        let mut case = Self::at_level(name, "pod");
        case.request.as_mut().unwrap()["volumeContext"]["csi.storage.k8s.io/serviceAccount.tokens"] =
            json!("@TOKENS");
        case.args =
            ["--role-arn", "arn:aws:iam::111122223333:role/pod-a-role"].map(str::to_owned).into();
        case.with("AWS_EC2_METADATA_DISABLED", "true")
    }

    pub(crate) fn at_level(name: &str, level: &str) -> Self {
        let pod = "2a17db00-0bf3-4052-9b3f-6c89dcee5d79";
        let request = json!({
            "volumeId": "pv-1",
            "targetPath": format!("/var/lib/kubelet/pods/{pod}/volumes/kubernetes.io~csi/pv-1/mount"),
            "volumeCapability": {"mount": {"mountFlags": []}},
            "volumeContext": {
                "bucketName": "test-bucket",
                "authenticationSource": level,
                "stsRegion": "us-east-1",
                "csi.storage.k8s.io/pod.name": "app",
                "csi.storage.k8s.io/pod.namespace": "test-ns",
                "csi.storage.k8s.io/pod.uid": pod,
                "csi.storage.k8s.io/serviceAccount.name": "test-sa",
            },
        });
        Self { name: name.to_owned(), request: Some(request), ..Self::default() }
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.env.insert(variable.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn command(mut self, command: &str) -> Self {
        self.cmd = Some(command.to_owned());
        self
    }

    pub(crate) fn configured(mut self, yaml: &str) -> Self {
        self.config = Some(yaml.to_owned());
        self
    }

    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.args.push(argument.to_owned());
        self
    }

    /// With this role in the place of the usual one.
    pub(crate) fn role(mut self, arn: &str) -> Self {
        self.args = vec!["--role-arn".to_owned(), arn.to_owned()];
        self
    }

    pub(crate) fn attribute(mut self, name: &str, value: &str) -> Self {
        self.request.as_mut().unwrap()["volumeContext"][name] = json!(value);
        self
    }

    pub(crate) fn flags(mut self, flags: &[&str]) -> Self {
        self.request.as_mut().unwrap()["volumeCapability"]["mount"]["mountFlags"] = json!(flags);
        self
    }

    pub(crate) fn secrets(mut self, secrets: Value) -> Self {
        self.request.as_mut().unwrap()["secrets"] = secrets;
        self
    }
}
