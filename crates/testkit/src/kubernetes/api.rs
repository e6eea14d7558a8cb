//! The server's answer to one request: who asks, whether it may, and then the part that knows.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::clock::Clock;
use crate::jwt::{Issuer, Verifier};
use crate::server::{Handler, Request, Response};

use super::access::{Access, User};
use super::request::Attributes;
use super::resource::{Key, Kind, text};
use super::status::Status;
use super::store::Store;
use super::watch::Endings;
use super::{body, discovery, objects, review, token_request};

/// All that the emulator knows.
pub(super) struct Api {
    pub(super) store: Arc<Store>,
    pub(super) access: Access,
    pub(super) endings: Endings,
    pub(super) issuer: Issuer,
    pub(super) clock: Arc<dyn Clock>,
    verifier: Verifier,
}

impl Api {
    pub(super) fn new(issuer: Issuer, clock: Arc<dyn Clock>) -> Self {
        Self {
            store: Arc::new(Store::new()),
            access: Access::default(),
            endings: Endings::new(None),
            verifier: issuer.verifier(),
            issuer,
            clock,
        }
    }

    /// This moment, to the second, as the API writes times.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock.now().as_second()).expect("it is one already")
    }

    pub(super) fn timestamp(&self) -> String {
        self.now().to_string()
    }

    /// Returns the audience of tokens for the API server itself: its issuer, as by default in
    /// Kubernetes.
    pub(super) fn audience(&self) -> &str {
        self.issuer.url()
    }

    fn answer(&self, request: &Request) -> Result<Response, Status> {
        let attributes = Attributes::of(request);
        let user = self.authenticate(request)?;
        if request.header("impersonate-user").is_some() {
            return Err(Status::bad_request("this server does not impersonate"));
        }
        if !self.access.allows(&user, &attributes) {
            return Err(Status::forbidden(&user.name, &attributes));
        }
        if attributes.resource.is_empty() {
            return self.document(request);
        }
        let Attributes { group, resource, subresource, namespace, name, verb, .. } = &attributes;
        match (group.as_str(), Kind::from_plural(resource), subresource.as_str()) {
            ("", Some(kind), "") => objects::answer(self, kind, &attributes, request),
            ("", Some(Kind::ServiceAccount), "token") if verb == "create" => {
                let asked = body::object(request)?;
                Ok(Response::json(201, &token_request::answer(self, namespace, name, &asked)?))
            }
            ("authentication.k8s.io" | "authorization.k8s.io", None, "") if verb == "create" => {
                let asked = body::object(request)?;
                Ok(Response::json(201, &review::answer(&self.access, &user, resource, asked)?))
            }
            _ => Err(Status::no_such_resource()),
        }
    }

    fn document(&self, request: &Request) -> Result<Response, Status> {
        if request.method != http::Method::GET {
            return Err(Status::method_not_allowed());
        }
        match request.path() {
            "/healthz" | "/livez" | "/readyz" => Ok(Response::text(200, "ok")),
            "/.well-known/openid-configuration" => {
                Ok(Response::json(200, &self.issuer.discovery()))
            }
            "/openid/v1/jwks" => Ok(Response::json(200, &self.issuer.jwks())),
            path => {
                let server = request.header("host").unwrap_or_default();
                let document =
                    discovery::document(path, server).ok_or_else(Status::no_such_resource)?;
                Ok(Response::json(200, &document))
            }
        }
    }

    /// Returns the user of the bearer token, or an error for an unknown one. Without a token, or
    /// with an empty one, the caller is anonymous.
    fn authenticate(&self, request: &Request) -> Result<User, Status> {
        let header = request.header("authorization").unwrap_or_default();
        let Some(token) = header.strip_prefix("Bearer ").filter(|token| !token.is_empty()) else {
            return Ok(User::anonymous());
        };
        let known = self.access.user_of(token);
        known.or_else(|| self.service_account_of(token)).ok_or_else(Status::unauthorized)
    }

    /// Returns the user of a service-account token. It counts while its account, and the pod that
    /// it is bound to, are the same as when it was made.
    fn service_account_of(&self, token: &str) -> Option<User> {
        let claims = self.verifier.verify(token, self.clock.now()).ok()?;
        let (namespace, name) = claims.service_account()?;
        let bound = claims.get("kubernetes.io")?;
        let lives = |kind, name: &str, uid: &Value| {
            let object = self.store.get(&Key::new(kind, namespace, name));
            object.is_ok_and(|object| object["metadata"]["uid"] == *uid)
        };
        let pod = bound.get("pod");
        let valid = claims.audiences().contains(&self.audience())
            && lives(Kind::ServiceAccount, name, &bound["serviceaccount"]["uid"])
            && pod.is_none_or(|pod| lives(Kind::Pod, text(pod, "/name"), &pod["uid"]));
        valid.then(|| User::service_account(namespace, name))
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Objects and tokens are secrets.
        f.debug_struct("Api").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// The emulator's half of what the server shares with the test.
#[derive(Debug)]
pub(super) struct Endpoint(pub(super) Arc<Api>);

#[async_trait]
impl Handler for Endpoint {
    fn operation(&self, request: &Request) -> String {
        Attributes::of(request).operation()
    }

    async fn handle(&self, request: Request) -> Response {
        self.0.answer(&request).unwrap_or_else(|status| status.response())
    }
}
