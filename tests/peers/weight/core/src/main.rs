//! Parses a publish request.

use s3_credential_core::{MountTarget, ProvideContext, PublishRequest};

fn main() {
    let request = PublishRequest::new("volume", "/var/lib/kubelet/pods/pod/volumes/x/pv/mount");
    let context = ProvideContext::from_publish_request(request, MountTarget::new("/tmp"));
    println!("{}", context.is_ok());
}
