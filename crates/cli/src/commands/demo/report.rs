//! The demo as one JSON object.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::Played;
use super::refusal::Refusal;
use super::scenes::{FAILING_TITLE, FAILING_VOLUME, Scene};
use super::story::{Exchanged, Republished, Story, Unpublished};
use crate::output::{CleanedUpObject, ErrorObject, ProvidedObject, RegionObject};

/// The whole demo. `failures` is empty if every step did what it should.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report<'a> {
    write_path: &'a Path,
    volumes: Vec<VolumeObject<'a>>,
    failing_volume: RefusalObject<'a>,
    checks: usize,
    failures: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VolumeObject<'a> {
    volume: &'static str,
    title: &'static str,
    published: Option<ProvidedObject<'a>>,
    region: Option<RegionObject<'a>>,
    exchanged: Option<ExchangedObject<'a>>,
    republished: Option<RepublishedObject<'a>>,
    unpublished: Option<UnpublishedObject<'a>>,
    failures: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExchangedObject<'a> {
    caller: &'a str,
    expires_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RepublishedObject<'a> {
    expires_at: Option<Timestamp>,
    identity_changed: bool,
    replaced: &'a [PathBuf],
    holders: &'a [String],
    exchanged: Option<ExchangedObject<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnpublishedObject<'a> {
    #[serde(flatten)]
    cleaned: CleanedUpObject<'a>,
    left_behind: &'a [PathBuf],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefusalObject<'a> {
    volume: &'static str,
    title: &'static str,
    #[serde(flatten)]
    error: Option<ErrorObject<'a>>,
    left_behind: &'a [PathBuf],
    failures: &'a [String],
}

impl<'a> Report<'a> {
    pub(super) fn new(played: &'a Played) -> Self {
        Self {
            write_path: &played.write_path,
            volumes: played.volumes.iter().map(VolumeObject::from).collect(),
            failing_volume: RefusalObject::from(&played.refusal),
            checks: played.checks(),
            failures: played.failures(),
        }
    }
}

impl<'a> From<&'a (Scene, Story)> for VolumeObject<'a> {
    fn from((scene, story): &'a (Scene, Story)) -> Self {
        let published = story.published.as_ref();
        Self {
            volume: scene.volume,
            title: scene.title,
            published: published.map(|provided| ProvidedObject::new(provided, false)),
            region: published.and_then(|provided| {
                let resolved = provided.region.as_ref()?;
                Some(RegionObject::new(resolved, &provided.region_attempts))
            }),
            exchanged: story.exchanged.as_ref().map(Into::into),
            republished: story.republished.as_ref().map(Into::into),
            unpublished: story.unpublished.as_ref().map(Into::into),
            failures: &story.checks.failures,
        }
    }
}

impl<'a> From<&'a Exchanged> for ExchangedObject<'a> {
    fn from(exchanged: &'a Exchanged) -> Self {
        Self { caller: &exchanged.caller, expires_at: exchanged.keys.expires_at }
    }
}

impl<'a> From<&'a Republished> for RepublishedObject<'a> {
    fn from(republished: &'a Republished) -> Self {
        Self {
            expires_at: republished.provided.expires_at,
            identity_changed: republished.provided.identity_changed,
            replaced: &republished.replaced,
            holders: &republished.holders,
            exchanged: republished.exchanged.as_ref().map(Into::into),
        }
    }
}

impl<'a> From<&'a Unpublished> for UnpublishedObject<'a> {
    fn from(unpublished: &'a Unpublished) -> Self {
        Self { cleaned: (&unpublished.cleaned).into(), left_behind: &unpublished.left }
    }
}

impl<'a> From<&'a Refusal> for RefusalObject<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        Self {
            volume: FAILING_VOLUME,
            title: FAILING_TITLE,
            error: refusal.error.as_ref().map(ErrorObject::new),
            left_behind: &refusal.left,
            failures: &refusal.checks.failures,
        }
    }
}
