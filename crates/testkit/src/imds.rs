//! The EC2 Instance Metadata Service, version 2.
//!
//! Operations: `GetToken`, `GetRegion`, `GetAvailabilityZone`, `ListRoles`, `GetCredentials`,
//! `GetIdentityDocument`, `Other`. Time and keys come from an [`Iam`], so that the instance
//! profile's keys are good at STS.
//!
//! ```
//! use s3_credential_testkit::iam::{Iam, Role, Trust};
//! use s3_credential_testkit::imds::Imds;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let iam = Iam::default();
//! let trust = Trust::service("ec2.amazonaws.com");
//! iam.add_role(Role::new("arn:aws:iam::111122223333:role/node").trusting(trust));
//! let imds = Imds::start(iam).await?;
//! imds.set_role(Some("arn:aws:iam::111122223333:role/node"));
//! println!("AWS_EC2_METADATA_SERVICE_ENDPOINT={}", imds.url());
//! # Ok(())
//! # }
//! ```

mod profile;
mod tokens;

use std::future;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use serde_json::json;

use crate::iam::Iam;
use crate::lock;
use crate::server::{Handler, Listen, Request, Response, Server};
use profile::Profile;
use tokens::Tokens;

const ROLES: &str = "/latest/meta-data/iam/security-credentials";

/// The emulator. It is a [`Server`].
#[derive(Debug)]
pub struct Imds {
    iam: Iam,
    state: Arc<Mutex<State>>,
    server: Server,
}

#[derive(Debug)]
struct State {
    region: String,
    zone: String,
    enabled: bool,
    hop_limit_reached: bool,
    tokens_optional: bool,
    tokens: Tokens,
    profile: Profile,
}

impl Imds {
    /// Starts on a free port of 127.0.0.1: an instance in `us-east-1a` without a role.
    pub async fn start(iam: Iam) -> io::Result<Self> {
        Self::start_with(iam, Listen::default()).await
    }

    /// Starts where and how `listen` says.
    pub async fn start_with(iam: Iam, listen: Listen) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State {
            region: "us-east-1".to_owned(),
            zone: "us-east-1a".to_owned(),
            enabled: true,
            hop_limit_reached: false,
            tokens_optional: false,
            tokens: Tokens::default(),
            profile: Profile::default(),
        }));
        let service = Service { iam: iam.clone(), state: Arc::clone(&state) };
        Ok(Self { iam, state, server: Server::start_with(service, listen).await? })
    }

    /// Returns the store it works on.
    pub fn iam(&self) -> &Iam {
        &self.iam
    }

    /// The region, and zone `a` of it.
    pub fn set_region(&self, region: &str) {
        let mut state = lock(&self.state);
        region.clone_into(&mut state.region);
        state.zone = format!("{region}a");
    }

    /// The role of the instance profile, by its ARN in the [`Iam`]. Without one the list of roles
    /// is 404. If the role is not there or does not trust `ec2.amazonaws.com`, the answer is IMDS's
    /// `AssumeRoleUnauthorizedAccess` document.
    pub fn set_role(&self, arn: Option<&str>) {
        lock(&self.state).profile.set_role(arn);
    }

    /// Sets how long the profile's keys last; six hours unless set. They are replaced when less
    /// than five minutes are left.
    pub fn set_credentials_ttl(&self, ttl: Duration) {
        lock(&self.state).profile.set_ttl(ttl);
    }

    /// Hands out the keys that there are, expired or not, as IMDS does while it cannot reach IAM.
    pub fn freeze_credentials(&self, frozen: bool) {
        lock(&self.state).profile.freeze(frozen);
    }

    /// `HttpEndpoint=disabled`: 403 for everything.
    pub fn set_enabled(&self, enabled: bool) {
        lock(&self.state).enabled = enabled;
    }

    /// Sets whether the client is behind more hops than `HttpPutResponseHopLimit`: the answer to
    /// the token's PUT never arrives.
    pub fn set_hop_limit_reached(&self, reached: bool) {
        lock(&self.state).hop_limit_reached = reached;
    }

    /// `HttpTokens=optional`: version 1 is allowed, too.
    pub fn set_tokens_optional(&self, optional: bool) {
        lock(&self.state).tokens_optional = optional;
    }

    /// Forgets every token, as a restart of the instance's metadata service does: 401 until the
    /// client asks for a new one.
    pub fn forget_tokens(&self) {
        lock(&self.state).tokens = Tokens::default();
    }
}

impl Deref for Imds {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

#[derive(Debug)]
struct Service {
    iam: Iam,
    state: Arc<Mutex<State>>,
}

#[async_trait]
impl Handler for Service {
    fn operation(&self, request: &Request) -> String {
        let operation = match path(request) {
            "/latest/api/token" => "GetToken",
            "/latest/meta-data/placement/region" => "GetRegion",
            "/latest/meta-data/placement/availability-zone" => "GetAvailabilityZone",
            "/latest/dynamic/instance-identity/document" => "GetIdentityDocument",
            ROLES => "ListRoles",
            path if role_name(path).is_some() => "GetCredentials",
            _ => "Other",
        };
        operation.to_owned()
    }

    async fn handle(&self, request: Request) -> Response {
        let operation = self.operation(&request);
        let hop_limit_reached = lock(&self.state).hop_limit_reached;
        if operation == "GetToken" && hop_limit_reached {
            return future::pending().await;
        }
        self.answer(&operation, &request)
    }
}

impl Service {
    fn answer(&self, operation: &str, request: &Request) -> Response {
        let mut state = lock(&self.state);
        let now = self.iam.now();
        if !state.enabled {
            return refusal(403, "Forbidden");
        }
        if operation == "GetToken" {
            return state.tokens.create(request, now);
        }
        if request.method != Method::GET {
            return refusal(405, "Method Not Allowed");
        }
        let tokenless = request.header(tokens::TOKEN).is_none() && state.tokens_optional;
        if !tokenless && !state.tokens.accept(request, now) {
            return refusal(401, "Unauthorized");
        }
        match operation {
            "GetRegion" => Response::text(200, state.region.clone()),
            "GetAvailabilityZone" => Response::text(200, state.zone.clone()),
            "ListRoles" => state.profile.list(),
            "GetCredentials" => {
                let name = role_name(path(request)).unwrap_or_default();
                state.profile.credentials(name, &self.iam)
            }
            "GetIdentityDocument" => Response::json(
                200,
                &json!({
                    "accountId": state.profile.account(),
                    "availabilityZone": state.zone,
                    "instanceId": profile::INSTANCE_ID,
                    "region": state.region,
                    "version": "2017-09-30",
                }),
            ),
            _ => refusal(404, "Not Found"),
        }
    }
}

/// Clients differ in whether they end a path with a slash.
fn path(request: &Request) -> &str {
    request.path().trim_end_matches('/')
}

fn role_name(path: &str) -> Option<&str> {
    path.strip_prefix(ROLES)?.strip_prefix('/')
}

/// IMDS refuses with a page of XHTML.
fn refusal(status: u16, reason: &str) -> Response {
    let page = format!(
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\
         <head><title>{status} - {reason}</title></head><body><h1>{status} - {reason}</h1></body></html>\n"
    );
    Response::new(status, page).header("content-type", "text/html")
}
