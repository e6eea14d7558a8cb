//! Calls of the Kubernetes API, in a bounded time and with failures that name what is missing.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use s3_credential_core::{ErrorKind, Failure, KubernetesCall, quietly};
use tokio::time::timeout;
use tracing::debug;

/// A service account. Its names are checked: they become part of the URL that is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Account {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Account {
    pub(crate) fn parse(namespace: &str, name: &str) -> Result<Self, Failure> {
        for (field, name) in [("namespace", namespace), ("service account name", name)] {
            if !is_name(name) {
                return Err(Failure::new(
                    ErrorKind::InvalidRequest,
                    format!("the pod's {field} is not a name that Kubernetes knows"),
                )
                .with_help("check what builds the request: the kubelet sends names of lower-case letters, digits, dashes and dots"));
            }
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    pub(crate) fn call<'a>(&'a self, verb: &'a str, resource: &'a str) -> KubernetesCall<'a> {
        KubernetesCall { verb, resource, namespace: Some(&self.namespace), name: &self.name }
    }
}

/// A DNS subdomain (RFC 1123), as names of namespaces and service accounts are.
fn is_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.len() <= 253
        && name.bytes().all(inner)
        && edge(name.bytes().next())
        && edge(name.bytes().last())
        && !name.contains("..")
}

/// The API, with the patience that we have with it.
#[derive(Clone)]
pub(crate) struct Kubernetes {
    client: Client,
    timeout: Duration,
}

impl Kubernetes {
    pub(crate) fn new(client: Client, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    pub(crate) fn service_accounts(&self, namespace: &str) -> Api<ServiceAccount> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Returns the answer of the API, or the failure for a missing one.
    pub(crate) async fn ask<T>(
        &self,
        call: KubernetesCall<'_>,
        answer: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Failure> {
        let failure = match self.in_time(quietly(answer)).await {
            Some(Ok(answer)) => return Ok(answer),
            // Of the error only its status is looked at: its text may hold what a broken server
            // sent.
            Some(Err(kube::Error::Api(status))) => call.refused(status.code),
            Some(Err(kube::Error::Auth(_))) => call.refused(401),
            Some(Err(_)) => call.unreachable(),
            None => call.timed_out(),
        };
        debug!(problem = failure.message(), "no answer from the Kubernetes API");
        Err(failure)
    }

    /// Returns the answer, unless it takes longer than our patience.
    pub(crate) async fn in_time<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        timeout(self.timeout, answer).await.ok()
    }
}

impl fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubernetes").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
