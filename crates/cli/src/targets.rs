//! Targets into inventories: several side by side, in the order asked for. One that fails does not stop the
//! others: it stands in the document as an entry that says why.

use crate::arguments::{InflaterArgument, PlatformArgument, Targets};
use crate::failure::describe;
use crate::interrupt::Interrupt;
use crate::pool::{self, Missing};
use crate::progress::Shown;
use anyhow::{Context as _, Result, anyhow};
use imagescan_image::registry::{Pull, Registries};
use imagescan_image::{
    DaemonSettings, Document, Image, Inflater, LayerExtent, Limits, Options, PlatformChoice, Question,
    SharedLayers, Target, TargetError, Threads,
};
use imagescan_model::{Incomplete, IncompleteKind, Inventory};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of an inventory, a report or a list of purls.
const DOCUMENT_BYTES: u64 = 1 << 30;

/// How reading ended.
pub(crate) struct Ended {
    /// One text for each target that failed as a whole.
    failures: Vec<String>,
    /// How many targets an interrupt left unread, of how many.
    unread: (usize, usize),
    interrupt: Interrupt,
}

impl Ended {
    /// Tells what failed; does not come back where the user interrupted.
    pub(crate) fn tell(&self) {
        self.failures.iter().for_each(|failure| crate::failure::print(failure));
        if let (unread @ 1.., all) = self.unread {
            crate::failure::print(&format!("interrupted: {unread} of {all} targets were not read"));
        }
        self.interrupt.obey();
    }
}

