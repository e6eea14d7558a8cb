//! The input of a step, in the terms of the deviations.

use std::collections::BTreeMap;
use std::path::Path;

use s3_credential_core::names;

use crate::case::{Case, Cleanup, File, Provide, Recorded, Step};
use crate::layout::{Layout, Lease};
use crate::tree::Tree;

/// One step of a case, and what came before it.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) case: &'a Case,
    pub(crate) layout: &'a Layout,
    pub(crate) step: &'a Step,
    pub(crate) recorded: &'a Recorded,
    /// The driver's environment by then, but for empty values, which are unset ones.
    pub(crate) environment: BTreeMap<String, String>,
    /// The bytes of what was laid out so far, links followed.
    files: BTreeMap<String, Vec<u8>>,
    /// Our entries under the write path before.
    pub(crate) before: Option<Tree>,
    /// The leases that were provided and not cleaned up.
    pub(crate) live: Vec<Lease>,
}

/// The sources of the driver's own credentials, in our order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DriverSource {
    Irsa,
    Container,
    Keys,
    Profile,
}

impl<'a> View<'a> {
    pub(crate) fn new(
        case: &'a Case,
        layout: &'a Layout,
        steps: &'a [Step],
        index: usize,
        before: Option<Tree>,
        live: Vec<Lease>,
    ) -> Self {
        let mut environment = case.input.env.clone();
        let mut laid_out = case.input.files.clone();
        for step in &steps[..=index] {
            environment.extend(step.env.clone());
            laid_out.extend(step.files.clone());
        }
        let environment = environment
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
            .collect();
        let bytes = |file: &File| match file {
            File::Text(text) => Some(text.clone().into_bytes()),
            File::Entry(entry) => entry.bytes(),
        };
        let mut files: BTreeMap<String, Vec<u8>> =
            laid_out.iter().filter_map(|(name, file)| Some((name.clone(), bytes(file)?))).collect();
        for (name, file) in &laid_out {
            if let File::Entry(entry) = file
                && let Some(target) = &entry.target
                && let Some(content) = files.get(beside(name, target).as_str()).cloned()
            {
                files.insert(name.clone(), content);
            }
        }
        let recorded = &case.expected.steps[index];
        Self { case, layout, step: &steps[index], recorded, environment, files, before, live }
    }

    pub(crate) fn provide(&self) -> Option<&'a Provide> {
        self.step.provide.as_ref()
    }

    pub(crate) fn cleanup(&self) -> Option<&'a Cleanup> {
        self.step.cleanup.as_ref()
    }

    /// The publish at driver level, if it is one.
    pub(crate) fn driver_level(&self) -> Option<&'a Provide> {
        self.provide().filter(|provide| provide.is_driver_level())
    }

    /// The publish at pod level, if it is one.
    pub(crate) fn pod_level(&self) -> Option<&'a Provide> {
        self.provide().filter(|provide| provide.is_pod_level())
    }

    pub(crate) fn lease(&self) -> Lease {
        match (self.provide(), self.cleanup()) {
            (Some(provide), _) => provide.into(),
            (None, Some(cleanup)) => cleanup.into(),
            (None, None) => panic!("{}: an empty step", self.case.name),
        }
    }

    pub(crate) fn write_path(&self) -> &'a str {
        let of_provide = self.provide().map(|provide| &provide.write_path);
        of_provide.or(self.cleanup().map(|cleanup| &cleanup.write_path)).unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.environment.contains_key(name)
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.environment.get(name).map_or("", String::as_str)
    }

    pub(crate) fn kind_of(&self, path: &str) -> Option<&str> {
        match self.case.input.files.get(path)? {
            File::Text(_) => Some("file"),
            File::Entry(entry) => Some(entry.kind.as_deref().unwrap_or("file")),
        }
    }

    /// The bytes of the file that a variable names.
    pub(crate) fn file_of(&self, variable: &str) -> Option<&[u8]> {
        let path = self.get(variable);
        let name = match (path.strip_prefix("{SCRATCH}/"), path.strip_prefix("{WRITE}/")) {
            (Some(name), _) => name.to_owned(),
            (None, Some(name)) => format!("write/{name}"),
            (None, None) => format!("cwd/{path}"),
        };
        self.files.get(&name).map(Vec::as_slice)
    }

    /// The sources that are wholly configured, in our order. Profile files count for mounts under
    /// systemd.
    pub(crate) fn driver_sources(&self) -> Vec<DriverSource> {
        let all = [
            (DriverSource::Irsa, names::AWS_ROLE_ARN, names::AWS_WEB_IDENTITY_TOKEN_FILE),
            (
                DriverSource::Container,
                names::AWS_CONTAINER_CREDENTIALS_FULL_URI,
                names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
            ),
            (DriverSource::Keys, names::AWS_ACCESS_KEY_ID, names::AWS_SECRET_ACCESS_KEY),
            (DriverSource::Profile, names::AWS_CONFIG_FILE, names::AWS_SHARED_CREDENTIALS_FILE),
        ];
        let is_systemd = self.provide().is_some_and(|provide| provide.mount_kind == "systemd");
        all.into_iter()
            .filter(|(_, one, other)| self.has(one) && self.has(other))
            .map(|(source, ..)| source)
            .filter(|source| *source != DriverSource::Profile || is_systemd)
            .collect()
    }

    /// The token that the driver's source would hand over.
    pub(crate) fn driver_token(&self, source: DriverSource) -> Option<&[u8]> {
        match source {
            DriverSource::Irsa => self.file_of(names::AWS_WEB_IDENTITY_TOKEN_FILE),
            DriverSource::Container => self.file_of(names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE),
            DriverSource::Keys | DriverSource::Profile => None,
        }
    }

    /// The region for STS, and whether the operator named it.
    pub(crate) fn region(&self) -> Option<(String, bool)> {
        let provide = self.provide()?;
        let imds = self.case.input.imds_region.as_deref().unwrap_or_default();
        let known = [
            (provide.sts_region.as_str(), true),
            (provide.bucket_region.as_str(), true),
            (self.get(names::AWS_REGION), true),
            (self.get(names::AWS_DEFAULT_REGION), false),
            (imds, false),
        ];
        let (name, by_operator) = known.into_iter().find(|(name, _)| !name.is_empty())?;
        Some((name.to_owned(), by_operator))
    }

    /// The role of a publish at pod level: the driver's word, else the annotation.
    pub(crate) fn pod_role(&self) -> Option<&'a str> {
        let provide = self.pod_level()?;
        if !provide.role_arn.is_empty() {
            return Some(&provide.role_arn);
        }
        let account = format!("{}/{}", provide.pod_namespace, provide.service_account_name);
        let annotations = self.case.input.service_accounts.get(&account)?.as_ref()?;
        annotations
            .get("eks.amazonaws.com/role-arn")
            .map(String::as_str)
            .filter(|arn| !arn.is_empty())
    }
}

/// The target of a link, which is absolute or beside the link.
fn beside(link: &str, target: &str) -> String {
    match target.strip_prefix("{SCRATCH}/") {
        Some(target) => target.to_owned(),
        None => Path::new(link).with_file_name(target).to_str().unwrap().to_owned(),
    }
}
