//! The volume that must not get any credentials, and the error for its user.

use std::path::PathBuf;

use s3_credential_core::{ErrorKind, source_names};
use s3_credential_provider::ProvideError;

use super::checks::Checks;
use super::scenes;
use super::story::provide;
use super::world::World;

/// How it went.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    pub(super) error: Option<ProvideError>,
    /// What is under the write path and the state path afterwards.
    pub(super) left: Vec<PathBuf>,
    pub(super) checks: Checks,
}

/// Publishes a pod-level volume without a role, on a node with an instance profile.
pub(super) async fn play(world: &World) -> Refusal {
    let mut refusal = Refusal::default();
    let checks = &mut refusal.checks;
    if let Some(provider) = checks.done("provider", world.provider(&world.environment())) {
        let provided = provide(world, &provider, &scenes::failing(world)).await;
        refusal.error = provided.err();
    }
    let error = refusal.error.as_ref();
    checks.that(
        "the volume is refused since no source applies",
        error.is_some_and(|error| error.kind() == ErrorKind::NoSource),
    );
    let asked = error.map(|error| &*error.attempts).unwrap_or_default();
    let asked: Vec<&str> = asked.iter().map(|attempt| attempt.plugin.as_str()).collect();
    checks.that(
        "only the pod's own sources were asked",
        asked == [source_names::POD_TOKEN, source_names::POD_IDENTITY],
    );
    checks.that(
        "the error says what to do",
        error.is_some_and(|error| error.help() != error.kind().advice()),
    );
    if let Some(left) = checks.done("a look at what is left", world.left_behind()) {
        checks.that("no file is left behind", left.is_empty());
        refusal.left = left;
    }
    refusal
}
