//! Leases in rare states: write paths that moved, records that are lost or belong to others, target
//! paths that move.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use s3_credential_core::{
    Code, CredentialForm, ErrorKind, Failure, Keys, Secret, SourceChain, SourceError, Token,
    WebIdentity, source_fn,
};
use s3_credential_provider::{
    CleanupContext, CleanupReport, MountTarget, ProvideContext, ProvideError, Provided, Provider,
    PublishRequest, UnpublishRequest,
};
use tempfile::TempDir;

const INLINE_ID: &str = "csi-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A node whose source hands out another token at each call, unless it is broken.
struct Node {
    scratch: TempDir,
    calls: Arc<AtomicU32>,
    is_broken: Arc<AtomicBool>,
}

impl Node {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("write")).unwrap();
        Self { scratch, calls: Arc::default(), is_broken: Arc::default() }
    }

    fn provider(&self) -> Provider {
        let (calls, is_broken) = (Arc::clone(&self.calls), Arc::clone(&self.is_broken));
        let source = source_fn("mint", move |_: ProvideContext| {
            let secret = Secret::new(format!("token-{}", calls.fetch_add(1, Ordering::SeqCst) + 1));
            let is_broken = is_broken.load(Ordering::SeqCst);
            async move {
                if is_broken {
                    return Err(SourceError::failed(ErrorKind::Misconfigured, "broken"));
                }
                let role = "arn:aws:iam::111122223333:role/reader".parse()?;
                let token = Token::parse("token", secret, None)?;
                Ok(CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role))))
            }
        });
        Provider::builder()
            .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
            .state_path(self.state())
            .driver_chain(SourceChain::first_try(source))
            .build()
            .unwrap()
    }

    fn state(&self) -> PathBuf {
        self.scratch.path().join("state")
    }

    fn write_path(&self) -> PathBuf {
        self.scratch.path().join("write")
    }

    fn tokens(&self) -> Vec<String> {
        let directories = fs::read_dir(self.write_path()).unwrap();
        directories
            .filter_map(|entry| fs::read_to_string(entry.unwrap().path().join("token")).ok())
            .collect()
    }
}

fn path(pod: &str, pv: &str) -> String {
    format!("/var/lib/kubelet/pods/{pod}/volumes/kubernetes.io~csi/{pv}/mount")
}

async fn provide(
    provider: &Provider,
    request: PublishRequest,
    target: MountTarget,
) -> Result<Provided, ProvideError> {
    provider.provide(&provider.context(request, target)?).await
}

async fn cleanup(
    provider: &Provider,
    volume: &str,
    target: &str,
    write_path: &Path,
) -> Result<CleanupReport, ProvideError> {
    let request = UnpublishRequest::new(volume, target);
    let context = CleanupContext::from_unpublish_request(&request, write_path, None)?;
    provider.cleanup(&context).await
}

