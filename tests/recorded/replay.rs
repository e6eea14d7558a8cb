//! A server that answers as it was recorded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use s3_credential_testkit::server::{Handler, Request, Response, Server};

use crate::case::{Exchange, Reply};

#[derive(Debug)]
pub(crate) struct Replay {
    server: Server,
    unscripted: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug)]
struct Script {
    answers: Mutex<BTreeMap<String, Vec<Reply>>>,
    unscripted: Arc<Mutex<Vec<String>>>,
}

impl Replay {
    pub(crate) async fn start(traffic: &[Exchange]) -> Self {
        let answers = traffic
            .iter()
            .map(|exchange| (exchange.request.clone(), exchange.answers.clone()))
            .collect();
        let unscripted = Arc::<Mutex<Vec<String>>>::default();
        let script = Script { answers: Mutex::new(answers), unscripted: Arc::clone(&unscripted) };
        Self { server: Server::start(script).await.unwrap(), unscripted }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// The requests that the case has no answer for.
    pub(crate) fn unscripted(&self) -> Vec<String> {
        self.unscripted.lock().unwrap().clone()
    }
}

#[async_trait]
impl Handler for Script {
    fn operation(&self, request: &Request) -> String {
        match request.form().remove("Action") {
            Some(action) => action,
            None => format!("{} {}", request.method, request.path()),
        }
    }

    async fn handle(&self, request: Request) -> Response {
        let operation = self.operation(&request);
        let mut answers = self.answers.lock().unwrap();
        let Some(replies) = answers.get_mut(&operation) else {
            self.unscripted.lock().unwrap().push(operation);
            return Response::text(404, "");
        };
        let reply = if replies.len() > 1 { replies.remove(0) } else { replies[0].clone() };
        let response = Response::text(reply.status, reply.body);
        // IMDS says how long its session token is good for.
        response.header("x-aws-ec2-metadata-token-ttl-seconds", "21600")
    }
}
