//! Failures to plan, as the API server would say them.

use crate::server::Fault;

use super::status::Status;

/// A refusal of the API server that a test plans. What has a cause in the emulator's state is had
/// by that state instead: 403 by [`Rule`](super::Rule)s, 404 by a missing object, 410 by
/// [`compact`](super::Kubernetes::compact).
///
/// ```
/// use s3_credential_testkit::kubernetes::{Failure, Kubernetes};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let kubernetes = Kubernetes::start().await?;
/// kubernetes.faults().once("get serviceaccounts", Failure::TooManyRequests);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// 401 `Unauthorized`: the token is no longer good.
    Unauthorized,
    /// 410 `Expired`: the resource version is too old.
    Expired,
    /// 429 `TooManyRequests`, with `Retry-After: 1`: priority and fairness at work.
    TooManyRequests,
    /// 500 `InternalError`: etcd gave no answer.
    InternalError,
    /// 503 `ServiceUnavailable`: the server is starting or ending.
    ServiceUnavailable,
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Fault::answer(move |_| failure.status().response())
    }
}

impl Failure {
    fn status(self) -> Status {
        match self {
            Failure::Unauthorized => Status::unauthorized(),
            Failure::Expired => Status::expired(1, 2),
            Failure::TooManyRequests => Status::too_many_requests(),
            Failure::InternalError => Status::internal_error(),
            Failure::ServiceUnavailable => Status::unavailable(),
        }
    }
}
