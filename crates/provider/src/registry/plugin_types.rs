//! Types of plug-ins, whatever the plug-ins do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use s3_credential_core::{AuthenticationLevel, ErrorKind, Failure};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use crate::document::{Node, TreeError};
use crate::plugins::{Factory, PluginContext};

/// The check of a plug-in's settings, if it has one.
pub(crate) struct SettingsCheck<S>(Arc<OnceLock<Check<S>>>);

type Check<S> = Box<dyn Fn(&S) -> Result<(), Failure> + Send + Sync>;

impl<S> SettingsCheck<S> {
    /// Sets the check. The first one counts.
    pub(super) fn set(&self, check: impl Fn(&S) -> Result<(), Failure> + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(check));
    }

    fn run(&self, settings: &S) -> Result<(), Failure> {
        self.0.get().map_or(Ok(()), |check| check(settings))
    }
}

impl<S> Clone for SettingsCheck<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Default for SettingsCheck<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S> fmt::Debug for SettingsCheck<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SettingsCheck").field(&self.0.get().is_some()).finish()
    }
}

/// A failed check, with its help.
impl From<Failure> for TreeError {
    fn from(failure: Failure) -> Self {
        // The help of the kind says to run the check that reports this.
        let of_kind = Failure::new(failure.kind(), "");
        let help = (failure.help() != of_kind.help()).then(|| failure.help().to_owned());
        Self { message: failure.message().to_owned(), help, span: None }
    }
}

type Prepare<P> = Box<dyn Fn(&Node) -> Result<Factory<P>, TreeError> + Send + Sync>;

/// One type of plug-in.
pub(crate) struct PluginType<P: ?Sized> {
    /// The levels at which it may have an answer.
    pub(crate) levels: Vec<AuthenticationLevel>,
    /// It never says "not applicable".
    pub(crate) always_answers: bool,
    /// The schema of its settings.
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    prepare: Prepare<P>,
}

/// The types of one kind of plug-in.
#[derive(Debug)]
pub(crate) struct PluginTypes<P: ?Sized> {
    /// The noun for these plug-ins in messages.
    pub(crate) noun: &'static str,
    /// Whether one type may be there several times, under other names.
    pub(crate) renamable: bool,
    kinds: BTreeMap<String, PluginType<P>>,
    left_out: BTreeMap<&'static str, &'static str>,
}

impl<P: ?Sized + 'static> PluginType<P> {
    pub(crate) fn new<S, F>(check: SettingsCheck<S>, make: F) -> Self
    where
        S: DeserializeOwned + JsonSchema + Send + Sync + 'static,
        F: Fn(&S, &PluginContext) -> Result<Arc<P>, Failure> + Send + Sync + 'static,
    {
        let make = Arc::new(make);
        Self {
            levels: AuthenticationLevel::ALL.into(),
            always_answers: false,
            // In full, since keys are added to it.
            schema: S::json_schema,
            prepare: Box::new(move |node| {
                let settings = S::deserialize(node)?;
                check.run(&settings).map_err(TreeError::from)?;
                let make = Arc::clone(&make);
                Ok(Arc::new(move |context: &PluginContext| make(&settings, context)))
            }),
        }
    }

    /// Reads the settings.
    pub(crate) fn prepare(&self, settings: &Node) -> Result<Factory<P>, TreeError> {
        (self.prepare)(settings)
    }
}

impl<P: ?Sized> PluginTypes<P> {
    pub(crate) fn new(noun: &'static str, renamable: bool) -> Self {
        Self { noun, renamable, kinds: BTreeMap::new(), left_out: BTreeMap::new() }
    }

    pub(crate) fn add(
        &mut self,
        name: &str,
        kind: PluginType<P>,
    ) -> Result<&mut PluginType<P>, Failure> {
        let noun = self.noun;
        let refuse = |problem: &str| {
            let message = format!("the {noun} {name:?} cannot be registered: {problem}");
            Err(Failure::new(ErrorKind::InvalidConfiguration, message))
        };
        if !is_name(name) {
            return refuse("a name has only lower-case letters, digits and inner dashes");
        }
        if self.kinds.contains_key(name) {
            return refuse("there is one of this name already");
        }
        Ok(self.kinds.entry(name.to_owned()).or_insert(kind))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&PluginType<P>> {
        self.kinds.get(name)
    }

    /// Notes a type of this workspace that comes with a feature which this build does not have.
    pub(crate) fn leave_out(&mut self, name: &'static str, feature: &'static str) {
        self.left_out.insert(name, feature);
    }

    /// Returns the types that are not compiled in, each with its feature. A third party may have
    /// registered one of its own under such a name.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let left_out = self.left_out.iter().map(|(name, feature)| (*name, *feature));
        left_out.filter(|(name, _)| !self.kinds.contains_key(*name))
    }

    /// Returns the feature that a type comes with, where that is not compiled in.
    pub(crate) fn feature_of(&self, name: &str) -> Option<&'static str> {
        self.left_out().find(|(left_out, _)| *left_out == name).map(|(_, feature)| feature)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &PluginType<P>)> {
        self.kinds.iter().map(|(name, kind)| (name.as_str(), kind))
    }
}

/// Returns whether this is a valid name of a type, or of a plug-in in a chain: it is a label of
/// metrics as well.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

impl<P: ?Sized> fmt::Debug for PluginType<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginType")
            .field("levels", &self.levels)
            .field("always_answers", &self.always_answers)
            .finish_non_exhaustive()
    }
}
