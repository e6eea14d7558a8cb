//! The write path and the state path that all processes of a test share, and what must hold of
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use s3_credential_core::{
    CleanupContext, Delivery, MountKind, MountTarget, ProvideContext, PublishRequest, SourceChain,
    UnpublishRequest,
};
use s3_credential_delivery::directory_name;
use s3_credential_provider::{LeaseStatus, Provider, Settings};

use crate::mint::Mint;

/// The Mountpoint pod of every volume whose id ends in `shared`.
const MOUNTPOINT_POD: &str = "mountpoint";

/// By what their source gives, and how they are mounted: by a Mountpoint of the pod's own, by one
/// that pods share, and by one on the node that asks the endpoint.
pub(crate) const VOLUMES: [&str; 7] = [
    "token-own",
    "keys-own",
    "temporary-own",
    "token-shared",
    "keys-shared",
    "temporary-shared",
    "temporary-served",
];

/// A pod that uses a volume.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) volume: String,
    pub(crate) pod: String,
}

impl Use {
    pub(crate) fn new(volume: &str, pod: &str) -> Self {
        Self { volume: volume.to_owned(), pod: pod.to_owned() }
    }

    pub(crate) fn target(&self) -> String {
        format!(
            "/var/lib/kubelet/pods/{}/volumes/kubernetes.io~csi/{}/mount",
            self.pod, self.volume
        )
    }

    pub(crate) fn mountpoint_pod(&self) -> Option<&'static str> {
        self.volume.ends_with("shared").then_some(MOUNTPOINT_POD)
    }

    fn kind(&self) -> MountKind {
        if self.volume.ends_with("served") { MountKind::Systemd } else { MountKind::Pod }
    }

    /// What its directory holds.
    fn files(&self) -> &'static [&'static str] {
        if self.kind() == MountKind::Systemd {
            &["endpoint-token"]
        } else if self.volume.starts_with("token") {
            &["token"]
        } else {
            &["config", "credentials"]
        }
    }

    /// The directory of its lease, which others may hold too.
    pub(crate) fn directory(&self) -> String {
        directory_name(Some(self.mountpoint_pod().unwrap_or(&self.pod)), &self.volume)
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.volume, self.pod)
    }
}

impl FromStr for Use {
    type Err = ();

    fn from_str(words: &str) -> Result<Self, ()> {
        words.split_once(' ').map(|(volume, pod)| Self::new(volume, pod)).ok_or(())
    }
}

