use std::sync::Arc;

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use jiff::SignedDuration;
use s3_credential_core::{
    Clock as _, CredentialForm, Delivery, FormKind, MountTarget, ProvideContext, PublishRequest,
    Secret, SourceChain, Token, WebIdentity, source_fn,
};
use s3_credential_provider::{Environment, Provider};
use s3_credential_sts::{Sts, StsSettings};
use tempfile::TempDir;

use super::Member;
use crate::cluster::network::Network;
use crate::upstream::ROLE;

/// The driver, all of it: keys are exchanged, and delivered as files.
pub(in crate::cluster) struct Node {
    provider: Provider,
    folder: TempDir,
}

impl Member for Node {
    fn new(network: &Arc<Network>) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        let clock = network.clock();
        let source = source_fn("simulated", move |context: ProvideContext| async move {
            let end = clock.now() + SignedDuration::from_hours(24);
            let token = Token::parse("token", Secret::new(context.volume_id()), Some(end))?;
            let identity = WebIdentity::new(token, ROLE.parse()?);
            Ok(CredentialForm::WebIdentity(Box::new(identity)))
        });
        // As the node service does.
        let settings = StsSettings {
            endpoint_url: Some("https://sts".to_owned()),
            startup_jitter: Some(StsSettings::STARTUP_JITTER),
            ..StsSettings::default()
        };
        let provider = Provider::builder()
            .environment(Environment::default().with("AWS_REGION", "us-east-1"))
            .state_path(folder.path().join("state"))
            .delivery(Delivery::Profile)
            .clock(clock)
            .driver_chain(SourceChain::first_try(source))
            .exchange(
                FormKind::WebIdentity,
                Sts::with_http_client(settings, Arc::new(clock), client(network)),
            )
            .build()
            .unwrap();
        Self { provider, folder }
    }

    async fn publish(&self, volume: usize) -> bool {
        let target = format!(
            "/var/lib/kubelet/pods/pod-{volume}/volumes/kubernetes.io~csi/pv-{volume}/mount"
        );
        let request = PublishRequest::new(format!("s3-volume-{volume}"), target);
        let target = MountTarget::new(self.folder.path());
        let context = ProvideContext::from_publish_request(request, target).unwrap();
        self.provider.provide(&context).await.is_ok()
    }
}

/// For the SDK below ours, and below aws-config.
pub(super) fn client(network: &Arc<Network>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Wire(Arc::clone(network)));
    http_client_fn(move |_, _| connector.clone())
}

pub(super) fn sleep() -> SharedAsyncSleep {
    SharedAsyncSleep::new(TokioSleep::new())
}

#[derive(Debug)]
struct Wire(Arc<Network>);

impl HttpConnector for Wire {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let network = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let answer = network.ask().await;
            Ok(HttpResponse::new(answer.status.try_into().unwrap(), SdkBody::from(answer.body)))
        })
    }
}
