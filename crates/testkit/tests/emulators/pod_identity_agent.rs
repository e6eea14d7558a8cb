use std::time::Duration;

use s3_credential_testkit::iam::{Role, Trust};
use s3_credential_testkit::jwt::{Issuer, TokenBuilder};
use s3_credential_testkit::pod_identity_agent::{EksAuthError, PodIdentityAgent};
use s3_credential_testkit::server::Listen;

use crate::http::{Answer, get, send};
use crate::world::{ROLE, World};

const PATH: &str = "/v1/credentials";

struct Agent {
    world: World,
    agent: PodIdentityAgent,
}

impl Agent {
    async fn new() -> Self {
        let world = World::new().await;
        let agent =
            PodIdentityAgent::start(world.iam.clone(), world.issuer.verifier()).await.unwrap();
        agent.associate("apps", "web", ROLE);
        Self { world, agent }
    }

    fn token(&self) -> TokenBuilder {
        let token = self.world.issuer.service_account("apps", "web").pod("web-0", "pod-uid");
        token.audience("pods.eks.amazonaws.com").issued_at(self.world.now())
    }

    async fn ask(&self, token: &str) -> Answer {
        get(self.agent.address(), PATH, &[("host", "169.254.170.23"), ("authorization", token)])
            .await
    }

    async fn key(&self, token: &str) -> String {
        self.ask(token).await.json()["AccessKeyId"].as_str().unwrap().to_owned()
    }

    async fn refused(&self, token: &str) -> (u16, String) {
        let answer = self.ask(token).await;
        (answer.status, answer.body.trim_end().to_owned())
    }
}

#[tokio::test]
async fn a_token_is_exchanged_for_keys_that_work() {
    let agent = Agent::new().await;
    let document = agent.ask(&agent.token().sign()).await.json();
    let issued = agent.world.sts.issued(document["AccessKeyId"].as_str().unwrap()).unwrap();
    assert_eq!(document["SecretAccessKey"], issued.secret_access_key.expose());
    assert_eq!(document["Token"], issued.session_token.as_ref().unwrap().expose());
    assert_eq!(
        (&document["AccountId"], &document["Expiration"]),
        (&"111122223333".into(), &"2026-11-24T02:00:00Z".into())
    );
    let arn = "arn:aws:sts::111122223333:assumed-role/web/eks-web";
    assert_eq!(agent.world.who(&issued).await.unwrap().arn(), Some(arn));
    let session = issued.session.unwrap();
    assert_eq!(
        (session.operation.as_str(), session.tags["kubernetes-pod-name"].as_str()),
        ("AssumeRoleForPodIdentity", "web-0")
    );
    assert_eq!(agent.agent.calls().of("GetCredentials"), 1);
}

#[tokio::test]
async fn what_is_no_token_is_refused_by_the_agent_itself() {
    let agent = Agent::new().await;
    let prefix = |(status, body): (u16, String), text: &str| (status, body.starts_with(text));
    let unparsable = "Service account token cannot be parsed: ";
    let invalid =
        "Service account token failed basic claim validations: token has invalid claims: token is ";
    assert_eq!(agent.refused("").await, (400, "Service account token cannot be empty".to_owned()));
    assert_eq!(prefix(agent.refused("opaque").await, unparsable), (400, true));
    assert_eq!(prefix(agent.refused("Bearer a.b.c").await, unparsable), (400, true));
    let token = agent.token();
    let early = token.clone().claim("nbf", agent.world.now().as_second() + 1).sign();
    assert_eq!(agent.refused(&early).await, (400, format!("{invalid}not valid yet")));
    agent.world.clock.advance(Duration::from_hours(1));
    assert_eq!(agent.refused(&token.sign()).await, (400, format!("{invalid}expired")));
    assert_eq!(agent.agent.upstream_calls(), 0);
    let without = get(agent.agent.address(), PATH, &[]).await;
    assert_eq!(without.status, 403, "the host is looked at first");
}

