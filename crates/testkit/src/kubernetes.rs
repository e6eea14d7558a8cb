//! A Kubernetes API server as far as the credential provider needs one: ServiceAccounts with
//! TokenRequest, Secrets, Nodes, Pods, Events.
//!
//! What goes in: objects, users and rules, by the methods of [`Kubernetes`] or over the wire. What
//! comes out: a server that `kubectl` and `kube::Client` work against, with LIST and WATCH by
//! resource version, RBAC, and the `Status` objects and messages of kube-apiserver. How it fails:
//! what is not served is a 404 or 405 `Status`; planned failures are [`Failure`]s and
//! [`Fault`](crate::server::Fault)s by operation (`get serviceaccounts`, `watch secrets`,
//! `create serviceaccounts/token`).
//!
//! A body may be protobuf where `kubectl` sends it. Not here: Tables (so `kubectl get` shows names
//! and ages), JSON patch, server-side apply, dry runs, paging (`limit` is ignored, as a server
//! may), impersonation, controllers.
//!
//! ```
//! use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let kubernetes = Kubernetes::start().await?;
//! let role = "arn:aws:iam::111122223333:role/web";
//! kubernetes.put_service_account("apps", "web", &[("eks.amazonaws.com/role-arn", role)]);
//!
//! // The driver may only read service accounts.
//! kubernetes.put_service_account("kube-system", "s3-csi-driver-sa", &[]);
//! kubernetes.grant(
//!     "system:serviceaccount:kube-system:s3-csi-driver-sa",
//!     Rule::new(["get"], ["serviceaccounts"]),
//! );
//! let token = kubernetes.service_account_token("kube-system", "s3-csi-driver-sa");
//! assert!(kubernetes.kubeconfig_yaml_for(&token).contains("certificate-authority-data"));
//! # Ok(())
//! # }
//! ```

// A request: what it wants, and whether its caller may.
mod access;
mod body;
mod protobuf;
mod request;

// What there is, and how it changes.
mod admission;
mod resource;
mod selector;
mod store;
mod watch;

// The answers.
mod api;
mod discovery;
mod objects;
mod review;
mod status;
mod token_request;

// The test's side.
mod failure;
mod kubeconfig;
mod state;

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::ops::Deref;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::ids;
use crate::jwt::Issuer;
use crate::server::{Listen, Server, TlsIdentity};

use access::User;
use api::{Api, Endpoint};

pub use access::Rule;
pub use failure::Failure;
pub use watch::WatchEnd;

/// A running API server; it stops when it is dropped. Like every [`Server`], it has `url()`,
/// `calls()`, `faults()` and the rest.
pub struct Kubernetes {
    server: Server,
    api: Arc<Api>,
    tls: Option<TlsIdentity>,
    admin_token: String,
}

/// The builder of a [`Kubernetes`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    issuer: Issuer,
    clock: Arc<dyn Clock>,
    tls: Option<TlsIdentity>,
}

impl Builder {
    /// Signs service-account tokens as this issuer, so that others (the STS emulator) can verify
    /// them.
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuer = issuer;
        self
    }

    /// Takes the time of creation and of tokens from this clock instead of the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Listens without TLS. `kubectl` then sends no token, so that it is `system:anonymous`;
    /// `kube::Client` sends one all the same.
    pub fn plain_http(mut self) -> Self {
        self.tls = None;
        self
    }

    /// Starts on a free port of 127.0.0.1, on the current tokio runtime.
    pub async fn start(self) -> io::Result<Kubernetes> {
        let api = Arc::new(Api::new(self.issuer, self.clock));
        let listen = Listen::default();
        let listen = match &self.tls {
            Some(identity) => listen.tls(identity.clone()),
            None => listen,
        };
        let kubernetes = Kubernetes {
            server: Server::start_with(Endpoint(Arc::clone(&api)), listen).await?,
            api,
            tls: self.tls,
            admin_token: ids::base32(32),
        };
        kubernetes.api.access.register(&kubernetes.admin_token, User::admin());
        for namespace in ["default", "kube-system"] {
            kubernetes.put_namespace(namespace);
        }
        Ok(kubernetes)
    }
}

impl Kubernetes {
    /// Starts with TLS, the system's clock, and an issuer of its own.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts as the builder says.
    pub fn builder() -> Builder {
        Builder {
            issuer: Issuer::new("https://kubernetes.default.svc.cluster.local"),
            clock: Arc::new(SystemClock),
            tls: Some(TlsIdentity::generate()),
        }
    }

    /// Returns the issuer of the service-account tokens.
    pub fn issuer(&self) -> &Issuer {
        &self.api.issuer
    }

    /// Returns the certificate authority that a client must trust, as PEM; none without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.tls.as_ref().map(TlsIdentity::ca_pem)
    }

    /// Returns the token of `kubernetes-admin`, who may do everything.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// Registers a user and answers its token. What it may do, [`grant`](Self::grant) says.
    pub fn add_user(&self, name: &str) -> String {
        let token = ids::base32(32);
        self.api.access.register(&token, User::new(name, &["system:authenticated"]));
        token
    }

    /// Allows something to a user or to a group: `jane`, `system:serviceaccount:apps:web`,
    /// `system:serviceaccounts:apps`, `system:authenticated`, `system:anonymous`.
    pub fn grant(&self, subject: &str, rule: Rule) {
        self.api.access.grant(subject, rule);
    }

    /// Takes back all that was granted to this user or group.
    pub fn revoke(&self, subject: &str) {
        self.api.access.revoke(subject);
    }

    /// Returns a kubeconfig of the administrator: server, certificate authority, token; namespace
    /// `default`.
    pub fn kubeconfig_yaml(&self) -> String {
        self.kubeconfig_yaml_for(&self.admin_token)
    }

    /// Returns a kubeconfig with this token.
    pub fn kubeconfig_yaml_for(&self, token: &str) -> String {
        kubeconfig::yaml(&self.url(), self.ca_pem(), token)
    }

    /// Writes the kubeconfig with this token to a new file, mode 0600.
    pub fn write_kubeconfig(&self, path: impl AsRef<Path>, token: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(self.kubeconfig_yaml_for(token).as_bytes())
    }

    /// Ends every watch that runs now. Earlier events are sent first.
    pub fn end_watches(&self, how: WatchEnd) {
        self.api.endings.send_replace(Some(how));
    }

    /// Makes every resource version that a client has seen so far too old to watch from
    /// (`410 Expired`). Running watches go on.
    pub fn compact(&self) {
        self.api.store.compact();
    }
}

impl Deref for Kubernetes {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubernetes").field("server", &self.server).finish_non_exhaustive()
    }
}
