use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::api::{ListParams, PostParams, WatchParams};
use kube::{Api, Client};
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
use serde_json::json;

use crate::{apps, client, refusal};

const DRIVER: &str = "system:serviceaccount:kube-system:driver";

async fn driver(kubernetes: &Kubernetes) -> Client {
    kubernetes.put_service_account("kube-system", "driver", &[]);
    client(kubernetes, &kubernetes.service_account_token("kube-system", "driver")).await
}

#[tokio::test]
async fn what_is_not_granted_is_forbidden_in_the_servers_words() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let driver = driver(&kubernetes).await;
    kubernetes.put_service_account("apps", "web", &[]);

    let status = refusal(apps::<ServiceAccount>(&driver).get("web").await);
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    assert_eq!(
        status.message,
        r#"serviceaccounts "web" is forbidden: User "system:serviceaccount:kube-system:driver" cannot get resource "serviceaccounts" in API group "" in the namespace "apps""#
    );
    let status = refusal(Api::<Secret>::all(driver.clone()).list(&ListParams::default()).await);
    assert_eq!(
        status.message,
        r#"secrets is forbidden: User "system:serviceaccount:kube-system:driver" cannot list resource "secrets" in API group "" at the cluster scope"#
    );
}

#[tokio::test]
async fn a_grant_holds_for_its_verb_namespace_and_names_until_it_is_revoked() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let driver = driver(&kubernetes).await;
    for (namespace, name) in [("apps", "keys"), ("apps", "more"), ("other", "keys")] {
        kubernetes.put_secret(namespace, name, &[]);
    }
    let rule = Rule::new(["get", "watch"], ["secrets"]).in_namespace("apps").named("keys");
    kubernetes.grant(DRIVER, rule);

    let api = apps::<Secret>(&driver);
    assert!(api.get("keys").await.is_ok());
    assert_eq!(refusal(api.get("more").await).code, 403);
    let other = Api::<Secret>::namespaced(driver.clone(), "other");
    assert_eq!(refusal(other.get("keys").await).code, 403);
    assert_eq!(refusal(api.list(&ListParams::default()).await).code, 403);

    // A rule with names covers a watch only if the watch names the object too.
    let named = WatchParams::default().fields("metadata.name=keys");
    assert!(api.watch(&named, "0").await.is_ok());
    assert_eq!(refusal(api.watch(&WatchParams::default(), "0").await.map(|_| ())).code, 403);

    kubernetes.revoke(DRIVER);
    assert_eq!(refusal(api.get("keys").await).code, 403);
}

#[tokio::test]
async fn a_group_has_grants_too() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let driver = driver(&kubernetes).await;
    kubernetes.put_secret("apps", "keys", &[]);
    kubernetes.grant("system:serviceaccounts:kube-system", Rule::new(["*"], ["*"]));
    assert!(apps::<Secret>(&driver).get("keys").await.is_ok());
}

#[tokio::test]
async fn unknown_tokens_are_unauthorized_and_no_token_is_anonymous() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_service_account("apps", "web", &[]);
    let stranger = client(&kubernetes, "stranger").await;
    let status = refusal(apps::<ServiceAccount>(&stranger).get("web").await);
    assert_eq!(
        (status.code, status.reason.as_str(), status.message.as_str()),
        (401, "Unauthorized", "Unauthorized")
    );

    let anonymous = client(&kubernetes, "").await;
    let status = refusal(apps::<ServiceAccount>(&anonymous).get("web").await);
    assert_eq!(status.code, 403);
    assert!(status.message.contains(r#"User "system:anonymous" cannot get"#), "{}", status.message);
    assert!(anonymous.apiserver_version().await.is_ok());
    assert_eq!(refusal(anonymous.list_core_api_versions().await).code, 403);
}

#[tokio::test]
async fn a_registered_user_has_a_token_of_its_own() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_service_account("apps", "web", &[]);
    let token = kubernetes.add_user("jane");
    kubernetes.grant("jane", Rule::new(["get"], ["serviceaccounts"]));
    let jane = client(&kubernetes, &token).await;
    assert!(apps::<ServiceAccount>(&jane).get("web").await.is_ok());
}

#[tokio::test]
async fn an_access_review_answers_by_the_same_rules() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let driver = driver(&kubernetes).await;
    kubernetes.grant(DRIVER, Rule::new(["create"], ["serviceaccounts/token"]).in_namespace("apps"));

    let reviews = Api::<SelfSubjectAccessReview>::all(driver.clone());
    let allowed = async |verb: &str, resource: &str, subresource: &str, namespace: &str| {
        let attributes = json!({"verb": verb, "resource": resource, "subresource": subresource, "namespace": namespace});
        let review =
            serde_json::from_value(json!({"spec": {"resourceAttributes": attributes}})).unwrap();
        let answer = reviews.create(&PostParams::default(), &review).await.unwrap();
        answer.status.unwrap().allowed
    };
    assert!(allowed("create", "serviceaccounts", "token", "apps").await);
    assert!(!allowed("create", "serviceaccounts", "token", "other").await);
    assert!(!allowed("create", "serviceaccounts", "", "apps").await);
    assert!(!allowed("get", "serviceaccounts", "token", "apps").await);
}