/// Reads all targets that the arguments name, and gives `each` the facts of one target after the other, in the order
/// asked for, as soon as they are there. `is_seen`: what is written of them is on a terminal already.
pub(crate) fn read(
    arguments: &Targets,
    is_seen: bool,
    mut each: impl FnMut(Vec<Inventory>) -> Result<()>,
) -> Result<Ended> {
    let names = names(arguments)?;
    let parsed: Vec<_> = names.iter().map(|target| Target::parse(target)).collect();
    let pulls = Pulls::of(&parsed, arguments)?;
    let jobs = match arguments.jobs {
        Some(jobs) => jobs.get(),
        None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let side_by_side = jobs.min(names.len()).max(1);
    let shown = Shown::new(arguments.progress, arguments.quiet, is_seen, names.len());
    let options = options(arguments, jobs, &shown)?;
    let cache = options.cache.clone();
    let places = Places {
        engines: crate::daemons::settings(arguments.offline),
        containerd: match &arguments.containerd_root {
            Some(folder) => existing("--containerd-root", folder)?,
            None => "/var/lib/containerd".into(),
        },
        pulls,
    };
    let seconds = Duration::from_secs(arguments.limits.max_time);
    let interrupt = Interrupt::listen().context("cannot listen to signals")?;
    let (mut failures, mut unread) = (Vec::new(), 0);
    let targets: Arc<Vec<_>> = Arc::new(names.into_iter().zip(parsed).collect());
    let work = {
        let (question, targets) = (imagescan_catalog::question(), Arc::clone(&targets));
        move |index: usize| {
            let (name, parsed) = targets.get(index).context("there is no such target")?;
            let parsed = parsed.as_ref().map_err(|error| anyhow!(error.clone()))?;
            let mut options = options.clone();
            options.limits.deadline = Instant::now().checked_add(seconds);
            one(name, parsed, index, &places, &question, &options)
        }
    };
    pool::in_order(
        targets.len(),
        side_by_side,
        work,
        || interrupt.came(),
        |index, result| {
            let name = targets.get(index).map_or("", |(name, _)| name);
            let result = match result {
                Ok(result) => result,
                Err(Missing::Fault) => {
                    Err(anyhow!("`{name}`: a fault of imagescan's own ended its reading: please report it"))
                }
                Err(Missing::Stopped) => {
                    unread += 1;
                    return each(vec![failed(name, "interrupted before it was read".into())]);
                }
            };
            shown.target();
            each(result.unwrap_or_else(|error| {
                let why = describe(&error, ": ");
                failures.push(why.clone());
                vec![failed(name, why)]
            }))
        },
    )?;
    drop(shown);
    let remarks = cache.iter().filter(|_| !arguments.quiet).flat_map(imagescan_image::Cache::remarks);
    remarks.for_each(|remark| crate::failure::note(&remark));
    Ok(Ended { failures, unread: (unread, targets.len()), interrupt })
}

fn options(arguments: &Targets, jobs: usize, shown: &Shown) -> Result<Options> {
    Ok(Options {
        threads: Threads::new(jobs),
        extent: if arguments.whole { LayerExtent::Whole } else { LayerExtent::Needed },
        limits: limits(arguments),
        spill: crate::folders::cache(&arguments.cache)?.join("spill"),
        cache: match arguments.no_cache {
            true => None,
            false => Some(crate::folders::layers(&arguments.cache, &arguments.cache_size)?),
        },
        recall: true,
        shared: SharedLayers::default(),
        platform: match &arguments.platform {
            None => PlatformChoice::Host,
            Some(PlatformArgument::All) => PlatformChoice::All,
            Some(PlatformArgument::One(platform)) => PlatformChoice::One(platform.clone()),
        },
        inflater: match arguments.inflater {
            InflaterArgument::Own => Inflater::Own,
            InflaterArgument::ZlibRs => Inflater::ZlibRs,
        },
        progress: Arc::clone(&shown.counts),
    })
}

/// The targets of the arguments and of the file they name.
fn names(arguments: &Targets) -> Result<Vec<String>> {
    let mut targets = arguments.targets.clone();
    if let Some(file) = &arguments.targets_file {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read --targets-file `{}`", file.display()))
            .map_err(crate::failure::Usage::of)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        targets.extend(lines.map(String::from));
    }
    let stdin = targets.iter().filter(|target| target.ends_with(":-")).count();
    if stdin > 1 {
        return Err(crate::failure::Usage::of(anyhow!("standard input can be only one target")));
    }
    if targets.is_empty() {
        return Err(crate::failure::Usage::of(anyhow!("--targets-file names no target")));
    }
    Ok(targets)
}

fn limits(arguments: &Targets) -> Limits {
    let given = &arguments.limits;
    Limits {
        layer_bytes: given.max_layer_bytes,
        total_bytes: given.max_total_bytes,
        ratio: given.max_ratio,
        entries: given.max_entries,
        path_length: given.max_path_length,
        file_bytes: given.max_file_bytes,
        kept_bytes: given.max_kept_bytes,
        layers: given.max_layers,
        deadline: None,
    }
}

/// Where images are that are no files.
struct Places {
    engines: DaemonSettings,
    containerd: PathBuf,
    pulls: Pulls,
}

/// The targets that are pulled.
#[derive(Default)]
struct Pulls {
    registries: Option<Registries>,
    by_target: BTreeMap<usize, Pull>,
}

impl Pulls {
    fn of(targets: &[Result<Target, TargetError>], arguments: &Targets) -> Result<Self> {
        let named = targets.iter().enumerate().filter_map(|(index, target)| match target {
            Ok(Target::Registry(reference, is_short)) => Some((index, (reference.clone(), *is_short))),
            _ => None,
        });
        let (indexes, references): (Vec<usize>, Vec<_>) = named.unzip();
        if indexes.is_empty() || arguments.offline {
            return Ok(Self::default());
        }
        let (registries, pulls) =
            crate::registries::open(&arguments.registries, &arguments.cache.config, references)?;
        Ok(Self { registries: Some(registries), by_target: indexes.into_iter().zip(pulls).collect() })
    }

    fn get(&self, target: usize) -> Option<(&Registries, &Pull)> {
        Some((self.registries.as_ref()?, self.by_target.get(&target)?))
    }
}

fn one(
    name: &str,
    target: &Target,
    index: usize,
    places: &Places,
    question: &Question,
    options: &Options,
) -> Result<Vec<Inventory>> {
    match target {
        Target::Image(location) => {
            catalogued(options, |options| Ok(imagescan_image::read(name, location, question, options)?))
        }
        Target::Registry(reference, _) => {
            let (registries, pull) = places.pulls.get(index).ok_or_else(|| {
                anyhow!("there is no file or folder `{name}`, and `{reference}` is not pulled with --offline")
            })?;
            catalogued(options, |options| {
                Ok(imagescan_image::pull(name, pull, registries, question, options)?)
            })
        }
        Target::Daemon(image) => catalogued(options, |options| {
            Ok(imagescan_image::export(name, image, &places.engines, question, options)?)
        }),
        Target::Containerd(image) => catalogued(options, |options| {
            Ok(imagescan_image::stored(name, image, &places.containerd, question, options)?)
        }),
        Target::Inventory(document) => {
            let bytes = bytes(document)?;
            Ok(imagescan_catalog::documents(&bytes, name).with_context(|| named(document))?)
        }
        Target::Purl(document) => {
            let bytes = bytes(document)?;
            let text = std::str::from_utf8(&bytes).with_context(|| named(document))?;
            Ok(imagescan_catalog::purls(text, name).with_context(|| named(document))?)
        }
    }
}

/// The facts of the images that `read` gives, or those that the cache remembers of them.
fn catalogued(options: &Options, read: impl Fn(&Options) -> Result<Vec<Image>>) -> Result<Vec<Inventory>> {
    let images = read(options)?;
    let mut inventories = Vec::with_capacity(images.len());
    for image in &images {
        if image.remembered.is_some() {
            let Some(inventory) = imagescan_catalog::remembered(image) else {
                // Whatever it is, the layers say better.
                return catalogued(&Options { recall: false, ..options.clone() }, read);
            };
            inventories.push(inventory);
            continue;
        }
        let inventory = imagescan_catalog::inventory(image);
        if let Some(cache) = &options.cache {
            imagescan_catalog::remember(cache, image, &inventory);
        }
        inventories.push(inventory);
    }
    Ok(inventories)
}

fn named(document: &Document) -> String {
    match document {
        Document::Stdin => "standard input".into(),
        Document::File(path) => format!("`{}`", path.display().to_string().escape_debug()),
    }
}

fn bytes(document: &Document) -> Result<Vec<u8>> {
    let reader: Box<dyn Read> = match document {
        Document::Stdin => Box::new(std::io::stdin().lock()),
        Document::File(path) => Box::new(std::fs::File::open(path).with_context(|| named(document))?),
    };
    let mut bytes = Vec::new();
    reader.take(DOCUMENT_BYTES + 1).read_to_end(&mut bytes).with_context(|| named(document))?;
    if bytes.len() as u64 > DOCUMENT_BYTES {
        return Err(anyhow!("{} holds more than {DOCUMENT_BYTES} bytes", named(document)));
    }
    Ok(bytes)
}

/// The entry of a target that could not be read.
fn failed(target: &str, why: String) -> Inventory {
    let incomplete = Incomplete { what: IncompleteKind::Image, path: None, why };
    Inventory { target: target.into(), incomplete: vec![incomplete], ..Inventory::default() }
}

/// A path that an option names must be there: a typing error must not read as 'nothing found'.
pub(crate) fn existing(option: &str, path: &Path) -> Result<PathBuf> {
    match std::fs::metadata(path) {
        Ok(_) => Ok(path.into()),
        Err(error) => {
            let error = anyhow!(error).context(format!("{option} `{}`", path.display()));
            Err(crate::failure::Usage::of(error))
        }
    }
}
