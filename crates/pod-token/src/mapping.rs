//! Roles by rules, for those who do not want roles to be given by annotations that a tenant may
//! write.

use regex_lite::Regex;
use s3_credential_core::{ErrorKind, Failure, RoleArn};

/// One rule, as written: whose pods get which role.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields)
)]
pub struct RoleRule {
    /// A pattern for the namespace: a name in which `*` stands for any characters and `?` for one.
    #[cfg_attr(feature = "config", schemars(extend("format" = "name-pattern")))]
    pub namespace: String,
    /// A pattern for the service account.
    #[cfg_attr(feature = "config", schemars(extend("format" = "name-pattern")))]
    pub service_account: String,
    /// The role of the pods that match both.
    #[cfg_attr(feature = "config", schemars(extend("format" = "role-arn")))]
    pub role_arn: String,
}

/// Rules in their order: the first one that matches counts.
///
/// ```
/// use s3_credential_pod_token::{RoleMapping, RoleRule};
///
/// let rule = |namespace: &str, role: &str| RoleRule {
///     namespace: namespace.to_owned(),
///     service_account: "*".to_owned(),
///     role_arn: format!("arn:aws:iam::111122223333:role/{role}"),
/// };
/// let mapping = RoleMapping::new([rule("team-a", "a"), rule("team-*", "others")])?;
/// assert_eq!(mapping.role("team-a", "web").unwrap().as_str(), "arn:aws:iam::111122223333:role/a");
/// let others = mapping.role("team-b", "web").unwrap();
/// assert_eq!(others.as_str(), "arn:aws:iam::111122223333:role/others");
/// assert!(mapping.role("kube-system", "web").is_none());
/// # Ok::<(), s3_credential_core::Failure>(())
/// ```
#[derive(Debug, Clone, Default)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(try_from = "Vec<RoleRule>"),
    schemars(with = "Vec<RoleRule>", inline)
)]
pub struct RoleMapping(Vec<Rule>);

impl TryFrom<Vec<RoleRule>> for RoleMapping {
    type Error = Failure;

    fn try_from(rules: Vec<RoleRule>) -> Result<Self, Failure> {
        Self::new(rules)
    }
}

#[derive(Debug, Clone)]
struct Rule {
    namespace: Regex,
    service_account: Regex,
    role_arn: RoleArn,
}

impl RoleMapping {
    /// Checks the rules; the error names the first that is wrong, counted from one.
    pub fn new(rules: impl IntoIterator<Item = RoleRule>) -> Result<Self, Failure> {
        let rule = |(index, rule): (usize, RoleRule)| {
            let field = |name: &str| format!("`{name}` of rule {} of the role mapping", index + 1);
            Ok(Rule {
                namespace: pattern(&field("namespace"), &rule.namespace)?,
                service_account: pattern(&field("serviceAccount"), &rule.service_account)?,
                role_arn: RoleArn::parse(&field("roleArn"), &rule.role_arn)?,
            })
        };
        rules.into_iter().enumerate().map(rule).collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether there are no rules at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the role of this service account's pods.
    pub fn role(&self, namespace: &str, service_account: &str) -> Option<&RoleArn> {
        self.rule(namespace, service_account).map(|(_, role)| role)
    }

    /// Returns the number of the rule that counts, from one, and its role.
    pub fn rule(&self, namespace: &str, service_account: &str) -> Option<(usize, &RoleArn)> {
        let matches = |rule: &Rule| {
            rule.namespace.is_match(namespace) && rule.service_account.is_match(service_account)
        };
        let index = self.0.iter().position(matches)?;
        Some((index + 1, &self.0[index].role_arn))
    }
}

fn pattern(field: &str, glob: &str) -> Result<Regex, Failure> {
    let malformed = || {
        Failure::new(ErrorKind::InvalidConfiguration, format!("{field} is not a pattern for names")).with_help(format!(
            "write {field} as a Kubernetes name (lower-case letters, digits, dashes, dots), with * for any characters and ? for one"
        ))
    };
    // A character that no name can hold (braces, a regular expression, a capital) would match no
    // name, and hide a rule that was meant otherwise.
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.*?".contains(&b);
    if glob.is_empty() || !glob.bytes().all(allowed) {
        return Err(malformed());
    }
    let regex = glob.replace('.', r"\.").replace('*', ".*").replace('?', ".");
    Regex::new(&format!("^{regex}$")).map_err(|_| malformed())
}
