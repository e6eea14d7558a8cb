//! A gRPC service whose calls are timed.

use std::convert::Infallible;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::{Code, Status};

use super::Metrics;

/// A service, and where its calls are counted.
#[derive(Debug, Clone)]
pub(crate) struct Measured<S> {
    service: S,
    metrics: Metrics,
}

impl<S> Measured<S> {
    pub(crate) fn new(service: S, metrics: Metrics) -> Self {
        Self { service, metrics }
    }
}

impl<S: NamedService> NamedService for Measured<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Measured<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = BoxFuture<S::Response, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (metrics, path) = (self.metrics.clone(), request.uri().path().to_owned());
        let started = Instant::now();
        let answering = self.service.call(request);
        Box::pin(async move {
            let response = answering.await?;
            // A status that is not OK is in the headers of a unary answer; OK is in its trailers.
            let status = Status::from_header_map(response.headers());
            let code = status.map_or(Code::Ok, |status| status.code());
            metrics.called(&path, code, started.elapsed());
            Ok(response)
        })
    }
}
