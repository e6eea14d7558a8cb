//! The source.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kube::Client;
use s3_credential_core::{
    AuthenticationLevel, Changes, Clock, CredentialForm, CredentialSource, Failure, Permission,
    ProvideContext, RoleArn, ServiceAccountTokens, SourceError, Token, WebIdentity, source_names,
};

use crate::accounts::Accounts;
use crate::annotations::Annotations;
use crate::api::{Account, Kubernetes};
use crate::settings::{PodTokenSettings, RoleOrigin};
use crate::token_requests::{TokenRequests, Wanted};

/// The pod's token with the pod's role.
///
/// Without a client for the Kubernetes API, annotations are not read and no tokens are asked for.
#[derive(Debug)]
pub struct PodTokenSource {
    settings: PodTokenSettings,
    clock: Arc<dyn Clock>,
    api: Option<Api>,
}

#[derive(Debug)]
struct Api {
    accounts: Accounts,
    token_requests: TokenRequests,
}

/// A role, and what came with it.
struct Role {
    arn: RoleArn,
    origin: Cow<'static, str>,
    annotations: Option<Arc<Annotations>>,
}

impl PodTokenSource {
    /// Makes a source with these settings. The client needs the RBAC verb `get` on
    /// `serviceaccounts` for annotations, better with `watch`, and `create` on
    /// `serviceaccounts/token` where tokens are asked for.
    pub fn new(settings: PodTokenSettings, clock: Arc<dyn Clock>, client: Option<Client>) -> Self {
        let api = client.map(|client| {
            let kubernetes = Kubernetes::new(client, settings.operation_timeout);
            Api {
                accounts: Accounts::new(&settings, kubernetes.clone(), Arc::clone(&clock)),
                token_requests: TokenRequests::new(kubernetes, Arc::clone(&clock)),
            }
        });
        Self { settings, clock, api }
    }

    /// Returns the client and lifetime for token requests, where they are configured and there is
    /// an API.
    fn own_requests(&self) -> Option<(&TokenRequests, Duration)> {
        Some((&self.api.as_ref()?.token_requests, self.settings.request_tokens?))
    }

    async fn role(&self, context: &ProvideContext) -> Result<Role, SourceError> {
        if let Some(arn) = context.pinned_role() {
            return Ok(self.pinned(arn, context).await);
        }
        for origin in &self.settings.roles {
            match origin {
                RoleOrigin::Context => {
                    if let Some(arn) = &context.target().role_arn {
                        let origin = Cow::Borrowed("the driver's own choice (`--role-arn`)");
                        return Ok(Role { arn: arn.clone(), origin, annotations: None });
                    }
                }
                RoleOrigin::Mapping if self.settings.mapping.is_empty() => {}
                RoleOrigin::Mapping => {
                    let (namespace, name) = context.service_account()?;
                    if let Some((rule, arn)) = self.settings.mapping.rule(namespace, name) {
                        let origin = format!("rule {rule} of the role mapping").into();
                        return Ok(Role { arn: arn.clone(), origin, annotations: None });
                    }
                }
                RoleOrigin::Annotation => {
                    if let Some(api) = &self.api {
                        let annotations = annotations(api, context).await?;
                        if let Some(arn) = annotations.role_arn()? {
                            let origin = self.annotation_of(context).into();
                            return Ok(Role { arn, origin, annotations: Some(annotations) });
                        }
                    }
                }
            }
        }
        Err(self.no_role(context))
    }

    /// Returns the role of a renewal. Where annotations count, they may name the token's audience
    /// and lifetime; a renewal does without them while the Kubernetes API does not answer.
    async fn pinned(&self, arn: &RoleArn, context: &ProvideContext) -> Role {
        let annotations = match &self.api {
            Some(api) if self.settings.roles.contains(&RoleOrigin::Annotation) => {
                annotations(api, context).await.ok()
            }
            _ => None,
        };
        let origin = Cow::Borrowed("the role that the volume was published with");
        Role { arn: arn.clone(), origin, annotations }
    }

    /// For a message.
    fn annotation_of(&self, context: &ProvideContext) -> String {
        let (namespace, name) = context.service_account().unwrap_or_default();
        format!(
            "the annotation `{}/role-arn` of the ServiceAccount {}/{}",
            self.settings.annotation_prefix,
            namespace.escape_debug(),
            name.escape_debug()
        )
    }

