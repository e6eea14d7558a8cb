//! The crates of the design and what each may use. A new crate gets its line here first.

/// A crate under `crates/`.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Its folder; [`Layer::package`] is its package.
    pub(crate) folder: &'static str,
    /// The crates of the workspace it may depend on, tests apart.
    pub(crate) uses: &'static [&'static str],
}

/// In the order in which data flows.
pub(crate) const LAYERS: &[Layer] = &[
    layer("core", &[]),
    layer("files", &["core"]),
    layer("irsa", &["core", "files"]),
    layer("secret", &["core", "files"]),
    layer("profile", &["core", "files"]),
    layer("imds", &["core"]),
    layer("pod-token", &["core"]),
    layer("pod-identity", &["core", "files"]),
    layer("sts", &["core", "files"]),
    layer("delivery", &["core"]),
    layer(
        "provider",
        &[
            "core",
            "files",
            "irsa",
            "secret",
            "profile",
            "imds",
            "pod-token",
            "pod-identity",
            "sts",
            "delivery",
        ],
    ),
    layer("testkit", &["core"]),
    layer("cli", &["core", "provider", "testkit"]),
    layer("csi", &[]),
    layer("mounter", &[]),
    layer("csi-node", &["delivery", "provider", "csi", "mounter"]),
];

/// Packages that are not called `s3-credential-<folder>`, by their folder.
const PACKAGES: &[(&str, &str)] =
    &[("csi", "s3-csi-proto"), ("csi-node", "s3-csi-node"), ("mounter", "s3-csi-mounter")];

impl Layer {
    /// The name of its package.
    pub(crate) fn package(&self) -> String {
        package(self.folder)
    }
}

/// The name of the package in a folder of `crates/`.
pub(crate) fn package(folder: &str) -> String {
    let own = PACKAGES.iter().find(|(own, _)| *own == folder);
    own.map_or_else(|| format!("s3-credential-{folder}"), |(_, package)| (*package).to_owned())
}

const fn layer(folder: &'static str, uses: &'static [&'static str]) -> Layer {
    Layer { folder, uses }
}

/// The name of each source in a chain, with the crate that brings it. It is defined once, in core's
/// `source_names`.
pub(crate) const CHAIN_NAMES: &[(&str, &str)] = &[
    ("irsa", "irsa"),
    ("pod-identity", "pod-identity"),
    ("secret-request", "secret"),
    ("secret-watch", "secret"),
    ("secret-directory", "secret"),
    ("secret-environment", "secret"),
    // `profile` is left out: a form and a delivery have that name as well.
    ("imds", "imds"),
    ("pod-token", "pod-token"),
];

/// Members outside `crates/`.
pub(crate) const OTHER_MEMBERS: &[&str] =
    &["s3-credential-tests", "xtask", "csi-driver", "own-s3cred", "process-source"];

/// The examples of what others write, with all that each may use of this workspace, tests apart.
pub(crate) const EXAMPLES: &[(&str, &str)] =
    &[("process-source", "s3-credential-core"), ("csi-driver", "s3-credential-provider")];

/// The dependencies of core: values and macros, but no crate that waits, connects or opens files.
pub(crate) const CORE_USES: &[&str] = &[
    "async-trait",
    "base64",
    "jiff",
    // Only derives: what a configuration file may hold of core's types.
    "schemars",
    "serde",
    "serde_json",
    "thiserror",
    "tracing",
    "zeroize",
];

/// The crates that core must not depend on by any way: runtimes, network, operating system, SDKs
/// and kube.
pub(crate) const NEVER_IN_CORE: &[&str] = &[
    "tokio",
    "async-io",
    "mio",
    "socket2",
    "hyper",
    "rustls",
    "ring",
    "rustix",
    "kube",
    "k8s-openapi",
    "aws-",
];

/// The most crates that a build may need, the package itself included.
#[derive(Debug)]
pub(crate) struct Weight {
    pub(crate) package: &'static str,
    /// `None` for the default features.
    pub(crate) features: Option<&'static str>,
    pub(crate) at_most: usize,
    /// The crates that must not be among them; a name that ends in `-` stands for all that start
    /// with it.
    pub(crate) without: &'static [&'static str],
}

pub(crate) const WEIGHTS: &[Weight] = &[
    weight("s3-credential-core", 25),
    Weight {
        features: Some("secret"),
        without: &["aws-", "kube", "kube-", "k8s-openapi", "hyper", "rustls"],
        ..weight("s3-credential-provider", 52)
    },
    weight("s3-credential-provider", 240),
    weight("s3-credential-cli", 275),
];

const fn weight(package: &'static str, at_most: usize) -> Weight {
    Weight { package, features: None, at_most, without: &[] }
}

impl Weight {
    /// Returns its subject in the form of cargo's arguments.
    pub(crate) fn subject(&self) -> String {
        match self.features {
            None => self.package.to_owned(),
            Some(features) => {
                format!("{} --no-default-features --features {features}", self.package)
            }
        }
    }
}
