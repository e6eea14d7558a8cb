//! Keys of the node service: each changes what `Config::node` returns.

use s3_credential_provider::{Config, NodeSettings, Registry};

pub(super) const PATHS: &[&str] =
    &["node.mountTimeout", "node.memoryBudget", "node.maxVolumes", "node.region", "node.zone"];

fn node(yaml: &str) -> NodeSettings {
    Config::parse(&Registry::default(), "c.yaml", yaml).unwrap().node().clone()
}

#[test]
fn a_key_of_the_node_service_changes_its_settings() {
    assert_eq!(node(""), NodeSettings::default());
    let values = ["45s", "2048", "9", "eu-north-1", "eu-north-1a"];
    for (path, value) in PATHS.iter().zip(values) {
        let key = path.trim_start_matches("node.");
        let changed = node(&format!("node: {{{key}: {value}}}"));
        assert_ne!(changed, NodeSettings::default(), "{path}");
    }
}

#[test]
fn a_value_that_no_node_works_with_is_refused_with_its_place() {
    for bad in ["memoryBudget: 100", "maxVolumes: 0", "mountTimeout: 30", "region: 'a b'"] {
        let text = format!("node:\n  {bad}\n");
        let report = Config::parse(&Registry::default(), "c.yaml", &text).unwrap_err();
        assert!(report.to_string().starts_with("c.yaml:2:"), "{report}");
    }
}
