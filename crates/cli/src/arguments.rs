//! The command line, as clap reads it. What a word means stands here once: help, man page and completions
//! come from it.

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, value_parser};
use imagescan_image::Limits;
use imagescan_model::{PackageType, Platform, Release};
use imagescan_version::Order;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Freshness scanner for container images: what is vulnerable or held back, and how old an image is
#[derive(Debug, Parser)]
#[command(name = "imagescan", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub log: Log,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Say on stderr what is pulled and read; -vv: every request, too
    #[arg(short, long, action = ArgAction::Count, global = true, display_order = 900)]
    pub verbose: u8,
    /// Form of what is said on stderr
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        global = true,
        env = "IMAGESCAN_LOG_FORMAT"
    )]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

const EXIT_CODES: &str = "\
Exit codes: 0 passed (warnings allowed), 1 denied by policy, 2 wrong usage or invalid policy,
3 could not scan, 4 inconclusive. Of several targets the worst counts, in the order 3, 1, 4, 0.";

const TARGETS: &str = "\
Targets:
  oci:DIR[:REF]               an OCI image layout
  oci-archive:FILE[:REF]      the same in a tar
  docker-archive:FILE[:REF]   what `docker save` writes
  rootfs:DIR, rootfs:FILE     a root filesystem, in a folder or a tar
  inventory:FILE, inventory:- what `imagescan inventory` or `scan -o json` wrote
  purl:FILE, purl:-           package URLs, one a line; the qualifier distro names the release
  docker-daemon:NAME[:TAG|@DIGEST], docker-daemon:sha256:ID
                              an image of docker or podman, by DOCKER_HOST or their sockets
  containerd:[NAME@]DIGEST    an image in containerd's store
  PATH                        any of these, recognised by what is in it
  [docker://]NAME[:TAG][@DIGEST]
                              an image in a registry, such as alpine:3.20
Without a REF, all images of an archive or layout are read.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Inventory, match, judge and report: the main job
    #[command(after_help = TARGETS)]
    Scan(Scan),
    /// What is installed, with dates: facts only
    #[command(after_help = TARGETS)]
    Inventory(Inventory),
    /// The advisory database
    #[command(subcommand)]
    Db(Db),
    /// What layers said before, kept so that none is read twice
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Compare versions: prints <, = or >
    CompareVersions(CompareVersions),
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual: a page for the command, and one for each of its subcommands
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct Scan {
    #[command(flatten)]
    pub database: Database,
    /// Policy file [default: imagescan.toml in this folder or above it; else six months]
    #[arg(long, value_name = "FILE", env = "IMAGESCAN_POLICY")]
    pub policy: Option<PathBuf>,
    /// What fails: `never` turns exit code 1 into 0
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "deny", env = "IMAGESCAN_FAIL_ON")]
    pub fail_on: FailOn,
    /// List what does not affect the image, too
    #[arg(long)]
    pub all: bool,
    /// Report to write, FORMAT[=FILE]: table, json, or jsonl (a line an image, as it is done) [default: table]
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output>,
    /// Colour in the table
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// Do not update the database (imagescan never does yet)
    #[arg(long)]
    pub no_update: bool,
    #[command(flatten)]
    pub targets: Targets,
}

#[derive(Debug, Args)]
pub(crate) struct Inventory {
    /// Document to write, FORMAT[=FILE]: json, or jsonl (a line an image, as it is read) [default: json]
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<Output>,
    #[command(flatten)]
    pub targets: Targets,
}

