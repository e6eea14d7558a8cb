//! The CSI Node service.

use std::collections::BTreeMap;

use s3_csi_proto::csi::v1 as csi;
use s3_csi_proto::csi::v1::node_server;
use tonic::{Request, Response, Status};

use crate::call::{PublishCall, check_id, parse_path};
use crate::node::Node;

/// What NodeGetInfo answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeInfo {
    /// The node's name.
    pub node_id: String,
    /// How many volumes the scheduler may place here; 0 leaves it to Kubernetes.
    pub max_volumes: u32,
    /// Region and zone, where they are known, by the label of the node.
    pub topology: BTreeMap<String, String>,
}

/// Publishes and unpublishes volumes for the kubelet.
#[derive(Debug, Clone)]
pub struct NodeService {
    node: Node,
    info: NodeInfo,
}

impl NodeService {
    /// Returns the service.
    pub fn new(node: Node, info: NodeInfo) -> Self {
        Self { node, info }
    }
}

fn not_offered<T>(call: &str) -> Result<Response<T>, Status> {
    Err(Status::unimplemented(format!(
        "{call} is not offered: NodeGetCapabilities does not list it"
    )))
}

#[tonic::async_trait]
impl node_server::Node for NodeService {
    async fn node_publish_volume(
        &self,
        request: Request<csi::NodePublishVolumeRequest>,
    ) -> Result<Response<csi::NodePublishVolumeResponse>, Status> {
        let call = PublishCall::parse(request.into_inner())?;
        self.node.publish(call).await?;
        Ok(Response::new(csi::NodePublishVolumeResponse {}))
    }

    async fn node_unpublish_volume(
        &self,
        request: Request<csi::NodeUnpublishVolumeRequest>,
    ) -> Result<Response<csi::NodeUnpublishVolumeResponse>, Status> {
        let csi::NodeUnpublishVolumeRequest { volume_id, target_path } = request.into_inner();
        check_id(&volume_id)?;
        let target_path = parse_path("target_path", &target_path)?;
        self.node.unpublish(&volume_id, &target_path).await?;
        Ok(Response::new(csi::NodeUnpublishVolumeResponse {}))
    }

    async fn node_get_volume_stats(
        &self,
        request: Request<csi::NodeGetVolumeStatsRequest>,
    ) -> Result<Response<csi::NodeGetVolumeStatsResponse>, Status> {
        use csi::volume_usage::Unit;
        let request = request.into_inner();
        check_id(&request.volume_id)?;
        let path = parse_path("volume_path", &request.volume_path)?;
        let stats = self.node.stats(&request.volume_id, &path).await?;
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let entry = |unit: Unit, total: u64, available: u64| csi::VolumeUsage {
            unit: unit.into(),
            total: signed(total),
            available: signed(available),
            used: signed(total.saturating_sub(available)),
        };
        let usage = stats.usage.map_or_else(Vec::new, |usage| {
            vec![
                entry(Unit::Bytes, usage.total, usage.available),
                entry(Unit::Inodes, usage.inodes, usage.free_inodes),
            ]
        });
        let condition = csi::VolumeCondition {
            abnormal: stats.condition.abnormal,
            message: stats.condition.message,
        };
        Ok(Response::new(csi::NodeGetVolumeStatsResponse {
            usage,
            volume_condition: Some(condition),
        }))
    }

    async fn node_get_capabilities(
        &self,
        _: Request<csi::NodeGetCapabilitiesRequest>,
    ) -> Result<Response<csi::NodeGetCapabilitiesResponse>, Status> {
        use csi::node_service_capability::rpc::Type;
        use csi::node_service_capability::{Rpc, Type as Kind};
        let offered = [
            Type::GetVolumeStats,
            Type::VolumeCondition,
            Type::VolumeMountGroup,
            Type::SingleNodeMultiWriter,
        ];
        let capability = |offered: Type| csi::NodeServiceCapability {
            r#type: Some(Kind::Rpc(Rpc { r#type: offered.into() })),
        };
        Ok(Response::new(csi::NodeGetCapabilitiesResponse {
            capabilities: offered.map(capability).to_vec(),
        }))
    }

    async fn node_get_info(
        &self,
        _: Request<csi::NodeGetInfoRequest>,
    ) -> Result<Response<csi::NodeGetInfoResponse>, Status> {
        let NodeInfo { node_id, max_volumes, topology } = self.info.clone();
        let topology = (!topology.is_empty())
            .then(|| csi::Topology { segments: topology.into_iter().collect() });
        Ok(Response::new(csi::NodeGetInfoResponse {
            node_id,
            max_volumes_per_node: max_volumes.into(),
            accessible_topology: topology,
        }))
    }

    async fn node_stage_volume(
        &self,
        _: Request<csi::NodeStageVolumeRequest>,
    ) -> Result<Response<csi::NodeStageVolumeResponse>, Status> {
        not_offered("NodeStageVolume")
    }

    async fn node_unstage_volume(
        &self,
        _: Request<csi::NodeUnstageVolumeRequest>,
    ) -> Result<Response<csi::NodeUnstageVolumeResponse>, Status> {
        not_offered("NodeUnstageVolume")
    }

    async fn node_expand_volume(
        &self,
        _: Request<csi::NodeExpandVolumeRequest>,
    ) -> Result<Response<csi::NodeExpandVolumeResponse>, Status> {
        not_offered("NodeExpandVolume")
    }
}
