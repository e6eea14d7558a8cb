//! The life of one volume: published, exchanged for keys, republished, unpublished; and each step
//! checked.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use s3_credential_core::{
    Keys, MountTarget, PublishRequest, Secret, UnpublishRequest, names, source_names,
};
use s3_credential_provider::{
    CleanupContext, CleanupReport, ProvideError, Provided, ProvidedFile, Provider,
};
use s3_credential_testkit::client::Client;

use super::checks::Checks;
use super::scenes::{Renewal, Scene};
use super::world::World;

/// What happened to a volume, as far as it got.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) published: Option<Provided>,
    pub(super) exchanged: Option<Exchanged>,
    pub(super) republished: Option<Republished>,
    pub(super) unpublished: Option<Unpublished>,
    pub(super) checks: Checks,
}

/// Keys that work.
#[derive(Debug)]
pub(super) struct Exchanged {
    /// Whose they are, as STS has it.
    pub(super) caller: String,
    pub(super) keys: Keys,
}

#[derive(Debug)]
pub(super) struct Republished {
    pub(super) provided: Provided,
    /// The files that were replaced.
    pub(super) replaced: Vec<PathBuf>,
    pub(super) holders: Vec<String>,
    pub(super) exchanged: Option<Exchanged>,
}

#[derive(Debug)]
pub(super) struct Unpublished {
    pub(super) cleaned: CleanupReport,
    /// What is still under the write path and the state path.
    pub(super) left: Vec<PathBuf>,
}

/// Plays a volume's whole life.
pub(super) async fn play(world: &World, scene: &Scene) -> Story {
    let mut story = Story::default();
    if let Some(provider) =
        story.checks.done("the driver's start", world.provider(&scene.environment))
    {
        let mut play = Play { world, scene, provider, story };
        play.publish().await;
        play.exchange().await;
        play.republish().await;
        play.unpublish().await;
        story = play.story;
    }
    story
}

/// Publishes a request as a driver does.
pub(super) async fn provide(
    world: &World,
    provider: &Provider,
    request: &PublishRequest,
) -> Result<Provided, ProvideError> {
    let context = provider.context(request.clone(), MountTarget::new(world.write_path()))?;
    provider.provide(&context).await
}

struct Play<'a> {
    world: &'a World,
    scene: &'a Scene,
    provider: Provider,
    story: Story,
}

impl<'a> Play<'a> {
    async fn publish(&mut self) {
        let checks = &mut self.story.checks;
        let provided = provide(self.world, &self.provider, &self.scene.request).await;
        let Some(provided) = checks.done("publish", provided) else { return };
        let expected = &self.scene.expected;
        checks.that(format!("the level is {}", expected.level), provided.level == expected.level);
        let source = provided.identity.source.as_deref();
        checks.that(format!("the source is {}", expected.source), source == Some(expected.source));
        let resolver = provided.region.as_ref().map(|resolved| resolved.resolver.as_str());
        checks.that(
            format!("the region is from {}", expected.resolver),
            resolver == Some(expected.resolver),
        );
        let shut_out = provided.environment.contains_key(names::AWS_EC2_METADATA_DISABLED);
        checks.that(
            "Mountpoint may ask IMDS for an instance profile only",
            shut_out == (expected.source != source_names::IMDS),
        );
        for file in &provided.files {
            let mode = fs::symlink_metadata(&file.path).map(|found| found.permissions().mode());
            let is_right = mode.is_ok_and(|mode| [file.mode, 0o640] == [mode & 0o7777; 2]);
            checks.that(format!("{} has its mode", file.path.display()), is_right);
        }
        self.story.published = Some(provided);
    }

    /// The keys are good: those that Mountpoint finds, and those that the driver gets.
    async fn exchange(&mut self) {
        let Some(mountpoint) = self.mountpoint() else { return };
        self.story.exchanged = self.exchanged(&mountpoint).await;
        let target = MountTarget::new(self.world.write_path());
        let keys = match self.provider.context(self.scene.request.clone(), target) {
            Ok(context) => self.provider.credentials(&context).await,
            Err(error) => Err(error),
        };
        if let Some(keys) = self.story.checks.done("the driver's own exchange", keys) {
            self.caller(&mountpoint, &keys).await;
        }
    }