#[tokio::test]
async fn cleanup_removes_the_files_where_the_record_says_whatever_the_write_path_of_the_call() {
    let node = Node::new();
    let elsewhere = node.scratch.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let link = node.scratch.path().join("link");
    std::os::unix::fs::symlink(node.write_path(), &link).unwrap();
    for called_with in [elsewhere, link, node.scratch.path().join("gone")] {
        let target = path("a", "pv");
        let request = PublishRequest::new("v", &target);
        provide(&node.provider(), request, MountTarget::new(node.write_path())).await.unwrap();
        assert_eq!(node.tokens().len(), 1);
        // Another process: it knows of the lease by the journal alone.
        let report = cleanup(&node.provider(), "v", &target, &called_with).await.unwrap();
        assert!(!report.removed.is_empty(), "{}", called_with.display());
        assert_eq!(fs::read_dir(node.write_path()).unwrap().count(), 0);
        assert_eq!(fs::read_dir(node.state()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn cleanup_of_a_volume_that_was_never_provided_is_done_where_the_write_path_is_a_link() {
    let node = Node::new();
    let link = node.scratch.path().join("link");
    std::os::unix::fs::symlink(node.write_path(), &link).unwrap();
    let report = cleanup(&node.provider(), "v", &path("a", "pv"), &link).await.unwrap();
    assert_eq!(report, CleanupReport::default());
}

#[tokio::test]
async fn an_entry_of_the_journal_that_is_no_record_harms_no_other_lease() {
    let node = Node::new();
    let provider = node.provider();
    let target = path("a", "pv");
    let mount = MountTarget::new(node.write_path()).with_mountpoint_pod_uid("shared");
    provide(&provider, PublishRequest::new("v", &target), mount).await.unwrap();
    fs::create_dir(node.state().join("lost+found")).unwrap();
    fs::write(node.state().join("huge"), vec![b'x'; 3 << 20]).unwrap();
    fs::write(node.state().join("garbage"), "{").unwrap();
    for volume in ["v", "never-provided"] {
        cleanup(&node.provider(), volume, &target, &node.write_path()).await.unwrap();
    }
    assert_eq!(fs::read_dir(node.write_path()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(node.state()).unwrap().count(), 3, "the strangers' entries stay");
}

#[tokio::test]
async fn cleanup_of_one_holder_leaves_everything_where_the_record_cannot_be_read() {
    let node = Node::new();
    let mount = MountTarget::new(node.write_path()).with_mountpoint_pod_uid("shared");
    for pod in ["a", "b"] {
        let request = PublishRequest::new("v", path(pod, "pv"));
        provide(&node.provider(), request, mount.clone()).await.unwrap();
    }
    let record = fs::read_dir(node.state()).unwrap().next().unwrap().unwrap().path();
    fs::write(&record, "another version").unwrap();
    let request = UnpublishRequest::new("v", path("a", "pv"));
    let context =
        CleanupContext::from_unpublish_request(&request, node.write_path(), Some("shared"))
            .unwrap();
    let error = node.provider().cleanup(&context).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert_eq!(node.tokens().len(), 1, "the other holder is mounted");
}

#[tokio::test]
async fn a_second_cleanup_of_a_target_counts_the_holders_that_are_left() {
    let node = Node::new();
    let provider = node.provider();
    let mount = MountTarget::new(node.write_path()).with_mountpoint_pod_uid("shared");
    for pod in ["a", "b"] {
        let request = PublishRequest::new("v", path(pod, "pv"));
        provide(&provider, request, mount.clone()).await.unwrap();
    }
    for _ in 0..2 {
        let report = cleanup(&provider, "v", &path("a", "pv"), &node.write_path()).await.unwrap();
        assert_eq!(report.remaining_holders, 1);
    }
    let last = cleanup(&provider, "v", &path("b", "pv"), &node.write_path()).await.unwrap();
    assert_eq!(last.remaining_holders, 0);
    assert!(node.tokens().is_empty());
}

#[tokio::test]
async fn a_target_that_moves_to_another_mountpoint_pod_leaves_the_lease_of_the_first() {
    let node = Node::new();
    let provider = node.provider();
    for pod in ["one", "two"] {
        let mount = MountTarget::new(node.write_path()).with_mountpoint_pod_uid(pod);
        provide(&provider, PublishRequest::new("v", path("a", "pv")), mount).await.unwrap();
    }
    let held: Vec<usize> =
        provider.leases().iter().map(|status| status.lease.holders.len()).collect();
    assert_eq!(held.iter().sum::<usize>(), 1, "the target holds one of the two leases");
    // The Mountpoint of the first may run until the target is unmounted.
    cleanup(&provider, "v", &path("a", "pv"), &node.write_path()).await.unwrap();
    assert!(node.tokens().is_empty());
    assert!(provider.leases().is_empty());
}

#[tokio::test]
async fn a_second_volume_of_a_pod_with_the_same_handle_does_not_overwrite_the_first() {
    let node = Node::new();
    let provider = node.provider();
    let publish = |pv: &str, bucket: &str| {
        let request = PublishRequest::new("v", path("a", pv));
        request.with_volume_context([("bucketName", bucket)])
    };
    let mount = || MountTarget::new(node.write_path());
    provide(&provider, publish("pv-1", "photos"), mount()).await.unwrap();
    let error = provide(&provider, publish("pv-2", "films"), mount()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(error.help().contains("volumeHandle"), "{}", error.help());
    assert_eq!(node.tokens(), ["token-1"]);
}

#[tokio::test]
async fn a_lost_state_path_removes_no_file_of_a_live_mount() {
    let node = Node::new();
    let request = || PublishRequest::new("v", path("a", "pv"));
    let mount = || MountTarget::new(node.write_path());
    provide(&node.provider(), request(), mount()).await.unwrap();
    fs::remove_dir_all(node.state()).unwrap();

    node.is_broken.store(true, Ordering::SeqCst);
    let error = provide(&node.provider(), request(), mount()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert_eq!(node.tokens(), ["token-1"], "a failure removes no file");

    node.is_broken.store(false, Ordering::SeqCst);
    provide(&node.provider(), request(), mount()).await.unwrap();
    assert_eq!(node.tokens(), ["token-3"], "the next publish adopts the directory");
    cleanup(&node.provider(), "v", &path("a", "pv"), &node.write_path()).await.unwrap();
    assert!(node.tokens().is_empty());
}

#[tokio::test]
async fn a_mount_without_a_record_does_not_get_another_kind_of_credentials() {
    let node = Node::new();
    let request = || PublishRequest::new("v", path("a", "pv"));
    provide(&node.provider(), request(), MountTarget::new(node.write_path())).await.unwrap();
    fs::remove_dir_all(node.state()).unwrap();
    let keys = source_fn("keys", |_: ProvideContext| async {
        Ok(CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", "secret")))
    });
    let provider = Provider::builder()
        .state_path(node.state())
        .driver_chain(SourceChain::first_try(keys))
        .build()
        .unwrap();
    let mounted = MountTarget::new(node.write_path()).with_mounted(true);
    let error = provide(&provider, request(), mounted).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert_eq!(node.tokens(), ["token-1"]);
}

#[tokio::test]
async fn an_inline_volume_gets_only_the_credentials_of_its_own_request() {
    let node = Node::new();
    let chain = || {
        let own = source_fn("own", |_: ProvideContext| async {
            Err(SourceError::not_applicable("the request has no secrets"))
        });
        let shared = source_fn("shared", |_: ProvideContext| async {
            Ok(CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", "secret")))
        });
        SourceChain::first_try(own).or_else(shared)
    };
    let provider = Provider::builder()
        .state_path(node.state())
        .driver_chain(chain())
        .pod_chain(chain())
        .secret_chain(chain())
        .build()
        .unwrap();
    let request = |id: &str, level: &str, ephemeral: &str| {
        PublishRequest::new(id, path("a", id)).with_volume_context([
            ("authenticationSource", level),
            ("csi.storage.k8s.io/pod.namespace", "apps"),
            ("csi.storage.k8s.io/serviceAccount.name", "app"),
            ("csi.storage.k8s.io/ephemeral", ephemeral),
        ])
    };
    let mount = || MountTarget::new(node.write_path());
    for level in ["driver", "pod", "secret"] {
        provide(&provider, request(level, level, "false"), mount()).await.unwrap();
        // By the attribute, and by the id where `podInfoOnMount` is off.
        for inline in [request("inline", level, "true"), request(INLINE_ID, level, "")] {
            let error = provide(&provider, inline, mount()).await.unwrap_err();
            assert_eq!(error.code(), Code::PermissionDenied, "{level}: {error}");
        }
    }
}

#[tokio::test]
async fn a_name_that_no_record_could_hold_is_refused_by_its_field() {
    let node = Node::new();
    let provider = node.provider();
    let request = PublishRequest::new("v", path("a", "pv"))
        .with_volume_context([("bucketName", "b".repeat(1 << 20).as_str())]);
    let failure: Failure =
        ProvideContext::from_publish_request(request, MountTarget::new(node.write_path()))
            .unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::InvalidRequest);
    assert!(failure.message().contains("bucketName"), "{failure}");
    assert!(provider.leases().is_empty());
}
