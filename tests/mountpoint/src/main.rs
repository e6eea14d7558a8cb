//! Mounts a bucket read-only with Mountpoint's own file system and credentials chain, until
//! SIGTERM or an unmount.
//!
//! The binary `mount-s3` is no package of the registry; its file system and S3 client are.
//! Credentials, region and STS endpoint come from the environment alone, as `s3cred provide` prints
//! it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use mountpoint_s3_client::{ObjectClient as _, S3CrtClient};
use mountpoint_s3_client::config::{
    AddressingStyle, EndpointConfig, RustLogAdapter, S3ClientConfig, TlsConfig, Uri,
};
use mountpoint_s3_client::user_agent::UserAgent;
use mountpoint_s3_fs::data_cache::DataCacheConfig;
use mountpoint_s3_fs::fs::{CacheConfig, TimeToLive};
use mountpoint_s3_fs::fuse::config::{FuseOptions, FuseSessionConfig, MountPoint};
use mountpoint_s3_fs::memory::{CandidateSize, PagedPool};
use mountpoint_s3_fs::s3::{Bucket, Prefix, S3Path};
use mountpoint_s3_fs::{
    MountpointConfig, Runtime, S3FilesystemConfig, Superblock, SuperblockConfig,
};

const PART_SIZE: usize = 8 << 20;

#[derive(Debug, Parser)]
struct Arguments {
    bucket: String,
    /// A directory, or `/dev/fd/N` of a FUSE device that the caller has mounted.
    mount_point: PathBuf,
    #[arg(long)]
    endpoint_url: String,
    #[arg(long)]
    region: String,
    #[arg(long, default_value = "")]
    prefix: String,
    /// Always the case here; `mount-s3` runs in the background without it.
    #[arg(long)]
    foreground: bool,
    /// Whether all users are answered, and not only the one of this process.
    #[arg(long)]
    allow_other: bool,
    #[arg(long, default_value = "e2e")]
    user_agent_prefix: String,
    /// In MiB; the least is always enough here.
    #[arg(long)]
    memory_target: Option<u64>,
    /// As `mount-s3` has it: instead of the system's.
    #[arg(long, env = "AWS_CA_BUNDLE")]
    ca_bundle: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let _ = RustLogAdapter::try_init();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();

    let pool = PagedPool::config()
        .with_candidate_sizes([CandidateSize::new(PART_SIZE)])
        .with_minimum_memory_limit()
        .build();
    let allocator = mountpoint_s3_client::config::Allocator::default();
    let endpoint = Uri::new_from_str(&allocator, &arguments.endpoint_url)?;
    let tls = TlsConfig { trust_store_path: arguments.ca_bundle };
    let client = S3CrtClient::new(
        S3ClientConfig::new()
            .tls_config(tls)
            .endpoint_config(
                EndpointConfig::new(&arguments.region)
                    .endpoint(endpoint)
                    .addressing_style(AddressingStyle::Path),
            )
            .user_agent(UserAgent::new(Some(arguments.user_agent_prefix)))
            .read_backpressure(true)
            .read_part_size(PART_SIZE)
            .initial_read_window(PART_SIZE)
            .memory_pool(pool.clone()),
    )
    .context("no client")?;

    // `mount-s3` asks once, too, so that a bucket that cannot be listed fails the start.
    let first = client.list_objects(&arguments.bucket, None, "/", 0, &arguments.prefix);
    futures::executor::block_on(first).with_context(|| {
        format!(
            "initial ListObjectsV2 failed for bucket {} in region {}",
            arguments.bucket, arguments.region
        )
    })?;

    let filesystem = S3FilesystemConfig {
        read_only: true,
        // Every look is a signed request.
        cache_config: CacheConfig::new(TimeToLive::Minimal),
        ..S3FilesystemConfig::default()
    };
    let path = S3Path::new(Bucket::new(arguments.bucket.clone())?, Prefix::new(&arguments.prefix)?);
    let superblock = Superblock::new(
        client.clone(),
        path,
        SuperblockConfig {
            cache_config: filesystem.cache_config.clone(),
            s3_personality: filesystem.s3_personality,
        },
    );
    let fuse = FuseSessionConfig::new(
        MountPoint::new(&arguments.mount_point)?,
        FuseOptions {
            read_only: true,
            allow_other: arguments.allow_other,
            ..FuseOptions::default()
        },
        2,
    )?;
    let runtime = Runtime::new(client.event_loop_group());
    let session = MountpointConfig::new(fuse, filesystem, DataCacheConfig::default())?
        .create_fuse_session(superblock, client, runtime, pool)?;
    println!("bucket {} is mounted at {}", arguments.bucket, arguments.mount_point.display());
    session.join().context("the session failed")
}
