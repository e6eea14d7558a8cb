//! Provides a volume by the default configuration.

use s3_credential_provider::{Environment, MountTarget, Provider, PublishRequest};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let provider = Provider::builder()
            .environment(Environment::from_iter(std::env::vars()))
            .build()
            .unwrap();
        let request = PublishRequest::new("volume", "/var/lib/kubelet/pods/pod/volumes/x/pv/mount");
        let context = provider.context(request, MountTarget::new("/nowhere")).unwrap();
        println!("{}", provider.provide(&context).await.is_ok());
    });
}