/// What to read, and how.
#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// What to read; see below
    #[arg(value_name = "TARGET", required_unless_present = "targets_file")]
    pub targets: Vec<String>,
    /// More targets, one a line; lines that begin with `#` are comments
    #[arg(long, value_name = "FILE")]
    pub targets_file: Option<PathBuf>,
    /// Platform to choose in an index, OS/ARCH[/VARIANT] or all [default: linux on this machine's architecture]
    #[arg(long, value_name = "PLATFORM", value_parser = platform, env = "IMAGESCAN_PLATFORM")]
    pub platform: Option<PlatformArgument>,
    /// The instant that counts as now, RFC 3339; a DATE stands for its last second, UTC [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = crate::clock::parse, env = "IMAGESCAN_AS_OF")]
    pub as_of: Option<jiff::Timestamp>,
    /// Layers to read at once [default: the processors]
    #[arg(short, long, value_name = "N", env = "IMAGESCAN_JOBS")]
    pub jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub cache: Cache,
    /// Neither ask the layer cache nor fill it
    #[arg(long, env = "IMAGESCAN_NO_CACHE", value_parser = FalseyValueParser::new())]
    pub no_cache: bool,
    #[command(flatten)]
    pub cache_size: CacheSize,
    /// Read layers to their end, also where a table of contents (eStargz, zstd:chunked) would save most of the bytes
    #[arg(long, env = "IMAGESCAN_WHOLE", value_parser = FalseyValueParser::new())]
    pub whole: bool,
    /// Decoder of gzip layers; zlib-rs is the slower one, for when the other is doubted
    #[arg(long, value_enum, default_value = "own", hide_short_help = true, env = "IMAGESCAN_INFLATER")]
    pub inflater: InflaterArgument,
    /// Progress on stderr
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub progress: When,
    /// Neither progress nor remarks, only errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Use no network: images are read from this machine only, its container engine included
    #[arg(long, env = "IMAGESCAN_OFFLINE", value_parser = FalseyValueParser::new())]
    pub offline: bool,
    /// Containerd's folder, for containerd: targets [default: /var/lib/containerd]
    #[arg(long, value_name = "DIR", env = "IMAGESCAN_CONTAINERD_ROOT")]
    pub containerd_root: Option<PathBuf>,
    #[command(flatten)]
    pub registries: Registries,
    #[command(flatten)]
    pub limits: LimitArguments,
}

/// How to pull. Credentials are those of docker, podman and skopeo.
#[derive(Debug, Args)]
#[command(next_help_heading = "Registries (credentials are those of docker, podman and skopeo)")]
pub(crate) struct Registries {
    /// Log in as this user to the one registry of all targets; the password is read from standard input
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub username: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username")]
    pub password_stdin: bool,
    /// Trust these certificate authorities, too (PEM); repeatable
    #[arg(long, value_name = "FILE", env = "IMAGESCAN_CA_FILE", value_delimiter = ',')]
    pub ca_file: Vec<PathBuf>,
    /// Ask this registry by plain HTTP or with any certificate if need be, `HOST[:PORT]`; repeatable
    #[arg(long, value_name = "HOST", env = "IMAGESCAN_INSECURE_REGISTRY", value_delimiter = ',')]
    pub insecure_registry: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    /// The tool's own configuration [default: imagescan/config.toml in the user's configuration folder]
    #[arg(long, value_name = "FILE", env = "IMAGESCAN_CONFIG")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Cache {
    /// Folder for cache and database [default: imagescan in the user's cache folder]
    #[arg(long, value_name = "DIR", env = "IMAGESCAN_CACHE_DIR")]
    pub cache_dir: Option<PathBuf>,
    #[command(flatten)]
    pub config: Config,
}

#[derive(Debug, Args)]
pub(crate) struct CacheSize {
    /// Bytes that the layer cache may take; what was not used for longest goes first [default: 2147483648]
    #[arg(long, value_name = "BYTES", env = "IMAGESCAN_CACHE_MAX_SIZE")]
    pub cache_max_size: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Where it is, how much it holds, when that was used
    Info(CacheArguments),
    /// Remove what it holds, and nothing else
    Clear(CacheArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CacheArguments {
    #[command(flatten)]
    pub cache: Cache,
    #[command(flatten)]
    pub size: CacheSize,
}

/// Bounds on hostile input. Units: bytes, counts, seconds.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits (an image that reaches one is reported, not passed)")]
pub(crate) struct LimitArguments {
    /// Bytes one layer may inflate to
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().layer_bytes)]
    pub max_layer_bytes: u64,
    /// Bytes all layers of a target may inflate to
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().total_bytes)]
    pub max_total_bytes: u64,
    /// Inflated bytes for each compressed byte, in layers over 256 MiB
    #[arg(long, value_name = "N", default_value_t = Limits::default().ratio, value_parser = value_parser!(u64).range(1..))]
    pub max_ratio: u64,
    /// Files in a layer, and in all layers of a target
    #[arg(long, value_name = "N", default_value_t = Limits::default().entries)]
    pub max_entries: u64,
    /// Bytes of a path
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().path_length)]
    pub max_path_length: usize,
    /// Bytes of one file that is read, such as a package database
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().file_bytes)]
    pub max_file_bytes: u64,
    /// Bytes of all files that are read of a target
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().kept_bytes)]
    pub max_kept_bytes: u64,
    /// Layers of an image
    #[arg(long, value_name = "N", default_value_t = Limits::default().layers)]
    pub max_layers: usize,
    /// Seconds for one target
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub max_time: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Database {
    /// Folder of the advisory database [default: db in the cache folder]
    #[arg(long, value_name = "DIR", env = "IMAGESCAN_DB")]
    pub db: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Compile advisory data from files already here
    Build(DbBuild),
    /// Fetch what changed of the feeds, and put the new database in place of the old
    Update(DbUpdate),
    /// What the database holds, and how old it is
    Info(DbInfo),
    /// Every row about a package, and what it means
    Lookup(DbLookup),
    /// Check every byte against its checksum
    Verify(DbInfo),
    /// What differs between two databases: a line for each key of advisories, CVE, release or repository
    Diff(DbDiff),
}

