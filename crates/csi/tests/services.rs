//! Clients and servers of the generated services understand each other, under the names that the
//! kubelet calls.

use s3_csi_proto::csi::v1::identity_client::IdentityClient;
use s3_csi_proto::csi::v1::identity_server::{Identity, IdentityServer};
use s3_csi_proto::csi::v1::node_server;
use s3_csi_proto::csi::v1::{
    GetPluginCapabilitiesRequest, GetPluginCapabilitiesResponse, GetPluginInfoRequest,
    GetPluginInfoResponse, ProbeRequest, ProbeResponse,
};
use s3_csi_proto::pluginregistration::v1::registration_server;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Code, Request, Response, Status};

#[derive(Debug)]
struct Plugin;

#[tonic::async_trait]
impl Identity for Plugin {
    async fn get_plugin_info(
        &self,
        _: Request<GetPluginInfoRequest>,
    ) -> Result<Response<GetPluginInfoResponse>, Status> {
        let name = "s3.csi.aws.com".to_owned();
        Ok(Response::new(GetPluginInfoResponse { name, ..Default::default() }))
    }

    async fn get_plugin_capabilities(
        &self,
        _: Request<GetPluginCapabilitiesRequest>,
    ) -> Result<Response<GetPluginCapabilitiesResponse>, Status> {
        Err(Status::unavailable("starting"))
    }

    async fn probe(&self, _: Request<ProbeRequest>) -> Result<Response<ProbeResponse>, Status> {
        Ok(Response::new(ProbeResponse { ready: Some(true) }))
    }
}

#[tokio::test]
async fn a_client_calls_a_server_over_a_unix_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("csi.sock");
    let connections = UnixListenerStream::new(UnixListener::bind(&path).unwrap());
    let server =
        Server::builder().add_service(IdentityServer::new(Plugin)).serve_with_incoming(connections);
    let server = tokio::spawn(server);

    let address = format!("unix://{}", path.display());
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let mut client = IdentityClient::new(channel);
    let info = client.get_plugin_info(GetPluginInfoRequest {}).await.unwrap();
    assert_eq!(info.into_inner().name, "s3.csi.aws.com");
    let error = client.get_plugin_capabilities(GetPluginCapabilitiesRequest {}).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Unavailable, "starting"));
    server.abort();
}

#[test]
fn services_have_the_names_that_the_kubelet_calls() {
    assert_eq!(node_server::SERVICE_NAME, "csi.v1.Node");
    assert_eq!(registration_server::SERVICE_NAME, "pluginregistration.Registration");
}
