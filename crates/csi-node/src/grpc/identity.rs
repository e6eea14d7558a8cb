//! The CSI Identity service.

use s3_csi_proto::csi::v1 as csi;
use s3_csi_proto::csi::v1::identity_server::Identity;
use tonic::{Request, Response, Status};

use crate::node::Node;

/// Says which plugin this is, and whether it is ready.
#[derive(Debug, Clone)]
pub struct IdentityService {
    driver_name: String,
    has_topology: bool,
    node: Node,
}

impl IdentityService {
    /// Returns the service of a driver with this name.
    pub fn new(driver_name: String, has_topology: bool, node: Node) -> Self {
        Self { driver_name, has_topology, node }
    }
}

#[tonic::async_trait]
impl Identity for IdentityService {
    async fn get_plugin_info(
        &self,
        _: Request<csi::GetPluginInfoRequest>,
    ) -> Result<Response<csi::GetPluginInfoResponse>, Status> {
        Ok(Response::new(csi::GetPluginInfoResponse {
            name: self.driver_name.clone(),
            vendor_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Default::default()
        }))
    }

    async fn get_plugin_capabilities(
        &self,
        _: Request<csi::GetPluginCapabilitiesRequest>,
    ) -> Result<Response<csi::GetPluginCapabilitiesResponse>, Status> {
        use csi::plugin_capability::service::Type;
        use csi::plugin_capability::{Service, Type as Kind};
        let constraints = csi::PluginCapability {
            r#type: Some(Kind::Service(Service {
                r#type: Type::VolumeAccessibilityConstraints.into(),
            })),
        };
        let capabilities = self.has_topology.then_some(constraints).into_iter().collect();
        Ok(Response::new(csi::GetPluginCapabilitiesResponse { capabilities }))
    }

    async fn probe(
        &self,
        _: Request<csi::ProbeRequest>,
    ) -> Result<Response<csi::ProbeResponse>, Status> {
        // A node without a mounter still unpublishes; it is not ready for a new volume.
        let ready = Some(self.node.check_mounter().await.is_ok());
        Ok(Response::new(csi::ProbeResponse { ready }))
    }
}
