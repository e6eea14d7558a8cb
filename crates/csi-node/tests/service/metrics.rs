//! The page `/metrics`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};

use s3_csi_node::MountId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{CANARY, World, request};

/// The page that operators read.
const DOCUMENTATION: &str = include_str!("../../../../docs/operators/metrics.md");

/// A world whose service has pages at a port that was free just now.
fn world_with_pages() -> (World, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    (World { http: Some(address), ..World::new() }, address)
}

async fn metrics(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    page.to_owned()
}

/// The names of families and of their labels, as the page has them.
fn labels_by_family(page: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let families = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut found: BTreeMap<_, _> =
        families.map(|line| (line.split(' ').next().unwrap(), BTreeSet::new())).collect();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let is_part = |suffix: &&str| found.contains_key(name.strip_suffix(suffix).unwrap_or(""));
        let suffix = ["_bucket", "_sum", "_count"].into_iter().find(|suffix| is_part(suffix));
        let family = suffix.map_or(name, |suffix| name.strip_suffix(suffix).unwrap());
        let labels = labels.split(',').filter_map(|label| label.split_once('=')).map(|(it, _)| it);
        found.get_mut(family).unwrap().extend(labels.filter(|label| *label != "le"));
    }
    found
}

/// The rows of the documentation's tables: a name, and its labels.
fn documented() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let rows = DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').collect();
        let labels = cells[2].split('`').skip(1).step_by(2).collect();
        (cells[0].trim().trim_end_matches('`'), labels)
    })
    .collect()
}

#[track_caller]
fn has(page: &str, line: &str) {
    assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
}

#[tokio::test]
async fn calls_mounts_and_credentials_are_counted() {
    let (world, address) = world_with_pages();
    let service = world.start().await;
    let target = world.target("uid");
    service.publish(request("v", &target)).await.unwrap();
    let mut sealed = request("w", &world.target("other"));
    sealed.volume_context.insert("bucketName".to_owned(), "sealed".to_owned());
    service.publish(sealed).await.unwrap_err();

    let page = metrics(address).await;
    for (code, count) in [("OK", 1), ("FailedPrecondition", 1)] {
        let labels = format!(
            "driver_name=\"s3.csi.aws.com\",method_name=\"/csi.v1.Node/NodePublishVolume\",grpc_status_code=\"{code}\""
        );
        has(&page, &format!("csi_plugin_operations_seconds_count{{{labels}}} {count}"));
        has(&page, &format!("csi_plugin_operations_seconds_bucket{{{labels},le=\"600\"}} {count}"));
    }
    for line in [
        r#"s3_csi_mounts{state="published"} 1"#,
        "s3_csi_mounter_up 1",
        "s3_csi_mounts_lost 0",
        r#"s3_csi_credential_provides_total{level="driver",source="vault",outcome="success"} 1"#,
        r#"s3_csi_credential_provides_total{level="driver",source="none",outcome="no-source-applies"} 1"#,
        r#"s3_csi_credential_leases{level="driver",source="vault",state="ok"} 1"#,
    ] {
        has(&page, line);
    }
    let version = format!("s3_csi_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    has(&page, &version);

    service.unpublish("v", &target).await.unwrap();
    has(&metrics(address).await, r#"s3_csi_mounts{state="published"} 0"#);
}

#[tokio::test]
async fn a_lost_mountpoint_and_a_silent_mounter_are_seen() {
    let (world, address) = world_with_pages();
    let service = world.start().await;
    let target = world.target("uid");
    service.publish(request("v", &target)).await.unwrap();
    world.mounter.end(&MountId::new("v", &target), "out of memory");
    has(&metrics(address).await, "s3_csi_mounts_lost 1");
    world.mounter.set_unreachable(true);
    let page = metrics(address).await;
    has(&page, "s3_csi_mounter_up 0");
    assert!(!page.contains("\ns3_csi_mounts_lost "), "unknown: {page}");
}

#[tokio::test]
async fn no_volume_pod_role_or_secret_is_in_a_label() {
    let (world, address) = world_with_pages();
    let service = world.start().await;
    let mut call = request(&format!("{CANARY}-volume"), &world.target(&format!("{CANARY}-uid")));
    let role = format!("arn:aws:iam::111122223333:role/{CANARY}");
    for (name, value) in [
        ("csi.storage.k8s.io/pod.uid", format!("{CANARY}-uid")),
        ("csi.storage.k8s.io/pod.name", format!("{CANARY}-pod")),
        ("csi.storage.k8s.io/pod.namespace", format!("{CANARY}-namespace")),
        ("csi.storage.k8s.io/serviceAccount.name", format!("{CANARY}-account")),
        ("eks.amazonaws.com/role-arn", role),
    ] {
        call.volume_context.insert(name.to_owned(), value);
    }
    call.secrets.insert("access_key".to_owned(), format!("{CANARY}-secret"));
    service.publish(call.clone()).await.unwrap();
    service.publish(call.clone()).await.unwrap();
    for level in ["pod", "secret", &format!("{CANARY}-level")] {
        let mut other = call.clone();
        other.volume_id = format!("{CANARY}-{level}");
        // A target of its own: another volume at the first one is refused before its credentials.
        other.target_path = world.target(&format!("{CANARY}-{level}"));
        other.volume_context.insert("authenticationSource".to_owned(), level.to_owned());
        service.publish(other).await.unwrap_err();
    }
    let page = metrics(address).await;
    // Each publish came as far as its credentials, so that its labels are on the page.
    for outcome in ["success", "missing-token", "invalid-secret"] {
        assert!(page.contains(&format!("outcome=\"{outcome}\"")), "{outcome}: {page}");
    }
    assert!(!page.contains(CANARY), "{page}");
}

#[tokio::test]
async fn the_documentation_names_every_metric_with_its_labels() {
    let (world, address) = world_with_pages();
    let service = world.start().await;
    service.publish(request("v", &world.target("uid"))).await.unwrap();
    let page = metrics(address).await;
    let (found, documented) = (labels_by_family(&page), documented());
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        documented.keys().collect::<Vec<_>>(),
        "the rows of docs/operators/metrics.md"
    );
    for (name, labels) in found {
        // A family without samples has no labels to compare.
        if !labels.is_empty() {
            assert_eq!(labels, documented[name], "{name}");
        }
    }
}
