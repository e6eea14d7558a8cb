//! `provide` on a tmpfs, beside the least that could write the same file.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Instant;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use s3_credential_core::{PlannedFile, Secret, file_names};
use s3_credential_delivery::{Existing, FileOptions, WritePath, directory_name};

use crate::subjects::{Ours, Subject};
use crate::table::{Row, median, time};
use crate::volumes::Volumes;

const SAMPLES: usize = 5000;

pub fn run() {
    let tokens = Volumes::of_tokens();
    let profiles = Volumes::of_profiles();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        write_once(&tokens, &profiles).await;
        republish(&tokens).await;
    });
}

/// In turn, so that a busy machine is busy for all.
async fn write_once(tokens: &Volumes, profiles: &Volumes) {
    let (token_provider, profile_provider) = (tokens.provider(), profiles.provider());
    let (token, profile) = (tokens.context(0), profiles.context(0));
    let bare_path = tokens.folder().join("bare");
    fs::create_dir(&bare_path).unwrap();
    let bare_directory = open_directory(&bare_path);
    let content = "x".repeat(900);
    let files = [PlannedFile { name: file_names::TOKEN, content: Secret::new(content.as_str()), age: None }];
    let directory = directory_name(Some("pod"), "applied");

    let mut took: [Vec<f64>; 4] = Default::default();
    for _ in 0..SAMPLES {
        took[0].push(timed(|| bare(&bare_directory, content.as_bytes())));
        unlinkat(&bare_directory, "volume/token", AtFlags::empty()).unwrap();
        unlinkat(&bare_directory, "volume", AtFlags::REMOVEDIR).unwrap();

        let write_path = WritePath::open(&tokens.write_path()).unwrap();
        took[1].push(timed(|| {
            write_path.apply(&directory, &files, &FileOptions::default(), Existing::Replace).unwrap();
        }));
        write_path.remove(&directory).unwrap();

        let start = Instant::now();
        token_provider.provide(&token).await.unwrap();
        took[2].push(start.elapsed().as_secs_f64());
        token_provider.cleanup(&tokens.cleanup(0)).await.unwrap();

        let start = Instant::now();
        profile_provider.provide(&profile).await.unwrap();
        took[3].push(start.elapsed().as_secs_f64());
        profile_provider.cleanup(&profiles.cleanup(0)).await.unwrap();
    }
    let [bare, applied, token, profile] = took.map(|took| median(&took));
    let ratio = |took: f64| format!("{:.2} x bare", took / bare);
    Row::new("token file on tmpfs, the delivery alone", "1.5 x a bare program, at most")
        .cell(Ours::NAME, time(applied))
        .cell("bare", time(bare))
        .cell("ratio", ratio(applied))
        .met(applied <= bare * 1.5)
        .print();
    Row::new("`provide`, token file on tmpfs, with record and lock", "1.5 x a bare program, at most")
        .cell(Ours::NAME, time(token))
        .cell("bare", time(bare))
        .cell("ratio", ratio(token))
        .met(token <= bare * 1.5)
        .print();
    Row::new("`provide`, profile pair on tmpfs, with record and lock", "(the Go driver: 60 to 76 us)")
        .cell(Ours::NAME, time(profile))
        .cell("bare", time(bare))
        .cell("ratio", ratio(profile))
        .print();
}

async fn republish(volumes: &Volumes) {
    let provider = volumes.provider();
    let context = volumes.context(1);
    let provided = provider.provide(&context).await.unwrap();
    let written = || {
        let token = Path::new(provided.environment["AWS_WEB_IDENTITY_TOKEN_FILE"].expose()).to_owned();
        let mut all: Vec<_> = fs::read_dir(volumes.state_path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        all.push(token);
        all.sort();
        let stamp = |path: &std::path::PathBuf| {
            let metadata = fs::metadata(path).unwrap();
            (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.ctime_nsec())
        };
        all.iter().map(stamp).collect::<Vec<_>>()
    };
    let before = written();
    let mut took = Vec::new();
    for _ in 0..SAMPLES {
        let start = Instant::now();
        provider.provide(&context).await.unwrap();
        took.push(start.elapsed().as_secs_f64());
    }
    let is_untouched = written() == before;
    let took = median(&took);
    Row::new("republish, no change: time; files written", "5 us, at most; none")
        .cell(Ours::NAME, format!("{}; {}", time(took), if is_untouched { "none" } else { "some" }))
        .met(is_untouched && took <= 5e-6)
        .print();
    provider.cleanup(&volumes.cleanup(1)).await.unwrap();
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn open_directory(path: &Path) -> OwnedFd {
    openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

/// mkdirat, openat, write, renameat, close.
fn bare(directory: &OwnedFd, content: &[u8]) {
    mkdirat(directory, "volume", Mode::from_raw_mode(0o750)).unwrap();
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(directory, "volume/.token", flags, Mode::from_raw_mode(0o640)).unwrap();
    assert_eq!(rustix::io::write(&file, content).unwrap(), content.len());
    renameat(directory, "volume/.token", directory, "volume/token").unwrap();
    drop(file);
}
