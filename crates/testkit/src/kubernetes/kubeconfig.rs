//! The file that clients find the server by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A kubeconfig with one cluster, one user and one context. Without a certificate authority the URL
/// must be plain http.
pub(super) fn yaml(server: &str, ca_pem: Option<&str>, token: &str) -> String {
    let authority = ca_pem.map_or_else(String::new, |pem| {
        format!("    certificate-authority-data: {}\n", STANDARD.encode(pem))
    });
    // A JSON string is a YAML string, whatever is in it.
    let token = Value::from(token);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: testkit
  cluster:
    server: {server}
{authority}users:
- name: testkit
  user:
    token: {token}
contexts:
- name: testkit
  context:
    cluster: testkit
    user: testkit
    namespace: default
current-context: testkit
"
    )
}