#[derive(Debug, Args)]
pub(crate) struct DbBuild {
    /// Folder of the database; what stands there is replaced as a whole
    #[arg(short = 'o', long, value_name = "DIR")]
    pub output: PathBuf,
    /// Vendor data, FEED=PATH: a file, a folder or an archive (tar, zip; gz, xz, zst, bz2); repeatable
    #[arg(long, value_name = "FEED=PATH", required = true, value_parser = feed_input)]
    pub input: Vec<(String, PathBuf)>,
    /// Feed descriptions (*.toml) that add to or replace those built in
    #[arg(long, value_name = "DIR")]
    pub feeds: Option<PathBuf>,
    /// The instant the data is of; a DATE stands for its last second, UTC [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = crate::clock::parse, env = "IMAGESCAN_AS_OF")]
    pub as_of: Option<jiff::Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct DbUpdate {
    /// Feeds to fetch [default: those of the database]
    #[arg(value_name = "FEED")]
    pub feed: Vec<String>,
    /// Fetch every feed, of every release
    #[arg(long, conflicts_with = "feed")]
    pub all: bool,
    /// Feed descriptions (*.toml) that add to or replace those built in
    #[arg(long, value_name = "DIR")]
    pub feeds: Option<PathBuf>,
    /// Most bytes to fetch
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 30)]
    pub max_download: u64,
    /// Documents to fetch at the same time
    #[arg(long, value_name = "N", default_value = "4")]
    pub jobs: NonZeroUsize,
    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub cache: Cache,
}

#[derive(Debug, Args)]
pub(crate) struct DbInfo {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub cache: Cache,
}

#[derive(Debug, Args)]
pub(crate) struct DbDiff {
    /// Folder of the database before
    pub old: PathBuf,
    /// Folder of the database after
    pub new: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DbLookup {
    /// Release, such as debian:12 or alpine:3.20
    #[arg(long, value_name = "RELEASE")]
    pub distro: Release,
    /// Source package (Debian, Alpine) or package (rpm)
    pub package: String,
    /// Say what each row means for this version
    #[arg(long, value_name = "V")]
    pub version: Option<String>,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub cache: Cache,
}

#[derive(Debug, Args)]
pub(crate) struct CompareVersions {
    /// Whose order
    #[arg(value_name = "deb|rpm|apk")]
    pub order: Order,
    /// First version; without versions, tab-separated pairs are read from standard input
    #[arg(requires = "b", allow_hyphen_values = true)]
    pub a: Option<String>,
    /// Second version
    #[arg(allow_hyphen_values = true)]
    pub b: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Deny,
    Warn,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InflaterArgument {
    Own,
    ZlibRs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PlatformArgument {
    All,
    One(Platform),
}

fn platform(text: &str) -> Result<PlatformArgument, imagescan_model::PlatformError> {
    if text == "all" { Ok(PlatformArgument::All) } else { text.parse().map(PlatformArgument::One) }
}

fn feed_input(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((feed, path)) if !feed.is_empty() && !path.is_empty() => Ok((feed.into(), path.into())),
        _ => Err("write FEED=PATH, such as debian=tracker.json".into()),
    }
}

/// A report and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub format: Format,
    /// `None`: standard output.
    pub file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
    /// A document of one image a line.
    Jsonl,
}

impl std::str::FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = match text.split_once('=') {
            Some((_, "")) => return Err("a file name follows the =".into()),
            Some((format, file)) => (format, Some(file.into())),
            None => (text, None),
        };
        let format = match format {
            "table" => Format::Table,
            "json" => Format::Json,
            "jsonl" => Format::Jsonl,
            other => return Err(format!("`{}` is no format: table, json or jsonl", other.escape_debug())),
        };
        Ok(Self { format, file })
    }
}

/// Package managers whose advisories a lookup reads, by distribution.
pub(crate) fn package_type(release: &Release) -> PackageType {
    match release.distribution.as_str() {
        "debian" | "ubuntu" => PackageType::Deb,
        "alpine" | "wolfi" | "chainguard" => PackageType::Apk,
        _ => PackageType::Rpm,
    }
}
