//! A client of the Kubernetes API, from the driver's environment.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use rustls::crypto::CryptoProvider;
use s3_credential_core::{Environment, ErrorKind, Failure, names};

/// The driver's client of the Kubernetes API. It is made when it is first asked for; a failure is
/// not remembered, so that a file which appears later is found by the next call.
#[derive(Clone)]
pub(crate) struct KubernetesClient {
    environment: Environment,
    made: Arc<Mutex<Option<Client>>>,
}

impl KubernetesClient {
    pub(crate) fn new(environment: Environment) -> Self {
        Self { environment, made: Arc::default() }
    }

    /// Returns the client, as [`kubernetes_client`] does.
    pub(crate) fn get(&self) -> Result<Option<Client>, Failure> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.is_none() {
            *made = kubernetes_client(&self.environment)?;
        }
        Ok(made.clone())
    }
}

/// Returns the client that `KUBECONFIG` describes, else the cluster's own for a pod. `None` where
/// neither is configured.
///
/// Call it within a tokio runtime. The client neither retries nor limits the time of an answer.
///
/// # Errors
/// `misconfigured` for a configuration that cannot be used.
pub fn kubernetes_client(environment: &Environment) -> Result<Option<Client>, Failure> {
    let mut config =
        match (environment.get(names::KUBECONFIG), environment.get(names::KUBERNETES_SERVICE_HOST))
        {
            (Some(paths), _) => from_kubeconfig(paths)?,
            (None, Some(host)) => {
                in_cluster(host, environment.get(names::KUBERNETES_SERVICE_PORT).unwrap_or("443"))?
            }
            (None, None) => return Ok(None),
        };
    // Callers retry within their own deadlines, and wait no longer for an answer. Here a limit
    // would be one on the silence of the whole connection: it would end each watch between two
    // bookmarks of the API server, which come about every minute.
    config.read_timeout = None;
    config.default_retry = false;
    choose_tls_provider();
    Client::try_from(config)
        .map(Some)
        .map_err(|error| unusable("the Kubernetes client cannot be built", error))
}

/// kube takes the TLS provider of the process. It panics where a program links two of them and has
/// chosen none, as with a library that brings `aws-lc-rs`.
fn choose_tls_provider() {
    if CryptoProvider::get_default().is_none() {
        // An error means that another thread has just chosen one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Several files are merged, as kubectl does.
fn from_kubeconfig(paths: &str) -> Result<Config, Failure> {
    let unusable = |error: KubeconfigError| {
        unusable(format!("KUBECONFIG cannot be used: {}", reason(&error)), error)
    };
    let merged = std::env::split_paths(paths)
        .filter(|path| path.as_path() != Path::new(""))
        .map(Kubeconfig::read_from)
        .reduce(|merged, next| merged?.merge(next?))
        .ok_or_else(|| Failure::new(ErrorKind::Misconfigured, "KUBECONFIG names no file"))?
        .map_err(unusable)?;
    let names_a_proxy = merged
        .clusters
        .iter()
        .any(|cluster| cluster.cluster.as_ref().is_some_and(|it| it.proxy_url.is_some()));
    // This asynchronous function never waits.
    let mut config = Config::from_custom_kubeconfig(merged, &KubeConfigOptions::default())
        .now_or_never()
        .ok_or_else(|| {
            Failure::new(ErrorKind::Internal, "the Kubernetes configuration is not ready")
        })?
        .map_err(unusable)?;
    // kube would take a proxy from the process environment.
    config.proxy_url = config.proxy_url.filter(|_| names_a_proxy);
    Ok(config)
}

/// With the service account that the kubelet mounts into the driver's pod.
fn in_cluster(host: &str, port: &str) -> Result<Config, Failure> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let url = format!("https://{host}:{port}");
    let mut config = Config::incluster_dns().map_err(|error| {
        unusable("the service account of the driver's pod cannot be used", error)
    })?;
    config.cluster_url = url.parse().map_err(|error| {
        unusable(
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no address of an API server",
            error,
        )
    })?;
    Ok(config)
}

/// What is wrong with a kubeconfig. Its texts are not repeated, since a parser may quote what it
/// read.
fn reason(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, path) => format!("{}: {error}", path.display()),
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => {
                format!(
                    "it is no kubeconfig: wrong at line {}, column {}",
                    place.line(),
                    place.column()
                )
            }
            None => "it is no kubeconfig".to_owned(),
        },
        KubeconfigError::CurrentContextNotSet => "it has no `current-context`".to_owned(),
        KubeconfigError::LoadContext(_) => {
            "its `current-context` names a context that is not there".to_owned()
        }
        KubeconfigError::LoadClusterOfContext(_) => {
            "its context names a cluster that is not there".to_owned()
        }
        KubeconfigError::MissingClusterUrl => "its cluster has no `server`".to_owned(),
        _ => "a URL, certificate or key in it cannot be used".to_owned(),
    }
}

fn unusable(
    message: impl Into<Cow<'static, str>>,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Failure {
    Failure::new(ErrorKind::Misconfigured, message).with_cause(cause).with_help(
        "name a readable kubeconfig in KUBECONFIG, or run the driver with a service account",
    )
}
