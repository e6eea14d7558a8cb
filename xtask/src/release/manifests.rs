//! What the manifests of the published crates say.

use std::path::Path;

use super::Release;
use super::workspaces::{Dependency, Package, Workspace};
use crate::run::{Outcome, output};

const LICENSE_FILES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

/// The limits of crates.io.
const KEYWORDS: usize = 5;
const KEYWORD_LENGTH: usize = 20;

/// Every crate has the version of the release, and requires the others in this version.
pub(crate) fn one_version(release: &Release) -> Outcome<String> {
    let mut problems = Vec::new();
    let mut count = 0;
    for package in published(release) {
        count += 1;
        if package.version != release.version {
            problems.push(format!("{} has the version {}", package.name, package.version));
        }
        let ours = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
        for dependency in ours {
            if let Some(problem) = requirement_problem(dependency, &release.version) {
                problems.push(format!("{}: {problem}", package.name));
            }
        }
    }
    finish(&problems, format!("{count} crates have it, and require each other by it"))
}

fn requirement_problem(dependency: &Dependency, version: &str) -> Option<String> {
    let Dependency { name, req, kind, .. } = dependency;
    // A dependency of tests may have only a path: a package is made without it.
    if kind.as_deref() == Some("dev") && req == "*" {
        return None;
    }
    match req.strip_prefix('^') {
        _ if req == "*" => Some(format!("`{name}` has a path and no version")),
        Some(required) if required == version => None,
        _ => Some(format!("`{name}` is required as {req}")),
    }
}

/// Everything that a registry shows is there.
pub(crate) fn complete(release: &Release) -> Outcome<String> {
    let mut problems = Vec::new();
    for package in published(release) {
        let missing = [
            ("description", package.description.is_none()),
            ("license", package.license.is_none()),
            ("readme", package.readme.is_none()),
            ("rust-version", package.rust_version.is_none()),
            ("keywords", package.keywords.is_empty()),
            ("categories", package.categories.is_empty()),
        ];
        let missing = missing.iter().filter(|(_, is_missing)| *is_missing);
        problems
            .extend(missing.map(|(field, _)| format!("{}: `{field}` is missing", package.name)));
        if package.keywords.len() > KEYWORDS
            || package.keywords.iter().any(|keyword| keyword.len() > KEYWORD_LENGTH)
        {
            problems.push(format!(
                "{}: more than {KEYWORDS} keywords, or one of more than {KEYWORD_LENGTH} characters",
                package.name
            ));
        }
        let folder = Path::new(&package.manifest_path).parent().unwrap_or(Path::new("."));
        let files = LICENSE_FILES.into_iter().chain(package.readme.as_deref());
        let absent = files.filter(|file| !folder.join(file).is_file());
        problems.extend(absent.map(|file| format!("{}: the file {file} is missing", package.name)));
    }
    let with_repository = published(release).all(|package| package.repository.is_some());
    let repository = if with_repository {
        "a repository"
    } else {
        "no repository, which the workspace does not name yet"
    };
    finish(
        &problems,
        format!("description, licence files, README, keywords, categories; {repository}"),
    )
}

/// `rust-version` is one value, and at least that of every dependency.
pub(crate) fn rust_version(release: &Release) -> Outcome<String> {
    let versions: Vec<&str> =
        published(release).filter_map(|package| package.rust_version.as_deref()).collect();
    let Some(ours) = versions.first().copied() else {
        return Err("`rust-version` is missing".to_owned());
    };
    let mut problems = Vec::new();
    if versions.iter().any(|version| *version != ours) {
        problems.push("the crates have different values of `rust-version`".to_owned());
    }
    let mut highest = ("no dependency", "0");
    for package in release.workspaces.iter().flat_map(Workspace::packages) {
        let Some(needed) = package.rust_version.as_deref() else { continue };
        if parts(needed) > parts(ours) {
            problems.push(format!("{} {} needs {needed}", package.name, package.version));
        }
        if package.dependency_of_others() && parts(needed) > parts(highest.1) {
            highest = (&package.name, needed);
        }
    }
    let rustc = output(std::process::Command::new("rustc").arg("--version"))?;
    let rustc = rustc.split(' ').nth(1).unwrap_or("an unknown version").to_owned();
    let built = if parts(&rustc) == parts(ours) {
        format!("this toolchain is {ours}: the checks prove it")
    } else {
        format!("not built with {ours}, since this toolchain is {rustc}")
    };
    finish(
        &problems,
        format!("{ours}, at least that of each dependency ({} {}); {built}", highest.0, highest.1),
    )
}

impl Package {
    /// Whether it comes from a registry.
    fn dependency_of_others(&self) -> bool {
        !self.name.starts_with("s3-")
    }
}

/// `1.94.1` as numbers; a part that is missing is 0.
fn parts(version: &str) -> [u64; 3] {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

fn published(release: &Release) -> impl Iterator<Item = &Package> {
    release.workspaces.iter().flat_map(Workspace::published)
}

fn finish(problems: &[String], line: String) -> Outcome<String> {
    if problems.is_empty() { Ok(line) } else { Err(problems.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(req: &str, kind: Option<&str>) -> Dependency {
        Dependency {
            name: "s3-credential-core".to_owned(),
            req: req.to_owned(),
            kind: kind.map(str::to_owned),
            path: Some("/core".to_owned()),
        }
    }

    #[test]
    fn a_dependency_with_a_path_needs_the_version_of_the_release() {
        assert!(requirement_problem(&dependency("^0.1.0", None), "0.1.0").is_none());
        assert!(requirement_problem(&dependency("^0.1.0", None), "0.2.0").is_some());
        assert!(requirement_problem(&dependency("*", None), "0.1.0").is_some());
        assert!(requirement_problem(&dependency("*", Some("dev")), "0.1.0").is_none());
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(parts("1.100") > parts("1.94.1"));
        assert_eq!(parts("1.94"), parts("1.94.0"));
    }
}
