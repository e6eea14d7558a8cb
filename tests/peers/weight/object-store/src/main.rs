//! Asks the environment, and where it has no credentials IMDS.

use object_store::CredentialProvider as _;
use object_store::aws::AmazonS3Builder;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = AmazonS3Builder::from_env().with_bucket_name("bucket").build().unwrap();
        println!("{}", store.credentials().get_credential().await.is_ok());
    });
}