/// Where everything is.
#[derive(Debug, Clone)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(root: &Path) -> Self {
        let place = Self(root.to_owned());
        fs::create_dir_all(place.write_path()).unwrap();
        place
    }

    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write_path(&self) -> PathBuf {
        self.0.join("write")
    }

    pub(crate) fn state_path(&self) -> PathBuf {
        self.0.join("state")
    }

    /// What the endpoint keeps for its next run.
    fn kept_path(&self) -> PathBuf {
        self.state_path().join(".endpoint")
    }

    /// Another run of the driver. To be called within a runtime.
    pub(crate) fn provider(&self, mint: &Arc<Mint>) -> Provider {
        let mut settings = Settings::default();
        settings.deliveries.systemd.keys = Some(Delivery::Endpoint);
        // The port does not matter here, since no client connects.
        settings.endpoint.address = Some(([127, 0, 0, 1], 0).into());
        let provider = Provider::builder()
            .settings(settings)
            .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
            .state_path(self.state_path())
            .driver_chain(SourceChain::first_try(Arc::clone(mint)))
            .build()
            .unwrap();
        provider.serve_endpoint().unwrap();
        provider
    }

    pub(crate) fn publish(&self, using: &Use) -> ProvideContext {
        let mut target = MountTarget::new(self.write_path()).with_kind(using.kind());
        if let Some(uid) = using.mountpoint_pod() {
            target = target.with_mountpoint_pod_uid(uid);
        }
        let request = PublishRequest::new(&using.volume, using.target());
        ProvideContext::from_publish_request(request, target).unwrap()
    }

    /// Makes a request like NodeUnpublishVolume, which names no Mountpoint pod.
    pub(crate) fn unpublish(&self, using: &Use) -> CleanupContext {
        let request = UnpublishRequest::new(&using.volume, using.target());
        CleanupContext::from_unpublish_request(&request, self.write_path(), None).unwrap()
    }

    /// How new the credentials are that a reader finds. It must find all of them.
    pub(crate) fn newness(&self, using: &Use) -> u128 {
        let directory = self.write_path().join(using.directory());
        let read = |path: PathBuf| {
            fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{} of {using}: {error}", path.display()))
        };
        match using.files() {
            ["token"] => read(directory.join("token")).parse().unwrap(),
            ["endpoint-token"] => {
                let kept = read(self.kept_path().join(self.record(using)));
                let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
                assert_eq!(kept["token"], read(directory.join("endpoint-token")));
                kept["secretAccessKey"].as_str().unwrap().parse().unwrap()
            }
            _ => {
                assert!(read(directory.join("config")).contains("[profile s3-csi]"));
                let credentials = read(directory.join("credentials"));
                let mut lines = credentials.lines();
                let key = lines.find_map(|line| line.strip_prefix("aws_secret_access_key="));
                key.unwrap_or_else(|| panic!("no key in {} bytes", credentials.len()))
                    .parse()
                    .unwrap()
            }
        }
    }

    /// The files of a lease, with their content.
    pub(crate) fn files_of(&self, using: &Use) -> Vec<(&'static str, String)> {
        let directory = self.write_path().join(using.directory());
        let read = |name: &&'static str| (*name, fs::read_to_string(directory.join(name)).unwrap());
        using.files().iter().map(read).collect()
    }

    /// The name of a lease's record.
    pub(crate) fn record(&self, using: &Use) -> String {
        let write_path = self.write_path();
        directory_name(Some(write_path.to_str().unwrap()), &using.directory())
    }

    /// Asserts that only the whole files of these leases and their records are there: no secret of
    /// another volume, no temporary file, no record or lock of a removed lease.
    pub(crate) fn holds_only(&self, leases: &BTreeMap<Use, BTreeSet<Use>>) {
        let expected: BTreeSet<String> = leases.keys().map(Use::directory).collect();
        assert_eq!(names(&self.write_path()), expected, "directories under the write path");
        for lease in leases.keys() {
            let found = names(&self.write_path().join(lease.directory()));
            assert!(found.iter().eq(lease.files()), "{lease} has {found:?}");
        }
        let state = names(&self.state_path());
        let (hidden, records): (BTreeSet<_>, BTreeSet<_>) =
            state.into_iter().partition(|name| name.starts_with('.'));
        let expected: BTreeSet<String> = leases.keys().map(|lease| self.record(lease)).collect();
        assert_eq!(records, expected, "records");
        for name in hidden.iter().filter(|name| *name != ".endpoint") {
            let record = name.strip_prefix('.').and_then(|name| name.strip_suffix(".lock"));
            assert!(record.is_some_and(|record| records.contains(record)), "{name} is left");
        }
        let served = leases.keys().filter(|lease| lease.kind() == MountKind::Systemd);
        let expected: BTreeSet<String> = served.map(|lease| self.record(lease)).collect();
        assert_eq!(names(&self.kept_path()), expected, "kept for the endpoint");
    }
}

fn names(directory: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return BTreeSet::new();
    };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Which uses there are, by lease; each lease is named by its first use.
pub(crate) fn by_lease<'a>(
    uses: impl IntoIterator<Item = &'a Use>,
) -> BTreeMap<Use, BTreeSet<Use>> {
    let mut leases: BTreeMap<String, BTreeSet<Use>> = BTreeMap::new();
    for using in uses {
        leases.entry(using.directory()).or_default().insert(using.clone());
    }
    leases.into_values().map(|uses| (uses.first().unwrap().clone(), uses)).collect()
}

/// The uses that a provider knows.
pub(crate) fn uses(leases: &[LeaseStatus]) -> BTreeSet<Use> {
    let of_lease = |status: &LeaseStatus| {
        let volume = status.lease.volume_id.clone();
        let pod = |target: &String| target.split('/').nth(5).unwrap().to_owned();
        let uses: Vec<Use> =
            status.lease.holders.iter().map(|target| Use::new(&volume, &pod(target))).collect();
        uses
    };
    leases.iter().flat_map(of_lease).collect()
}
