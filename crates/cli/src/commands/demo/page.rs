//! The demo in lines for a person.

use std::fmt::Write as _;

use super::Played;
use super::refusal::Refusal;
use super::scenes::{FAILING_TITLE, FAILING_VOLUME, Renewal, Scene};
use super::story::{Exchanged, Republished, Story, Unpublished};
use crate::text::{self, Style};

/// What stands for the write path's long name.
const WRITE_PATH: &str = "$WRITE_PATH";

/// What went on in every volume's life, then all of them in a table.
pub(super) fn page(played: &Played) -> String {
    let write_path = played.write_path.to_string_lossy();
    let lives: String =
        played.volumes.iter().map(|(scene, story)| life(scene, story) + "\n").collect();
    let mut page = format!(
        "Volumes are published, exchanged for keys that work, republished and unpublished, against emulators of STS, IMDS, the EKS Pod\n\
         Identity agent and the Kubernetes API on 127.0.0.1. {WRITE_PATH} is {write_path}\n\n"
    );
    page += &lives.replace(&*write_path, WRITE_PATH);
    let _ = writeln!(page, "{}\n{}", refusal(&played.refusal), table(played));
    let failures = played.failures();
    for failure in &failures {
        let _ = writeln!(page, "{} {failure}", Style::Bad.paint("failed"));
    }
    let verdict = match failures.len() {
        0 => Style::Good.paint("every step did what it should"),
        1 => Style::Bad.paint("one failed"),
        count => Style::Bad.paint(format!("{count} failed")),
    };
    let _ = writeln!(page, "{} checks: {verdict}", played.checks());
    page
}

fn life(scene: &Scene, story: &Story) -> String {
    let mut lines = String::new();
    if let Some(provided) = &story.published {
        lines += &text::provided(provided);
    }
    if let Some(exchanged) = &story.exchanged {
        let _ = writeln!(lines, "exchange  {}", keys(exchanged));
    }
    if let Some(republished) = &story.republished {
        lines += &republish(scene, story, republished);
    }
    if let Some(unpublished) = &story.unpublished {
        lines += &unpublish(unpublished);
    }
    format!("{}  {}\n{}", Style::Strong.paint(scene.volume), scene.title, indented(&lines))
}

fn keys(exchanged: &Exchanged) -> String {
    let ends = exchanged.keys.expires_at.map(|at| format!(", until {at}")).unwrap_or_default();
    format!("keys of {}{ends}", exchanged.caller)
}

fn republish(scene: &Scene, story: &Story, republished: &Republished) -> String {
    let cause = match scene.renewal {
        Renewal::ProjectedToken { .. } => "with a newer token of the driver",
        Renewal::Restart(_) => "after the driver was restarted with other keys",
        Renewal::Request(_) => "with what is newer in the request",
        Renewal::InstanceProfile => "after IMDS has rotated the keys",
    };
    let mut lines = format!("republish {cause}\n");
    for path in &republished.replaced {
        let _ = writeln!(lines, "  replaced {}", path.display());
    }
    let before = story.published.as_ref().and_then(|provided| provided.expires_at);
    if let (Some(before), Some(after)) = (before, republished.provided.expires_at) {
        let _ = writeln!(lines, "  expires {after}, before {before}");
    }
    for holder in &republished.holders {
        let _ = writeln!(lines, "  held by {holder}");
    }
    if let Some(exchanged) = &republished.exchanged {
        let _ = writeln!(lines, "  {}", keys(exchanged));
    }
    lines
}

fn unpublish(unpublished: &Unpublished) -> String {
    let mut lines = String::from("unpublish\n");
    for path in &unpublished.cleaned.removed {
        let _ = writeln!(lines, "  removed {}", path.display());
    }
    for path in &unpublished.left {
        let _ = writeln!(lines, "  {} {}", Style::Bad.paint("left behind"), path.display());
    }
    if unpublished.left.is_empty() {
        let _ = writeln!(lines, "  {WRITE_PATH} is empty");
    }
    lines
}

fn refusal(refusal: &Refusal) -> String {
    let mut lines = format!("{}  {FAILING_TITLE}\n", Style::Strong.paint(FAILING_VOLUME));
    if let Some(error) = &refusal.error {
        lines += &indented(&text::failed(error));
        let _ = writeln!(lines, "  its user reads, in the events of the pod:");
        let _ = writeln!(lines, "    {}: {error}", error.code());
    }
    lines
}

/// One line for each volume, in columns that are as wide as they must be.
fn table(played: &Played) -> String {
    let titles = ["volume", "level", "source", "form", "delivery", "region", "keys of", "checks"];
    let mut rows = vec![titles.map(str::to_owned)];
    rows.extend(played.volumes.iter().map(|(scene, story)| row(scene, story)));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let line = |row: &[String; 8]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn row(scene: &Scene, story: &Story) -> [String; 8] {
    let provided = story.published.as_ref();
    let region = provided.and_then(|provided| provided.region.as_ref());
    let checks = &story.checks;
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    [
        scene.volume.to_owned(),
        or_dash(provided.map(|provided| provided.level.to_string())),
        or_dash(provided.and_then(|provided| provided.identity.source.clone())),
        or_dash(provided.map(|provided| provided.identity.form.clone())),
        or_dash(provided.map(|provided| provided.delivery.to_string())),
        or_dash(region.map(|resolved| format!("{} ({})", resolved.region, resolved.resolver))),
        or_dash(story.exchanged.as_ref().map(|exchanged| short(&exchanged.caller))),
        format!("{} of {}", checks.made - checks.failures.len(), checks.made),
    ]
}

/// `arn:aws:sts::111122223333:assumed-role/name/session` is `assumed-role/name`.
fn short(arn: &str) -> String {
    let resource = arn.rsplit(':').next().unwrap_or(arn);
    resource.split('/').take(2).collect::<Vec<_>>().join("/")
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}
