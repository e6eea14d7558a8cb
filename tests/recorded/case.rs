//! A case: what a driver has, what services answer, and what aws-config and we make of it.

use std::collections::BTreeMap;

use s3_credential_core::{ErrorKind, Keys};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Case {
    /// The name of the case where it was recorded.
    #[expect(dead_code, reason = "for the reader of the case")]
    recorded: String,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) traffic: Vec<Exchange>,
    /// What aws-config makes of it.
    sdk: Answer,
    /// What we make of it, where it is different. The reason is in `deviation`.
    ours: Option<Answer>,
    deviation: Option<String>,
    /// The kind of our refusal.
    kind: Option<String>,
}

/// A request, and the answers to it one after the other. The last one repeats.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    /// `PUT /latest/api/token`, or the action of STS.
    pub(crate) request: String,
    pub(crate) answers: Vec<Reply>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) body: String,
}

/// Keys, or a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Answer {
    #[serde(rename_all = "camelCase")]
    Keys {
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
        expires_at: Option<String>,
    },
    /// The kind is compared where the case names one.
    Refused(#[serde(default)] Option<String>),
}

impl Answer {
    pub(crate) fn keys(keys: &Keys) -> Self {
        Self::Keys {
            access_key_id: keys.access_key_id.expose().to_owned(),
            secret_access_key: keys.secret_access_key.expose().to_owned(),
            session_token: keys.session_token.as_ref().map(|token| token.expose().to_owned()),
            expires_at: keys.expires_at.map(|at| at.to_string()),
        }
    }

    pub(crate) fn refusal(kind: ErrorKind) -> Self {
        Self::Refused(Some(kind.as_str().to_owned()))
    }

    fn without_kind(&self) -> Self {
        match self {
            Self::Refused(_) => Self::Refused(None),
            keys @ Self::Keys { .. } => keys.clone(),
        }
    }
}

impl Case {
    /// What is wrong with our answer, or with the case.
    pub(crate) fn problems(&self, answer: &Answer) -> Vec<String> {
        let mut problems = Vec::new();
        let expected = self.ours.as_ref().unwrap_or(&self.sdk).without_kind();
        if expected != answer.without_kind() {
            problems.push(format!("expected {expected:?}, got {answer:?}"));
        }
        if let Answer::Refused(kind) = answer
            && *kind != self.kind
        {
            problems.push(format!("expected the kind {:?}, got {kind:?}", self.kind));
        }
        let differs = self.ours.as_ref().is_some_and(|ours| *ours != self.sdk);
        if differs != self.deviation.is_some() {
            problems.push("a deviation has another answer and a reason, or neither".to_owned());
        }
        problems
    }
}