#[tokio::test]
async fn only_its_own_addresses_may_be_called() {
    let agent = Agent::new().await;
    let token = agent.token().sign();
    let ask = async |host: &str| {
        get(agent.agent.address(), PATH, &[("host", host), ("authorization", &token)]).await
    };
    for host in [
        "169.254.170.23",
        "169.254.170.23:80",
        "[fd00:ec2::23]",
        "[fd00:ec2::23]:80",
        "127.0.0.1:1234",
        "localhost",
    ] {
        assert_eq!(ask(host).await.status, 200, "{host}");
    }
    let refused = ask("rebound.example.test:80").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.starts_with("Access Denied. Called agent through invalid address"));
    agent.agent.set_hosts(["169.254.170.23"]);
    assert_eq!(ask("127.0.0.1").await.status, 403);
    assert_eq!(ask("169.254.170.23").await.status, 200);
}

#[tokio::test]
async fn it_can_listen_on_ipv6() {
    let world = World::new().await;
    let listen = Listen::default().on(([0, 0, 0, 0, 0, 0, 0, 1], 0));
    let agent = PodIdentityAgent::start_with(world.iam.clone(), world.issuer.verifier(), listen)
        .await
        .unwrap();
    agent.associate("apps", "web", ROLE);
    let agent = Agent { world, agent };
    let (token, host) = (agent.token().sign(), agent.agent.address().to_string());
    let answer =
        get(agent.agent.address(), PATH, &[("host", &host), ("authorization", &token)]).await;
    assert_eq!(answer.status, 200);
    assert!(agent.agent.credentials_url().starts_with("http://[::1]:"));
}

#[tokio::test]
async fn eks_auths_refusals_come_through_with_their_status() {
    let agent = Agent::new().await;
    let refused = async |token: TokenBuilder| {
        let (status, body) = agent.refused(&token.sign()).await;
        let code = body.split(['(', ')']).nth(1).unwrap().to_owned();
        assert!(body.starts_with('[') && body.ends_with(", fault: client"), "{body}");
        (status, code)
    };
    let invalid = (400, "InvalidTokenException".to_owned());
    assert_eq!(refused(agent.token().claim("aud", "sts.amazonaws.com")).await, invalid);
    assert_eq!(refused(agent.token().claim("sub", "someone")).await, invalid);
    let foreign = Issuer::new(agent.world.issuer.url()).service_account("apps", "web");
    let foreign = foreign.audience("pods.eks.amazonaws.com").issued_at(agent.world.now());
    assert_eq!(refused(foreign).await, invalid);
    let missing = (404, "ResourceNotFoundException".to_owned());
    assert_eq!(
        refused(agent.token().claim("sub", "system:serviceaccount:apps:other")).await,
        missing
    );
    agent.agent.dissociate("apps", "web");
    assert_eq!(refused(agent.token()).await, missing);
    agent.agent.associate("apps", "web", "arn:aws:iam::111122223333:role/node");
    assert_eq!(refused(agent.token()).await, (400, "AccessDeniedException".to_owned()));
}

#[tokio::test]
async fn an_association_takes_its_time_to_be_seen() {
    let agent = Agent::new().await;
    agent.agent.dissociate("apps", "web");
    agent.agent.associate_in(Duration::from_secs(5), "apps", "web", ROLE);
    let token = agent.token().sign();
    assert_eq!(agent.ask(&token).await.status, 404);
    agent.world.clock.advance(Duration::from_secs(4));
    assert_eq!(agent.ask(&token).await.status, 404);
    agent.world.clock.advance(Duration::from_secs(1));
    assert_eq!(agent.ask(&token).await.status, 200);
}

#[tokio::test]
async fn keys_are_cached_by_token() {
    let agent = Agent::new().await;
    let (one, two) = (agent.token().sign(), agent.token().sign());
    let first = agent.key(&one).await;
    assert_eq!(agent.key(&one).await, first);
    assert_ne!(agent.key(&two).await, first);
    assert_eq!(agent.agent.upstream_calls(), 2);
    agent.agent.forget_credentials();
    assert_ne!(agent.key(&one).await, first);
}

