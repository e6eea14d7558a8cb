//! The crates of the design and what each may use. A new crate gets its line here first.

/// A crate under `crates/`.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Its folder; the package is `s3-credential-<folder>`.
    pub(crate) folder: &'static str,
    /// The crates of the workspace it may depend on, tests apart.
    pub(crate) uses: &'static [&'static str],
    /// The names it brings into chains: each is a constant there.
    pub(crate) chain_names: &'static [&'static str],
}

/// In the order in which data flows.
pub(crate) const LAYERS: &[Layer] = &[
    Layer {
        folder: "core",
        uses: &[],
        chain_names: &[],
    },
    Layer {
        folder: "irsa",
        uses: &["core"],
        chain_names: &["irsa"],
    },
    Layer {
        folder: "secret",
        uses: &["core"],
        chain_names: &["secret-request", "secret-environment"],
    },
    Layer {
        folder: "imds",
        uses: &["core"],
        chain_names: &["imds"],
    },
    Layer {
        folder: "pod-token",
        uses: &["core"],
        chain_names: &["pod-token"],
    },
    Layer {
        folder: "pod-identity",
        uses: &["core"],
        chain_names: &["pod-identity"],
    },
    Layer {
        folder: "sts",
        uses: &["core"],
        chain_names: &[],
    },
    Layer {
        folder: "delivery",
        uses: &["core"],
        chain_names: &[],
    },
    Layer {
        folder: "provider",
        uses: &[
            "core",
            "irsa",
            "secret",
            "imds",
            "pod-token",
            "pod-identity",
            "sts",
            "delivery",
        ],
        chain_names: &[],
    },
    Layer {
        folder: "testkit",
        uses: &["core"],
        chain_names: &[],
    },
    Layer {
        folder: "cli",
        uses: &["core", "provider", "testkit"],
        chain_names: &[],
    },
];

/// Members outside `crates/`.
pub(crate) const OTHER_MEMBERS: &[&str] = &["s3-credential-tests", "xtask"];

/// What core may use: values and macros, nothing that waits, connects or opens.
pub(crate) const CORE_USES: &[&str] = &[
    "async-trait",
    "jiff",
    "jsonwebtoken",
    "serde",
    "serde_json",
    "thiserror",
    "zeroize",
];

/// What must not reach core by any way: runtimes, network, operating system, SDKs and kube.
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

/// How many crates a build of a package may need, itself included.
#[derive(Debug)]
pub(crate) struct Weight {
    pub(crate) package: &'static str,
    pub(crate) at_most: usize,
}

pub(crate) const WEIGHTS: &[Weight] = &[
    Weight {
        package: "s3-credential-core",
        at_most: 25,
    },
    Weight {
        package: "s3-credential-provider",
        at_most: 240,
    },
    Weight {
        package: "s3-credential-cli",
        at_most: 275,
    },
];
