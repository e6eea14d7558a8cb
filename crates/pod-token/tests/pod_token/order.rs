//! Where the role comes from.

use std::time::Duration;

use s3_credential_core::{
    ErrorKind, MountTarget, ProvideContext, PublishRequest, RoleHop, SessionSettings, TOKENS_KEY,
};
use s3_credential_pod_token::{PodTokenSettings, RoleMapping, RoleOrigin, RoleRule};

use crate::world::{
    ANNOTATION, NAMESPACE, OTHER_ROLE, ROLE, SERVICE_ACCOUNT, World, context, context_for, failure,
    identity, role, skip,
};

fn mapped(role_arn: &str) -> PodTokenSettings {
    let rule = RoleRule {
        namespace: "apps".to_owned(),
        service_account: "*".to_owned(),
        role_arn: role_arn.to_owned(),
    };
    PodTokenSettings { mapping: RoleMapping::new([rule]).unwrap(), ..PodTokenSettings::default() }
}

#[tokio::test]
async fn the_annotation_gives_the_role_and_the_request_the_token() {
    let world = World::with_role(ROLE).await;
    let context = world.context();
    let identity = identity(&world.source(PodTokenSettings::default()), &context).await;
    assert_eq!(identity.role_arn.as_str(), ROLE);
    assert_eq!(&identity.token, context.tokens().get("sts.amazonaws.com").unwrap());
    assert_eq!(identity.session, SessionSettings::default());
    assert_eq!((identity.region, identity.second_hop), (None, None));
}

#[tokio::test]
async fn by_default_the_driver_goes_before_the_mapping_and_the_mapping_before_the_annotation() {
    let world = World::with_role("arn:aws:iam::111122223333:role/annotated").await;
    let known_to_driver = MountTarget::new("/nowhere").with_role_arn(ROLE.parse().unwrap());
    let with_context = context_for(&[], &world.tokens(), known_to_driver);
    let source = world.source(mapped(OTHER_ROLE));
    assert_eq!(role(&source, &with_context).await, ROLE);
    assert_eq!(role(&source, &world.context()).await, OTHER_ROLE);
    // Neither of them costs a call.
    assert_eq!(world.gets(), 0);
    let source = world.source(PodTokenSettings::default());
    assert_eq!(role(&source, &world.context()).await, "arn:aws:iam::111122223333:role/annotated");
}

#[tokio::test]
async fn the_order_is_configured_and_what_is_left_out_is_not_looked_at() {
    let world = World::with_role(ROLE).await;
    let known_to_driver = MountTarget::new("/nowhere").with_role_arn(OTHER_ROLE.parse().unwrap());
    let with_context = context_for(&[], &world.tokens(), known_to_driver);
    let settings =
        |roles: &[RoleOrigin]| PodTokenSettings { roles: roles.to_vec(), ..mapped(OTHER_ROLE) };
    let source = world.source(settings(&[RoleOrigin::Annotation, RoleOrigin::Context]));
    assert_eq!(role(&source, &with_context).await, ROLE);

    let source = world.source(PodTokenSettings {
        mapping: RoleMapping::default(),
        ..settings(&[RoleOrigin::Mapping])
    });
    let skip = skip(&source, &with_context).await;
    assert!(skip.reason().contains("mapping rule") && skip.reason().contains("apps/web"), "{skip}");
    assert_eq!("annotation".parse::<RoleOrigin>().unwrap(), RoleOrigin::Annotation);
    assert_eq!("tags".parse::<RoleOrigin>().unwrap_err().kind(), ErrorKind::InvalidConfiguration);
}

#[tokio::test]
async fn session_and_second_role_are_handed_on() {
    let world = World::with_role(ROLE).await;
    let session =
        SessionSettings { duration: Some(Duration::from_hours(2)), ..SessionSettings::default() };
    let hop = RoleHop {
        role_arn: OTHER_ROLE.parse().unwrap(),
        external_id: None,
        session_name: None,
        duration: None,
        tags: Vec::new(),
    };
    let settings = PodTokenSettings {
        session: session.clone(),
        second_hop: Some(hop.clone()),
        ..PodTokenSettings::default()
    };
    let identity = identity(&world.source(settings), &world.context()).await;
    assert_eq!(identity.session, session);
    assert_eq!(identity.second_hop, Some(hop));
}

#[tokio::test]
async fn other_levels_are_left_to_other_sources() {
    let world = World::with_role(ROLE).await;
    for level in ["driver", "secret"] {
        let request = PublishRequest::new("volume", "/target")
            .with_volume_context([("authenticationSource", level), (TOKENS_KEY, &world.tokens())]);
        let context =
            ProvideContext::from_publish_request(request, MountTarget::new("/nowhere")).unwrap();
        let skip = skip(&world.source(PodTokenSettings::default()), &context).await;
        assert!(skip.reason().contains(level), "{skip}");
    }
    assert_eq!(world.gets(), 0);
}

#[tokio::test]
async fn without_an_annotation_the_next_source_is_asked_and_the_help_says_what_to_do() {
    let world = World::start().await;
    let source = world.source(PodTokenSettings::default());
    for annotations in [&[][..], &[(ANNOTATION, "")], &[("other.example/role-arn", ROLE)]] {
        world.annotate(annotations);
        world.clock.advance(Duration::from_mins(1));
        let skip = skip(&source, &world.context()).await;
        assert_eq!(
            skip.reason(),
            "the ServiceAccount apps/web has no annotation `eks.amazonaws.com/role-arn`"
        );
        assert!(skip.help().starts_with(
            "kubectl annotate serviceaccount -n apps web eks.amazonaws.com/role-arn=arn:"
        ));
    }
}

#[tokio::test]
async fn without_an_api_the_annotation_cannot_be_read_and_the_rest_works() {
    let world = World::with_role(ROLE).await;
    let no_role = skip(&world.source_alone(PodTokenSettings::default()), &world.context()).await;
    assert!(no_role.reason().contains("no Kubernetes API is configured"), "{no_role}");
    assert!(no_role.help().contains("KUBECONFIG"), "{}", no_role.help());
    assert_eq!(role(&world.source_alone(mapped(OTHER_ROLE)), &world.context()).await, OTHER_ROLE);
}

#[tokio::test]
async fn a_service_account_that_the_request_does_not_name_is_asked_for_where_it_is_needed() {
    let world = World::with_role(ROLE).await;
    for attribute in [NAMESPACE, SERVICE_ACCOUNT] {
        let context = context(&[(attribute, "")], &world.tokens());
        for settings in [PodTokenSettings::default(), mapped(OTHER_ROLE)] {
            let failure = failure(&world.source(settings), &context).await;
            assert_eq!(failure.kind(), ErrorKind::MissingPodInfo);
            assert!(failure.help().contains("podInfoOnMount"), "{}", failure.help());
        }
    }
    let known_to_driver = MountTarget::new("/nowhere").with_role_arn(ROLE.parse().unwrap());
    let unnamed =
        context_for(&[(NAMESPACE, ""), (SERVICE_ACCOUNT, "")], &world.tokens(), known_to_driver);
    assert_eq!(role(&world.source(PodTokenSettings::default()), &unnamed).await, ROLE);
}