#[tokio::test]
async fn cached_keys_are_renewed_in_time() {
    let agent = Agent::new().await;
    let token = agent.token().ttl(Duration::from_hours(24)).sign();
    let first = agent.key(&token).await;
    agent.world.clock.advance(Duration::from_mins(179));
    assert_eq!(agent.key(&token).await, first);
    agent.world.clock.advance(Duration::from_mins(1));
    let second = agent.key(&token).await;
    assert_ne!(second, first, "after three hours");

    agent.agent.set_credentials_ttl(Duration::from_mins(1));
    agent.agent.forget_credentials();
    let third = agent.key(&token).await;
    agent.world.clock.advance(Duration::from_secs(44));
    assert_eq!(agent.key(&token).await, third);
    agent.world.clock.advance(Duration::from_secs(1));
    assert_ne!(agent.key(&token).await, third, "with fifteen seconds left");
}

#[tokio::test]
async fn in_an_outage_the_agent_goes_on_with_what_it_has() {
    let agent = Agent::new().await;
    let token = agent.token().ttl(Duration::from_hours(24)).sign();
    let first = agent.key(&token).await;
    agent.world.clock.advance(Duration::from_hours(4));
    for recoverable in [
        EksAuthError::internal_server(),
        EksAuthError::throttling(),
        EksAuthError::service_unavailable(),
    ] {
        agent.agent.set_upstream_error(Some(recoverable));
        assert_eq!(agent.key(&token).await, first);
    }
    agent.agent.set_upstream_error(Some(EksAuthError::resource_not_found()));
    assert_eq!(agent.ask(&token).await.status, 404);
    agent.agent.set_upstream_error(Some(EksAuthError::internal_server()));
    assert_eq!(agent.ask(&token).await.status, 500, "what was refused for good is gone");
    agent.agent.set_upstream_error(None);
    assert_ne!(agent.key(&token).await, first);
}

#[tokio::test]
async fn every_error_of_eks_auth_can_be_planned() {
    let agent = Agent::new().await;
    for (planned, status, code) in [
        (EksAuthError::access_denied(), 400, "AccessDeniedException"),
        (EksAuthError::expired_token(), 400, "ExpiredTokenException"),
        (EksAuthError::internal_server(), 500, "InternalServerException"),
        (EksAuthError::invalid_parameter(), 400, "InvalidParameterException"),
        (EksAuthError::invalid_request(), 400, "InvalidRequestException"),
        (EksAuthError::invalid_token(), 400, "InvalidTokenException"),
        (EksAuthError::resource_not_found(), 404, "ResourceNotFoundException"),
        (EksAuthError::service_unavailable(), 503, "ServiceUnavailableException"),
        (EksAuthError::throttling(), 429, "ThrottlingException"),
    ] {
        assert_eq!((planned.status(), planned.code()), (status, code));
        agent.agent.faults().once("GetCredentials", planned);
        let (answered, body) = agent.refused(&agent.token().sign()).await;
        assert_eq!(answered, status);
        assert!(body.contains(&format!("({code}): ")), "{body}");
    }
    assert_eq!(agent.ask(&agent.token().sign()).await.status, 200);
}

#[tokio::test]
async fn another_path_is_not_found() {
    let agent = Agent::new().await;
    assert_eq!(send(agent.agent.address(), "GET /", &[], "").await.unwrap().status, 404);
}

#[tokio::test]
async fn a_role_must_trust_the_service() {
    let agent = Agent::new().await;
    agent.world.iam.add_role(Role::new(ROLE).trusting(Trust::service("ec2.amazonaws.com")));
    assert_eq!(agent.ask(&agent.token().sign()).await.status, 400);
}

#[tokio::test]
async fn debug_shows_no_keys_and_no_tokens() {
    let agent = Agent::new().await;
    let token = agent.token().sign();
    let document = agent.ask(&token).await.json();
    let debug = format!("{:?} {:?}", agent.agent, agent.agent.requests());
    assert!(!debug.contains(&token));
    assert!(!debug.contains(document["SecretAccessKey"].as_str().unwrap()));
    assert!(!debug.contains(document["Token"].as_str().unwrap()));
}
