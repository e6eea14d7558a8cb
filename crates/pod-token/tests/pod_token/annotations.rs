//! The annotations of the webhook of EKS.

use s3_credential_core::{ErrorKind, STS_AUDIENCE};
use s3_credential_pod_token::PodTokenSettings;

use crate::world::{ANNOTATION, ROLE, World, context, failure, identity, role, skip, tokens};

const AUDIENCE: &str = "eks.amazonaws.com/audience";
const REGIONAL: &str = "eks.amazonaws.com/sts-regional-endpoints";

#[tokio::test]
async fn a_role_that_is_none_is_refused_by_its_annotation() {
    for arn in [
        "web",
        "arn:aws:iam::111122223333:user/web",
        " arn:aws:iam::111122223333:role/web",
        " ",
        "\n",
        "arn:aws:s3:::CANARY",
    ] {
        let world = World::with_role(arn).await;
        let failure = failure(&world.source(PodTokenSettings::default()), &world.context()).await;
        assert_eq!(failure.kind(), ErrorKind::InvalidRoleArn);
        assert!(failure.message().contains("`eks.amazonaws.com/role-arn`"), "{failure}");
        assert!(!format!("{failure:?}").contains("CANARY"), "{failure:?}");
    }
}

#[tokio::test]
async fn white_space_around_an_annotation_is_named_as_the_cause() {
    for (name, value) in [
        (ANNOTATION, format!(" {ROLE}")),
        (ANNOTATION, format!("{ROLE}\n")),
        (ANNOTATION, format!("{ROLE}\u{a0}")),
        (AUDIENCE, format!("{STS_AUDIENCE} ")),
        (REGIONAL, "true ".to_owned()),
    ] {
        let world = World::start().await;
        world.annotate(&[(ANNOTATION, ROLE), (name, &value)]);
        let failure = failure(&world.source(PodTokenSettings::default()), &world.context()).await;
        for text in [failure.message(), failure.help()] {
            assert!(text.contains("white space") && text.contains(name), "{name}: {text}");
        }
    }
}

#[tokio::test]
async fn an_empty_annotation_is_an_unset_one() {
    let world = World::with_role("").await;
    let reason = skip(&world.source(PodTokenSettings::default()), &world.context()).await;
    assert!(reason.reason().contains("has no annotation `eks.amazonaws.com/role-arn`"), "{reason}");
}

#[tokio::test]
async fn an_audience_of_many_lines_is_reported_on_one() {
    let world = World::start().await;
    world.annotate(&[(ANNOTATION, ROLE), (AUDIENCE, &"two\nlines ".repeat(100))]);
    let failure = failure(&world.source(PodTokenSettings::default()), &world.context()).await;
    assert_eq!(failure.kind(), ErrorKind::MissingToken);
    for text in [failure.message(), failure.help()] {
        assert!(!text.contains('\n') && text.len() < 500, "{text}");
    }
}

#[tokio::test]
async fn the_annotated_audience_chooses_the_token() {
    let world = World::start().await;
    world.annotate(&[(ANNOTATION, ROLE), (AUDIENCE, "sts.example.com")]);
    let own = world.token("sts.example.com");
    let context = context(
        &[],
        &tokens(&[(STS_AUDIENCE, &world.token(STS_AUDIENCE)), ("sts.example.com", &own)]),
    );
    let source = world.source(PodTokenSettings::default());
    assert_eq!(identity(&source, &context).await.token.secret().expose(), own);

    let missing = failure(&source, &world.context()).await;
    assert_eq!(missing.kind(), ErrorKind::MissingToken);
    assert!(missing.help().contains("sts.example.com") && missing.help().contains("tokenRequests"));
}

#[tokio::test]
async fn the_configured_audience_chooses_the_token_where_none_is_annotated() {
    let world = World::with_role(ROLE).await;
    let own = world.token("minio");
    let settings = PodTokenSettings { audience: "minio".to_owned(), ..PodTokenSettings::default() };
    let context = context(&[], &tokens(&[("minio", &own)]));
    assert_eq!(identity(&world.source(settings), &context).await.token.secret().expose(), own);
}

#[tokio::test]
async fn regional_endpoints_are_a_boolean_as_go_writes_it() {
    for (value, word) in
        [("true", Some("regional")), ("1", Some("regional")), ("False", Some("legacy")), ("", None)]
    {
        let world = World::start().await;
        world.annotate(&[(ANNOTATION, ROLE), (REGIONAL, value)]);
        let identity = identity(&world.source(PodTokenSettings::default()), &world.context()).await;
        assert_eq!(identity.session.regional_endpoints.as_deref(), word, "{value}");
    }
    let world = World::start().await;
    world.annotate(&[(ANNOTATION, ROLE), (REGIONAL, "yes")]);
    let failure = failure(&world.source(PodTokenSettings::default()), &world.context()).await;
    assert_eq!(failure.kind(), ErrorKind::InvalidRequest);
    assert!(failure.message().contains(REGIONAL), "{failure}");
}

#[tokio::test]
async fn the_prefix_of_the_annotations_is_configured() {
    let world = World::start().await;
    world.annotate(&[("storage.example/role-arn", ROLE)]);
    let settings = PodTokenSettings {
        annotation_prefix: "storage.example".to_owned(),
        ..PodTokenSettings::default()
    };
    assert_eq!(role(&world.source(settings), &world.context()).await, ROLE);
}
