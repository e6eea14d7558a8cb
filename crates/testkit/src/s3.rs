//! S3: buckets whose objects are listed, read, written and deleted by those whom IAM allows to.
//!
//! Path-style requests, signed with SigV4 in the `Authorization` header. Who may do what is
//! evaluated by [`Iam::allows`]: the policies of the role or user, and the session's own.
//! Operations are counted under their own names. Planned faults are [`S3Error`]s.
//!
//! What is not modelled: anonymous access, bucket policies and ACLs, access points, directory
//! buckets, multipart uploads, ranges, metadata, and listings of more than one page.
//!
//! ```
//! use s3_credential_testkit::iam::Iam;
//! use s3_credential_testkit::s3::S3;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let s3 = S3::start(Iam::default()).await?;
//! s3.put("photos", "2026/cat.jpg", "meow");
//! assert_eq!(s3.keys("photos"), ["2026/cat.jpg"]);
//! # Ok(())
//! # }
//! ```

mod error;
mod operation;

use std::collections::BTreeMap;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;

use crate::iam::{AuthenticationError, Iam};
use crate::lock;
use crate::server::{Handler, Listen, Request, Response, Server};
use operation::Operation;

pub use error::S3Error;

/// The emulator. It is a [`Server`].
#[derive(Debug)]
pub struct S3 {
    buckets: Buckets,
    server: Server,
}

/// By bucket and key.
type Buckets = Arc<Mutex<BTreeMap<String, Objects>>>;
type Objects = BTreeMap<String, Bytes>;

impl S3 {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start(iam: Iam) -> io::Result<Self> {
        Self::start_with(iam, Listen::default()).await
    }

    /// Starts where and how `listen` says.
    pub async fn start_with(iam: Iam, listen: Listen) -> io::Result<Self> {
        let buckets = Buckets::default();
        let service = Service { iam, buckets: Arc::clone(&buckets) };
        Ok(Self { buckets, server: Server::start_with(service, listen).await? })
    }

    /// Puts an object, as the owner of everything; the bucket is made.
    pub fn put(&self, bucket: &str, key: &str, content: impl Into<Bytes>) {
        let mut buckets = lock(&self.buckets);
        buckets.entry(bucket.to_owned()).or_default().insert(key.to_owned(), content.into());
    }

    /// Returns the keys of a bucket; none if it does not exist.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let buckets = lock(&self.buckets);
        buckets.get(bucket).into_iter().flatten().map(|(key, _)| key.clone()).collect()
    }
}

impl Deref for S3 {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

#[derive(Debug)]
struct Service {
    iam: Iam,
    buckets: Buckets,
}

#[async_trait]
impl Handler for Service {
    fn operation(&self, request: &Request) -> String {
        Operation::of(request).map_or("NotImplemented", |operation| operation.name()).to_owned()
    }

    async fn handle(&self, request: Request) -> Response {
        self.answer(&request).unwrap_or_else(|error| error.response())
    }
}

impl Service {
    fn answer(&self, request: &Request) -> Result<Response, S3Error> {
        let operation = Operation::of(request).ok_or_else(S3Error::not_implemented)?;
        let caller = self.iam.authenticate(request).map_err(|error| match error {
            AuthenticationError::Missing | AuthenticationError::Incomplete => {
                S3Error::access_denied()
            }
            AuthenticationError::Invalid => S3Error::invalid_access_key_id(),
            AuthenticationError::Signature => S3Error::signature_does_not_match(),
            AuthenticationError::Expired => S3Error::expired_token(),
        })?;
        let may = |operation: &Operation| {
            let resource = operation.resource();
            self.iam.allows(&caller, &operation.access(&resource))
        };
        if !may(&operation) {
            return Err(S3Error::access_denied());
        }
        let mut buckets = lock(&self.buckets);
        let objects = buckets.get_mut(operation.bucket()).ok_or_else(S3Error::no_such_bucket)?;
        operation.run(objects, &request.body).ok_or_else(|| {
            // Who may not list must not learn what is not there.
            if may(&operation.listing()) {
                S3Error::no_such_key()
            } else {
                S3Error::access_denied()
            }
        })
    }
}
