//! `s3cred demo`: the whole workflow against emulators inside this process, every step of it
//! checked.

// In the order of the story.
mod checks;
mod world;
mod scenes;
mod story;
mod refusal;
mod report;
mod page;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use s3_credential_core::{ErrorKind, Failure, names};
use s3_credential_provider::ProvideError;
use tokio::signal::ctrl_c;

use crate::arguments::{DemoArguments, ReportFormat};
use crate::output::{self, ErrorObject};
use crate::setup;

use refusal::Refusal;
use report::Report;
use scenes::{Scene, scenes};
use story::Story;
use world::World;

pub(crate) async fn run(arguments: DemoArguments) -> Result<(), ProvideError> {
    // An interrupted demo takes its directory with it, too.
    let shown = tokio::select! {
        shown = Box::pin(show(arguments.output)) => shown,
        _ = ctrl_c() => Err(Failure::new(ErrorKind::Internal, "the demo was interrupted")),
    };
    match shown {
        Ok(played) => played.verdict(),
        Err(failure) => {
            let error = ProvideError::from(failure);
            if arguments.output == ReportFormat::Json {
                output::print_json(&ErrorObject::new(&error));
            }
            Err(error)
        }
    }
}

/// All that was played.
#[derive(Debug)]
struct Played {
    write_path: PathBuf,
    volumes: Vec<(Scene, Story)>,
    refusal: Refusal,
}

/// Plays everything and prints it.
async fn show(output: ReportFormat) -> Result<Played, Failure> {
    let failed = |cause: io::Error| {
        Failure::new(ErrorKind::Internal, format!("the emulators cannot be set up: {cause}"))
            .with_help(
                "the demo needs ports of 127.0.0.1 and a directory of its own where TMPDIR says",
            )
    };
    // No other variable of the process environment reaches a scene.
    let environment = setup::environment();
    let parent = Path::new(environment.get(names::TMPDIR).unwrap_or("/tmp"));
    let world = World::start(parent).await.map_err(failed)?;
    let mut volumes = Vec::new();
    for scene in scenes(&world).map_err(failed)? {
        let story = story::play(&world, &scene).await;
        volumes.push((scene, story));
    }
    let refusal = refusal::play(&world).await;
    let played = Played { write_path: world.write_path().to_owned(), volumes, refusal };
    let printed = match output {
        ReportFormat::Json => {
            serde_json::to_string(&Report::new(&played)).map_err(io::Error::from).map_err(failed)?
                + "\n"
        }
        ReportFormat::Text => page::page(&played),
    };
    refuse_secrets(&world, &printed)?;
    output::print_text(&printed);
    Ok(played)
}

/// Every key and token is known here: none of them may be printed.
fn refuse_secrets(world: &World, printed: &str) -> Result<(), Failure> {
    let shown = world.secrets().iter().filter(|secret| printed.contains(secret.expose())).count();
    if shown == 0 {
        return Ok(());
    }
    Err(Failure::new(
        ErrorKind::Internal,
        format!("{shown} secrets would have been printed, so no report is"),
    ))
}

impl Played {
    fn checks(&self) -> usize {
        let volumes: usize = self.volumes.iter().map(|(_, story)| story.checks.made).sum();
        volumes + self.refusal.checks.made
    }

    /// By volume.
    fn failures(&self) -> Vec<String> {
        let volumes = self.volumes.iter().map(|(scene, story)| (scene.volume, &story.checks));
        let all = volumes.chain([(scenes::FAILING_VOLUME, &self.refusal.checks)]);
        all.flat_map(|(volume, checks)| {
            checks.failures.iter().map(move |failure| format!("{volume}: {failure}"))
        })
        .collect()
    }

    fn verdict(&self) -> Result<(), ProvideError> {
        let failures = self.failures();
        match failures.first() {
            None => Ok(()),
            Some(first) => Err(Failure::new(
                ErrorKind::Internal,
                format!(
                    "{} of {} checks failed, the first: {first}",
                    failures.len(),
                    self.checks()
                ),
            )
            .into()),
        }
    }
}
