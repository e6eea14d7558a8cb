//! The source itself.

use std::sync::Arc;

use async_trait::async_trait;
use s3_credential_core::{
    AuthenticationLevel, Changes, Clock, CredentialForm, CredentialSource, Environment, ErrorKind,
    Failure, ProvideContext, RoleArn, SessionSettings, SourceError, WebIdentity, names,
    source_names,
};
use s3_credential_files::Follower;

use crate::settings::IrsaSettings;
use crate::token_file::TokenFile;

/// The driver's own web-identity token and role.
///
/// # Guarantees
/// The token file is read at each call: what is handed over is what the kubelet wrote last. A role
/// that the context names (the one that a live lease was published with) goes before
/// `AWS_ROLE_ARN`.
///
/// # Errors
/// Not applicable where neither variable is set, and at pod level, where no volume gets the
/// driver's identity. `misconfigured` where one variable is there without the other, or names no
/// readable file; `malformed-token`; `expired-token`; `invalid-role-arn`.
///
/// # Caveats
/// Whose token it is and for which audience is the business of STS: an identity provider may be set
/// up for any audience.
#[derive(Debug)]
pub struct IrsaSource {
    environment: Environment,
    clock: Arc<dyn Clock>,
    settings: IrsaSettings,
    token_file: Option<TokenFile>,
    follower: Option<Follower>,
}

/// The values from the environment and the driver.
struct Found<'a> {
    token_file: &'a TokenFile,
    role: RoleArn,
    role_origin: &'static str,
}

impl IrsaSource {
    /// Makes the source for a driver with this environment. Settings that STS would refuse are
    /// refused here.
    pub fn new(
        environment: Environment,
        clock: impl Clock,
        settings: IrsaSettings,
    ) -> Result<Self, Failure> {
        settings.session.check(settings.second_hop.as_ref())?;
        let token_file = environment.get(names::AWS_WEB_IDENTITY_TOKEN_FILE).map(TokenFile::new);
        let follower = token_file
            .as_ref()
            .map(|file| Follower::new([file.path().to_owned()], settings.poll_interval));
        Ok(Self { environment, clock: Arc::new(clock), settings, token_file, follower })
    }

    /// Returns the token file and the role: both, or the reason why not.
    fn identity(&self, context: &ProvideContext) -> Result<Found<'_>, SourceError> {
        let own_role = self.environment.get(names::AWS_ROLE_ARN);
        let Some(token_file) = &self.token_file else {
            return Err(match own_role {
                None => SourceError::not_applicable(
                    "neither AWS_WEB_IDENTITY_TOKEN_FILE nor AWS_ROLE_ARN is set for the driver",
                ),
                Some(_) => half("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
            });
        };
        // The role of a pod (`--role-arn`) is none for the driver's own token.
        let (role, role_origin) = match (context.pinned_role().cloned(), own_role) {
            (Some(role), _) => (role, "the role that the volume was published with"),
            (None, Some(arn)) => {
                (RoleArn::parse(names::AWS_ROLE_ARN, arn)?, "the driver's AWS_ROLE_ARN")
            }
            (None, None) => return Err(half("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN")),
        };
        Ok(Found { token_file, role, role_origin })
    }

    fn session(&self) -> Result<SessionSettings, Failure> {
        let mut session = self.settings.session.clone();
        if session.name.is_none() {
            session.name = self.environment.get(names::AWS_ROLE_SESSION_NAME).map(str::to_owned);
            // Here and not before: a driver without a role may have any name for its session.
            session.check(self.settings.second_hop.as_ref()).map_err(|failure| {
                failure.with_help("correct AWS_ROLE_SESSION_NAME of the driver's container")
            })?;
        }
        Ok(session)
    }
}

#[async_trait]
impl CredentialSource for IrsaSource {
    fn name(&self) -> &'static str {
        source_names::IRSA
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        if context.level() == AuthenticationLevel::Pod {
            return Err(SourceError::not_applicable(
                "at pod level no volume gets the driver's own role",
            ));
        }
        let Found { token_file, role, role_origin } = self.identity(context)?;
        let session = self.session()?;
        let token = token_file.read(self.clock.now())?;
        Ok(CredentialForm::WebIdentity(Box::new(
            WebIdentity::new(token, role)
                .with_role_origin(role_origin)
                .with_session(session)
                .with_second_hop(self.settings.second_hop.clone()),
        )))
    }

    fn changes(&self) -> Option<Changes> {
        self.follower.as_ref()?.changes()
    }
}

fn half(there: &str, missing: &str) -> SourceError {
    SourceError::failed(
        ErrorKind::Misconfigured,
        format!("{there} is set for the driver, and {missing} is not"),
    )
    .with_help(format!(
        "set {missing} for the driver's container too, or neither (on EKS the webhook sets both: annotate the driver's service \
         account with eks.amazonaws.com/role-arn and restart its pods)"
    ))
}
