//! What the service says of itself.

use s3_csi_proto::csi::v1 as csi;

use crate::world::World;

#[tokio::test]
async fn the_service_names_itself_its_node_and_what_it_offers() {
    use csi::node_service_capability::rpc::Type;
    let world = World::new();
    let mut service = world.start().await;
    let plugin = service.identity.get_plugin_info(csi::GetPluginInfoRequest {}).await.unwrap();
    assert_eq!(plugin.get_ref().name, "s3.csi.aws.com");
    let info = service.node.node_get_info(csi::NodeGetInfoRequest {}).await.unwrap().into_inner();
    assert_eq!((&*info.node_id, info.max_volumes_per_node), ("node-1", 7));
    assert_eq!(info.accessible_topology.unwrap().segments["topology.kubernetes.io/zone"], "z");
    let offered =
        service.node.node_get_capabilities(csi::NodeGetCapabilitiesRequest {}).await.unwrap();
    let offered: Vec<Type> = offered
        .into_inner()
        .capabilities
        .into_iter()
        .map(|capability| match capability.r#type {
            Some(csi::node_service_capability::Type::Rpc(rpc)) => rpc.r#type(),
            None => Type::Unknown,
        })
        .collect();
    assert!(offered.contains(&Type::VolumeMountGroup) && offered.contains(&Type::VolumeCondition));
    service.stop().await;
}

#[tokio::test]
async fn a_node_without_a_mounter_is_not_ready() {
    let world = World::new();
    let mut service = world.start().await;
    let ready = service.identity.probe(csi::ProbeRequest {}).await.unwrap().into_inner().ready;
    assert_eq!(ready, Some(true));
    world.mounter.set_unreachable(true);
    let ready = service.identity.probe(csi::ProbeRequest {}).await.unwrap().into_inner().ready;
    assert_eq!(ready, Some(false));
}

#[tokio::test]
async fn calls_that_are_not_offered_are_unimplemented() {
    let world = World::new();
    let mut service = world.start().await;
    let status =
        service.node.node_stage_volume(csi::NodeStageVolumeRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented);
}
