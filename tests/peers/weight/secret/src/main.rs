//! Provides a volume from the Secret in its request.

use s3_credential_provider::{MountTarget, Provider, PublishRequest};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let provider = Provider::builder().build();
        let request = PublishRequest::new("volume", "/var/lib/kubelet/pods/pod/volumes/x/pv/mount");
        match provider {
            Ok(provider) => {
                let context = provider.context(request, MountTarget::new("/nowhere")).unwrap();
                println!("{}", provider.provide(&context).await.is_ok());
            }
            Err(failure) => println!("{failure}"),
        }
    });
}
