//! Every public type was printed with a secret in it, or is known to hold none.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use s3_credential_provider::{DoctorOptions, ResumeOptions};

use crate::record::Record;
use crate::runs::live;
use crate::values::{answer, machinery, values};
use crate::world::{By, World};

/// Traits, and what is no value.
const NOTHING_TO_SHOW: &[&str] = &[
    "Clock",
    "CredentialSource",
    "KeyExchange",
    "KeySource",
    "RegionResolver",
    "KernelClock",
    "EndpointBackend",
];

/// They hold secrets and show themselves by something else than their name: a variant, a map, what
/// they point to. Here, or, where this suite has none of them, in a test that is named.
const SHOWN_BY_OTHER_WORDS: &[&str] = &[
    "CacheEvent",        // `no_secret_is_shown` of the cache
    "CachedKeysBuilder", // the same
    "CurrentKeys",       // the same
    "CredentialForm",
    "Environment",
    "EnvironmentValue",
    "Event",
    "RunningProvider", // a provider, which is shown
    "PlanRequest",     // of references; its form and its environment are shown
    "ProvideError",    // shown wherever something fails in broken.rs
    "SourceError",
];

/// No secret reaches them: names, paths, numbers, instants, words.
const HOLD_NONE: &[&str] = &[
    "Applied",
    "IdentityReasons",
    "LeasePhase",
    "LeaseSurvey",
    "MetricFamily",
    "MetricKind",
    "MetricSample",
    "MetricValue",
    "PassedOver",
    "Phase",
    "RecordedLease",
    "RefreshFailure",
    "UnreadableRecord",
    "AttemptError",
    "AuthenticationLevel",
    "Change",
    "Changes",
    "CheckStatus",
    "Code",
    "Config", // its settings are shown with the provider
    "ConfigProblem",
    "ConfigReport",
    "ConfigSeverity",
    "Consumer",
    "Delivery",
    "DirectoryError",
    "DirectoryLock",
    "DirectoryState",
    "DoctorOptions",
    "ErrorKind",
    "Examination",
    "ExchangeRequest",
    "Existing",
    "FileError",
    "FixedRegion",
    "FormKind",
    "Generation",
    "RotationHandle",
    "KeyNames",
    "KeyPart",
    "KubernetesCall",
    "Lock",
    "MountKind",
    "NoSettings",
    "NodeSettings",
    "NodeLabelRegion",
    "Outcome",
    "Owner",
    "Partition",
    "Permission",
    "Reached",
    "RegionError",
    "Registration",
    "Registry",
    "ResumeOptions",
    "RoleHop",
    "RoleOrigin",
    "RoleRule",
    "Scope",
    "SecondRole", // an external id is no secret, says AWS
    "Severity",
    "SdkRegion",
    "SecretDirectorySettings",
    "SecretNamespace",
    "Stamp",
    "UnpublishRequest",
    "MountOptionProblem",
    "StsRoute", // a host; never what stands before it
    "VolumeScope",
    "WarningKind",
    "WritePath",
    "WrittenFile",
];

/// The names of types that a crate's root exports.
fn exported() -> BTreeSet<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(crates).unwrap() {
        let path = entry.unwrap().path();
        // The testkit is for tests; the command line prints what the others give it; the node
        // service, its mounter and the messages of CSI have canary tests of their own.
        let elsewhere = ["testkit", "cli", "csi", "csi-node", "mounter"];
        if elsewhere.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let text = fs::read_to_string(path.join("src/lib.rs")).unwrap();
        for exports in text.split("\npub use ").skip(1) {
            let exports = exports.split(';').next().unwrap();
            names.extend(words(exports).filter(|word| is_type(word)).map(str::to_owned));
        }
    }
    names
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// `Secret`, but neither `TOKENS_KEY` nor `source_fn`.
fn is_type(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.contains(|c: char| c.is_ascii_lowercase())
}

#[tokio::test]
async fn a_new_public_type_is_printed_with_a_secret_in_it_or_listed() {
    let world = World::start().await;
    let mut record = Record::start();
    for value in values().iter().chain(&machinery()) {
        record.show(value);
    }
    record.show(&answer().await);
    for by in [By::SecretRequest, By::PodToken, By::Imds, By::SecretDirectory, By::SecretWatch] {
        let builder = world.builder(by).await;
        live(&mut record, &world, by, builder, by.kind(None)).await;
        let provider = world.builder(by).await.build().unwrap();
        record.show(&provider.resume(ResumeOptions::default()).await.unwrap());
        let options = DoctorOptions::default().with_write_path(world.path("write"));
        record.show(&Box::pin(provider.doctor(&options)).await);
    }
    record.assert_silent(world.secrets());
    let shown: BTreeSet<&str> = record.shown().flat_map(words).collect();
    let listed = [NOTHING_TO_SHOW, SHOWN_BY_OTHER_WORDS, HOLD_NONE];
    let listed: BTreeSet<&str> = listed.into_iter().flatten().copied().collect();
    let exported = exported();
    let unseen = exported.iter().map(String::as_str).filter(|name| !shown.contains(name));
    let unseen: BTreeSet<&str> = unseen.collect();
    assert_eq!(unseen, listed, "print what is new here in values.rs or runs.rs, or list it");
}
