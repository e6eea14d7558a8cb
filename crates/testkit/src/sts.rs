//! The Security Token Service: query protocol, XML answers.
//!
//! `AssumeRoleWithWebIdentity` verifies the token against the providers and roles of an [`Iam`];
//! `AssumeRole` and `GetCallerIdentity` verify SigV4. Operations are counted under their own names.
//! Planned faults of the service are [`StsError`]s:
//! `sts.faults().times("AssumeRoleWithWebIdentity", 2, StsError::throttling())`.
//!
//! What is not modelled: session tags need no permission of their own, the packed size of a policy
//! is an estimate, and only the role's trust decides who may assume it (no identity policies).
//!
//! ```
//! use s3_credential_testkit::iam::Iam;
//! use s3_credential_testkit::sts::Sts;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let sts = Sts::start(Iam::default()).await?;
//! println!("AWS_ENDPOINT_URL_STS={}", sts.url());
//! # Ok(())
//! # }
//! ```

mod assume_role;
mod error;
mod policy;
mod session;
mod validation;
mod web_identity;
mod xml;

use std::io;
use std::ops::Deref;

use async_trait::async_trait;

use crate::iam::{AuthenticationError, Iam, Issued};
use crate::server::{Handler, Listen, Request, Response, Server};
use xml::Element;

pub use error::StsError;

/// The emulator. It is a [`Server`].
#[derive(Debug)]
pub struct Sts {
    iam: Iam,
    server: Server,
}

impl Sts {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start(iam: Iam) -> io::Result<Self> {
        Self::start_with(iam, Listen::default()).await
    }

    /// Starts where and how `listen` says.
    pub async fn start_with(iam: Iam, listen: Listen) -> io::Result<Self> {
        let server = Server::start_with(Service { iam: iam.clone() }, listen).await?;
        Ok(Self { iam, server })
    }

    /// Returns the store it works on.
    pub fn iam(&self) -> &Iam {
        &self.iam
    }

    /// Returns what is known about a key; see [`Iam::issued`].
    pub fn issued(&self, access_key_id: &str) -> Option<Issued> {
        self.iam.issued(access_key_id)
    }
}

impl Deref for Sts {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

#[derive(Debug)]
struct Service {
    iam: Iam,
}

#[async_trait]
impl Handler for Service {
    fn operation(&self, request: &Request) -> String {
        parameters(request).remove("Action").unwrap_or_else(|| "MissingAction".to_owned())
    }

    async fn handle(&self, request: Request) -> Response {
        let action = self.operation(&request);
        let result = match action.as_str() {
            "AssumeRoleWithWebIdentity" => web_identity::assume(&self.iam, &parameters(&request)),
            "AssumeRole" => assume_role::assume(&self.iam, &request, &parameters(&request)),
            "GetCallerIdentity" => caller_identity(&self.iam, &request),
            "MissingAction" => Err(StsError::missing_action()),
            other => Err(StsError::invalid_action(other)),
        };
        match result {
            Ok(result) => xml::success(&action, result),
            Err(error) => error.response(),
        }
    }
}

type Parameters = std::collections::BTreeMap<String, String>;

/// The query protocol allows either place; clients use the body.
fn parameters(request: &Request) -> Parameters {
    let mut parameters = request.query();
    parameters.extend(request.form());
    parameters
}

fn caller_identity(iam: &Iam, request: &Request) -> Result<Vec<Element>, StsError> {
    let caller = authenticate(iam, request)?;
    Ok(vec![
        Element::text("Arn", &caller.arn),
        Element::text("UserId", &caller.user_id),
        Element::text("Account", caller.account()),
    ])
}

fn authenticate(iam: &Iam, request: &Request) -> Result<Issued, StsError> {
    iam.authenticate(request).map_err(|error| match error {
        AuthenticationError::Missing => StsError::missing_authentication_token(),
        AuthenticationError::Incomplete => StsError::incomplete_signature(),
        AuthenticationError::Invalid => StsError::invalid_client_token_id(),
        AuthenticationError::Signature => StsError::signature_does_not_match(),
        AuthenticationError::Expired => StsError::expired_credentials(),
    })
}