    fn no_role(&self, context: &ProvideContext) -> SourceError {
        let pod = match context.service_account() {
            Ok((namespace, name)) => {
                format!("the ServiceAccount {}/{}", namespace.escape_debug(), name.escape_debug())
            }
            Err(_) => "the pod's service account".to_owned(),
        };
        if !self.settings.roles.contains(&RoleOrigin::Annotation) {
            return SourceError::not_applicable(format!(
                "neither the driver nor a mapping rule has a role for {pod}"
            ))
            .with_help("add a rule for it to the role mapping");
        }
        let annotation = format!("{}/role-arn", self.settings.annotation_prefix);
        if self.api.is_none() {
            return SourceError::not_applicable(format!(
                "no role for {pod}, and no Kubernetes API is configured to read the annotation `{annotation}` from"
            ))
            .with_help("run the driver in a cluster or set KUBECONFIG, or name the role to the driver");
        }
        let (namespace, name) = context.service_account().unwrap_or(("NAMESPACE", "NAME"));
        SourceError::not_applicable(format!("{pod} has no annotation `{annotation}`")).with_help(format!(
            "kubectl annotate serviceaccount -n {} {} {annotation}=arn:aws:iam::111122223333:role/name",
            namespace.escape_debug(),
            name.escape_debug()
        ))
    }

    async fn token(&self, context: &ProvideContext, role: &Role) -> Result<Token, Failure> {
        let annotations = role.annotations.as_deref();
        let audience = annotations.map_or(Ok(None), Annotations::audience)?;
        let audience = audience.unwrap_or(&self.settings.audience);
        let field = ServiceAccountTokens::field(audience);
        let token = match self.own_requests() {
            Some((requests, ttl)) if context.tokens().is_empty() => {
                let (namespace, name) = context.service_account()?;
                let ttl = annotations.map_or(Ok(None), Annotations::token_ttl)?.unwrap_or(ttl);
                let wanted = Wanted::new(Account::parse(namespace, name)?, context, audience, ttl)?;
                requests.token(&field, &wanted).await?
            }
            _ => context.tokens().get(audience)?.clone(),
        };
        token.check_expiry(&field, self.clock.now())?;
        token.check_audience(&field, audience)?;
        if let Ok((namespace, name)) = context.service_account() {
            token.check_service_account(&field, namespace, name)?;
        }
        Ok(token)
    }
}

async fn annotations(api: &Api, context: &ProvideContext) -> Result<Arc<Annotations>, Failure> {
    let (namespace, name) = context.service_account()?;
    let account = Account::parse(namespace, name)?;
    // The pod that works with the volume, of which a shared Mountpoint pod has many.
    let pod = context.pod().uid.as_deref().or(context.lease_pod()).unwrap_or_default();
    api.accounts.annotations(&account, pod).await
}

#[async_trait]
impl CredentialSource for PodTokenSource {
    fn name(&self) -> &'static str {
        source_names::POD_TOKEN
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        if context.level() != AuthenticationLevel::Pod {
            return Err(SourceError::not_applicable(format!(
                "a pod's token is for volumes at pod level, and this one is at {} level",
                context.level()
            )));
        }
        if context.tokens().is_empty() && self.own_requests().is_none() {
            context.tokens().get(&self.settings.audience)?;
        }
        let role = self.role(context).await?;
        let token = self.token(context, &role).await?;
        let mut session = self.settings.session.clone();
        if let Some(word) =
            role.annotations.as_deref().map_or(Ok(None), Annotations::regional_endpoints)?
        {
            session.regional_endpoints = Some(word.to_owned());
        }
        let identity = WebIdentity::new(token, role.arn)
            .with_role_origin(role.origin)
            .with_session(session)
            .with_second_hop(self.settings.second_hop.clone());
        Ok(CredentialForm::WebIdentity(Box::new(identity)))
    }

    fn is_from_request(&self, _: &ProvideContext) -> bool {
        true
    }

    fn looks_role_up(&self) -> bool {
        self.settings.roles.contains(&RoleOrigin::Annotation)
    }

    fn changes(&self) -> Option<Changes> {
        let api =
            self.api.as_ref().filter(|_| self.settings.roles.contains(&RoleOrigin::Annotation))?;
        Some(api.accounts.changes())
    }

    fn permissions(&self) -> Vec<Permission> {
        let mut permissions = Vec::new();
        if self.settings.roles.contains(&RoleOrigin::Annotation) {
            let purpose = "the role of a pod is an annotation of its ServiceAccount";
            permissions.push(Permission::new("get", "serviceaccounts", purpose));
            if self.settings.watch_annotations {
                let purpose = "a changed annotation is known at once, and no minute later";
                permissions.push(Permission::new("watch", "serviceaccounts", purpose).optional());
            }
        }
        if self.settings.request_tokens.is_some() {
            let purpose = "tokens are asked for where a request has none (`requestTokens`)";
            permissions.push(Permission::new("create", "serviceaccounts/token", purpose));
        }
        permissions
    }
}
