//! Metrics of the node service: CSI calls, mounts, the mounter and the build, beside those of the
//! provider.

mod exposition;
mod measured;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use s3_credential_provider::{Histogram, MetricFamily, MetricKind};
use tonic::Code;

use crate::arguments::VERSION;
use crate::node::Node;
use crate::volume::Phase;

pub(crate) use exposition::{CONTENT_TYPE, exposition};
pub(crate) use measured::Measured;

/// The buckets of the Kubernetes CSI sidecars, in seconds (kubernetes-csi/csi-lib-utils,
/// `metrics.go`).
const OPERATION_BOUNDS: &[f64] =
    &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 25.0, 50.0, 120.0, 300.0, 600.0];

/// The calls that a label may name. Any other path is `other`, since a client chooses it.
const METHODS: [&str; 11] = [
    "/csi.v1.Identity/GetPluginCapabilities",
    "/csi.v1.Identity/GetPluginInfo",
    "/csi.v1.Identity/Probe",
    "/csi.v1.Node/NodeExpandVolume",
    "/csi.v1.Node/NodeGetCapabilities",
    "/csi.v1.Node/NodeGetInfo",
    "/csi.v1.Node/NodeGetVolumeStats",
    "/csi.v1.Node/NodePublishVolume",
    "/csi.v1.Node/NodeStageVolume",
    "/csi.v1.Node/NodeUnpublishVolume",
    "/csi.v1.Node/NodeUnstageVolume",
];
const OTHER: &str = "other";

/// What the service counts. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    driver_name: Arc<str>,
    operations: Arc<Histogram<3>>,
}

impl Metrics {
    pub(crate) fn new(driver_name: &str) -> Self {
        let names = ["driver_name", "method_name", "grpc_status_code"];
        Self {
            driver_name: driver_name.into(),
            operations: Arc::new(Histogram::new(names, OPERATION_BOUNDS)),
        }
    }

    /// Counts a CSI call.
    fn called(&self, path: &str, code: Code, took: Duration) {
        let method = METHODS.iter().find(|method| **method == path).unwrap_or(&OTHER);
        self.operations.observe([&*self.driver_name, method, code_name(code)], took);
    }

    /// Returns all families, those of the provider included.
    pub(crate) async fn families(&self, node: &Node) -> Vec<MetricFamily> {
        let build = MetricFamily::new(
            "s3_csi_build_info",
            "The version of the node service, with the commit where the build has one. Always 1.",
            MetricKind::Gauge,
        );
        let mut families = vec![
            build.with(vec![("version", VERSION.to_owned())], 1.0),
            self.operations.family(
                "csi_plugin_operations_seconds",
                "Duration of CSI calls by driver, method and gRPC status, as the Kubernetes CSI sidecars measure it.",
            ),
            mounts(node),
        ];
        families.extend(mounter(node).await);
        families.extend(node.credentials().provider().metrics());
        families
    }
}

fn mounts(node: &Node) -> MetricFamily {
    let mut counts = BTreeMap::from(["published", "publishing", "unpublishing"].map(|it| (it, 0)));
    for record in node.volumes().all() {
        let state = match record.phase {
            Phase::Published => "published",
            Phase::Publishing => "publishing",
            Phase::Unpublishing => "unpublishing",
        };
        *counts.entry(state).or_insert(0_u32) += 1;
    }
    let family = MetricFamily::new(
        "s3_csi_mounts",
        "Volumes of this node by state: published, publishing or unpublishing.",
        MetricKind::Gauge,
    );
    counts.into_iter().fold(family, |family, (state, count)| {
        family.with(vec![("state", state.to_owned())], f64::from(count))
    })
}

/// Whether the mounter answers, and how many published volumes have lost their process.
async fn mounter(node: &Node) -> Vec<MetricFamily> {
    let up = MetricFamily::new(
        "s3_csi_mounter_up",
        "Whether the mounter of this node answers: 1 or 0.",
        MetricKind::Gauge,
    );
    let lost = MetricFamily::new(
        "s3_csi_mounts_lost",
        "Published volumes whose Mountpoint process has ended; their files cannot be read.",
        MetricKind::Gauge,
    );
    match node.lost_mounts().await {
        Ok(volumes) => {
            let count = u32::try_from(volumes.len()).unwrap_or(u32::MAX);
            vec![up.with(Vec::new(), 1.0), lost.with(Vec::new(), f64::from(count))]
        }
        // Without the mounter the number of lost mounts is unknown, and has no sample.
        Err(_) => vec![up.with(Vec::new(), 0.0)],
    }
}

/// The name of a code as grpc-go prints it, which the sidecars do.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