    /// The same volume again, with something newer. What Mountpoint has used until now no longer
    /// works.
    async fn republish(&mut self) {
        let Some(before) = self.story.published.clone() else { return };
        let old = contents(&before.files);
        if let Some(Exchanged { keys, .. }) = &self.story.exchanged {
            self.world.retire(keys);
        }
        let Some(request) = self.renew() else { return };
        let provided = provide(self.world, &self.provider, request).await;
        let checks = &mut self.story.checks;
        let Some(provided) = checks.done("republish", provided) else { return };
        let is_new = |(path, text): &(PathBuf, _)| old.get(path) != Some(text);
        let replaced: Vec<PathBuf> =
            contents(&provided.files).into_iter().filter(is_new).map(|(path, _)| path).collect();
        let leases = self.provider.leases().into_iter();
        let holders: Vec<String> = leases.flat_map(|status| status.lease.holders).collect();

        checks.that("the identity is the same", !provided.identity_changed);
        checks.that("the environment is the same", provided.environment == before.environment);
        checks.that("the files are the same", provided.files == before.files);
        checks.that(
            "what is newer has replaced what was there",
            replaced.is_empty() == before.files.is_empty(),
        );
        checks.that(
            "a newer token lasts longer",
            before.expires_at.is_none() || provided.expires_at > before.expires_at,
        );
        checks
            .that("the holder stays, alone", holders == [self.scene.request.target_path.as_str()]);
        let exchanged = match self.mountpoint() {
            Some(mountpoint) => self.exchanged(&mountpoint).await,
            None => None,
        };
        self.story.republished = Some(Republished { provided, replaced, holders, exchanged });
    }

    async fn unpublish(&mut self) {
        let checks = &mut self.story.checks;
        let cleaned = cleanup(self.world, &self.provider, &self.scene.request).await;
        let Some(cleaned) = checks.done("unpublish", cleaned) else { return };
        let left = self.world.left_behind();
        let Some(left) = checks.done("a look at what is left", left) else { return };
        checks.that("the lease has no holder any more", cleaned.remaining_holders == 0);
        checks.that("no file is left behind", left.is_empty());
        let mut files = self.story.published.iter().flat_map(|provided| &provided.files);
        let all_removed = files.all(|file| cleaned.removed.contains(&file.path));
        checks.that("every file was removed", all_removed);
        self.story.unpublished = Some(Unpublished { cleaned, left });
    }

    /// What is newer comes to be: to the driver, which may be another one then, or with the
    /// request.
    fn renew(&mut self) -> Option<&'a PublishRequest> {
        let checks = &mut self.story.checks;
        match &self.scene.renewal {
            Renewal::ProjectedToken { file, token } => {
                checks.done("the kubelet's newer token", self.world.project(file, token))?;
            }
            Renewal::Restart(environment) => {
                let restarted = self.world.provider(environment);
                self.provider = checks.done("the driver's restart", restarted)?;
            }
            Renewal::Request(request) => return Some(request),
            Renewal::InstanceProfile => self.world.rotate_instance_profile(),
        }
        Some(&self.scene.request)
    }

    /// Returns Mountpoint: a program that was started only with the environment of the first
    /// publish.
    fn mountpoint(&self) -> Option<Client> {
        let environment = &self.story.published.as_ref()?.environment;
        Some(Client::new(environment.iter().map(|(name, value)| (name.as_str(), value.expose()))))
    }

    /// The keys that it finds.
    async fn exchanged(&mut self, mountpoint: &Client) -> Option<Exchanged> {
        let keys = self.story.checks.done("Mountpoint's exchange", mountpoint.keys().await)?;
        let caller = self.caller(mountpoint, &keys).await?;
        Some(Exchanged { caller, keys })
    }

    /// Whose keys these are, which should be the scene's.
    async fn caller(&mut self, client: &Client, keys: &Keys) -> Option<String> {
        let checks = &mut self.story.checks;
        let caller = checks.done("GetCallerIdentity", client.who(keys).await)?;
        let owner = &self.scene.expected.caller;
        checks.that(format!("the keys belong to {owner}"), caller.starts_with(owner));
        Some(caller)
    }
}

/// Unpublishes as a driver does, which then knows no more than the volume and its path.
async fn cleanup(
    world: &World,
    provider: &Provider,
    request: &PublishRequest,
) -> Result<CleanupReport, ProvideError> {
    let request = UnpublishRequest::new(&request.volume_id, &request.target_path);
    let context = CleanupContext::from_unpublish_request(&request, world.write_path(), None)?;
    provider.cleanup(&context).await
}

/// Returns the content of each file; `None` where it cannot be read.
fn contents(files: &[ProvidedFile]) -> BTreeMap<PathBuf, Option<Secret>> {
    let read = |file: &ProvidedFile| fs::read_to_string(&file.path).ok().map(Secret::new);
    files.iter().map(|file| (file.path.clone(), read(file))).collect()
}
