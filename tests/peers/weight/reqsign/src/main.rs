//! Asks the default chain.

use reqsign::ProvideCredential as _;
use reqsign::aws::DefaultCredentialProvider;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let credential =
            DefaultCredentialProvider::new().provide_credential(&reqsign::default_context()).await;
        println!("{}", credential.is_ok());
    });
}
