//! The kubelet's plugin registration: it asks for the driver's name and socket, and says whether it
//! took them.

use s3_csi_proto::pluginregistration::v1 as registration;
use s3_csi_proto::pluginregistration::v1::registration_server::Registration;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

/// The CSI version that is reported to the kubelet.
const SUPPORTED_VERSION: &str = "1.0.0";

/// Answers the kubelet's plugin watcher.
#[derive(Debug, Clone)]
pub struct RegistrationService {
    driver_name: String,
    endpoint: String,
    registered: watch::Sender<bool>,
}

impl RegistrationService {
    /// Returns the service of a driver whose socket the kubelet sees at this path.
    pub fn new(driver_name: String, endpoint: String) -> Self {
        Self { driver_name, endpoint, registered: watch::Sender::new(false) }
    }

    /// Returns whether the kubelet has registered the driver, now and after each change.
    pub fn registered(&self) -> watch::Receiver<bool> {
        self.registered.subscribe()
    }
}

#[tonic::async_trait]
impl Registration for RegistrationService {
    async fn get_info(
        &self,
        _: Request<registration::InfoRequest>,
    ) -> Result<Response<registration::PluginInfo>, Status> {
        Ok(Response::new(registration::PluginInfo {
            r#type: "CSIPlugin".to_owned(),
            name: self.driver_name.clone(),
            endpoint: self.endpoint.clone(),
            supported_versions: vec![SUPPORTED_VERSION.to_owned()],
        }))
    }

    async fn notify_registration_status(
        &self,
        request: Request<registration::RegistrationStatus>,
    ) -> Result<Response<registration::RegistrationStatusResponse>, Status> {
        let status = request.into_inner();
        self.registered.send_replace(status.plugin_registered);
        if status.plugin_registered {
            tracing::info!(driver = self.driver_name, "registered with the kubelet");
        } else {
            tracing::error!(
                driver = self.driver_name,
                "the kubelet refuses the driver: {}",
                status.error
            );
        }
        Ok(Response::new(registration::RegistrationStatusResponse {}))
    }
}
