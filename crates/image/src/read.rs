//! A target, read: find its images, read their layers side by side, merge.

use crate::archive::Archive;
use crate::blob::{Blob, open_file};
use crate::cache::{Cache, EntryName};
use crate::choose::PlatformChoice;
use crate::collect::Collector;
use crate::containerd::{self, ContainerdImage};
use crate::content::Store;
use crate::daemon::{self, DaemonError, DaemonImage, DaemonSettings};
use crate::folder::Folder;
use crate::image::Image;
use crate::inflate::Inflater;
use crate::layer::LayerError;
use crate::limits::Limits;
use crate::plan::{self, Check, Container, Plan, Source, Stored};
use crate::progress::{Meter, Progress};
use crate::question::Question;
use crate::reader::{Evidence, Reader};
use crate::registry::{Pull, Registries};
use crate::shared::SharedLayers;
use crate::target::{Form, Location};
use crate::tree::Tree;
use crate::work::Threads;
use crate::{docker, markers, oci, rootfs};
use imagescan_model::{ImageReference, Incomplete, IncompleteKind};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Times that layers are read again because links lead to what nobody had asked for.
const ROUNDS: usize = 4;

/// How much of a layer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LayerExtent {
    /// What is asked for, where a registry gives parts and the manifest vouches for a table of contents.
    #[default]
    Needed,
    /// All of it.
    Whole,
}

/// How to read.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads, which all targets of a run share.
    pub threads: Threads,
    /// How much of a layer.
    pub extent: LayerExtent,
    /// What bounds the scan.
    pub limits: Limits,
    /// Folder for unlinked files, made when needed.
    pub spill: PathBuf,
    /// What layers said before.
    pub cache: Option<Cache>,
    /// Whether what was made of whole images before is of use to the caller.
    pub recall: bool,
    /// What layers say to other targets of this run.
    pub shared: SharedLayers,
    /// Which images of an index.
    pub platform: PlatformChoice,
    /// What decodes gzip.
    pub inflater: Inflater,
    /// Where to count.
    pub progress: Arc<Progress>,
}

impl Options {
    /// One thread, default bounds, no cache; unlinked files go to `spill`.
    #[must_use]
    pub fn new(spill: PathBuf) -> Self {
        Self {
            threads: Threads::default(),
            extent: LayerExtent::default(),
            limits: Limits::default(),
            spill,
            cache: None,
            recall: false,
            shared: SharedLayers::default(),
            platform: PlatformChoice::default(),
            inflater: Inflater::default(),
            progress: Arc::default(),
        }
    }
}

/// Why nothing of a target could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file or folder could not be read.
    #[error("`{}` cannot be read", path.display().to_string().escape_debug())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what the target says, or none of what is asked for is in it.
    #[error("`{}`: {why}", path.display().to_string().escape_debug())]
    Content {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A registry has it not, or does not give it.
    #[error("`{reference}` cannot be pulled: {why}")]
    Pull {
        /// What was asked for.
        reference: ImageReference,
        /// Why.
        why: String,
    },
    /// An engine does not give it.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// A bound that all layers share was reached.
    #[error("`{}`: {why}", target.escape_debug())]
    Bound {
        /// As the user named it.
        target: String,
        /// Which bound.
        why: String,
    },
}

/// What a target turned out to be.
enum Opened {
    Images(Vec<Plan>),
    Folder,
    Tar(Blob),
}

/// Reads the images at `location`, as far as `question` asks. What could not be read of an image is in its
/// `incomplete`; `target` is how the user named it.
///
/// # Errors
/// [`ReadError`] when there is no image to speak of.
pub fn read(
    target: &str,
    location: &Location,
    question: &Question,
    options: &Options,
) -> Result<Vec<Image>, ReadError> {
    let meter = Meter::new(Arc::clone(&options.progress));
    let plans = match open(target, location, options, &meter)? {
        Opened::Images(plans) => plans,
        Opened::Folder => {
            return folder(target, location, question, options, &meter).map(|image| vec![image]);
        }
        Opened::Tar(blob) => {
            let source = Source { key: String::new(), blob: Ok(Stored::File(blob)), check: Check::Nothing };
            let image = Image { target: target.into(), ..Image::default() };
            vec![Plan { image, layers: vec![source] }]
        }
    };
    planned(target, plans, question, options, &meter)
}

/// Pulls the images of a registry that `pull` names; otherwise as [`read`].
///
/// # Errors
/// [`ReadError`] when there is no image to speak of.
pub fn pull(
    target: &str,
    pull: &Pull,
    registries: &Registries,
    question: &Question,
    options: &Options,
) -> Result<Vec<Image>, ReadError> {
    let meter = Meter::new(Arc::clone(&options.progress));
    let failed = |why| ReadError::Pull { reference: pull.reference.clone(), why };
    let (remote, resolved) =
        registries.find(pull, options.cache.as_ref(), options.limits.deadline).map_err(failed)?;
    let plans = oci::pulled(&remote, &resolved, target, &pull.reference, options).map_err(failed)?;
    planned(target, plans, question, options, &meter)
}

/// Reads `image` as a container engine exports it; otherwise as [`read`].
///
/// # Errors
/// [`ReadError`] when there is no image to speak of.
pub fn export(
    target: &str,
    image: &DaemonImage,
    settings: &DaemonSettings,
    question: &Question,
    options: &Options,
) -> Result<Vec<Image>, ReadError> {
    let meter = Meter::new(Arc::clone(&options.progress));
    let (place, blob) = daemon::export(image, settings, options, &meter)?;
    let content = |why| DaemonError::Content { place: place.clone(), image: image.to_string(), why };
    let archive = Archive::open(blob.clone(), options, &meter)
        .map_err(|error| content(daemon::last_words(&blob).unwrap_or_else(|| error.to_string())))?;
    let container = Container::Archive(archive);
    let is_docker = ["manifest.json", "repositories"].into_iter().any(|name| container.has(name));
    let plans = match is_docker {
        true => docker::exported(&container, target, image.asked(), &options.platform),
        false => oci::plans(&container, target, None, options),
    };
    let mut plans = plans.map_err(content)?;
    for plan in plans.iter_mut().filter(|_| image.has_name()) {
        // Archives name tags only.
        plan.image.reference.get_or_insert_with(|| image.to_string());
    }
    planned(target, plans, question, options, &meter)
}

/// Reads `image` from containerd's folder `root`; otherwise as [`read`].
///
/// # Errors
/// [`ReadError`] when there is no image to speak of.
pub fn stored(
    target: &str,
    image: &ContainerdImage,
    root: &Path,
    question: &Question,
    options: &Options,
) -> Result<Vec<Image>, ReadError> {
    let meter = Meter::new(Arc::clone(&options.progress));
    let plans = containerd::plans(target, image, root, options)?;
    planned(target, plans, question, options, &meter)
}

/// Reads the images that were found.
fn planned(
    target: &str,
    mut plans: Vec<Plan>,
    question: &Question,
    options: &Options,
    meter: &Meter,
) -> Result<Vec<Image>, ReadError> {
    // Images of one target share bounds, which what is recalled does not count against.
    let recall = options.recall && plans.len() == 1;
    for plan in &mut plans {
        if let Err(why) = plan::check_count(plan.layers.len(), &options.limits) {
            *plan = Plan::failed(std::mem::take(&mut plan.image), why);
        }
        if let Some(cache) = &options.cache {
            plan.image.name = EntryName::of_image(plan, question, options);
            let name = plan.image.name.filter(|_| recall);
            plan.image.remembered = name.and_then(|name| cache.recall_image(name, options.extent));
        }
        if plan.image.remembered.is_some() {
            plan.layers.drain(..).for_each(|_| meter.known());
        }
    }
    let bound = |why: String| ReadError::Bound { target: target.into(), why };
    images(plans, question, options, meter).map_err(bound)
}

fn open(target: &str, location: &Location, options: &Options, meter: &Meter) -> Result<Opened, ReadError> {
    let path = &location.path;
    let failed = |source| ReadError::Io { path: path.clone(), source };
    let content = |why| ReadError::Content { path: path.clone(), why };
    let reference = location.reference.as_deref();
    let choice = &options.platform;
    let is_folder = std::fs::metadata(path).map_err(failed)?.is_dir();
    match (location.form, is_folder) {
        (Form::Rootfs, true) => return Ok(Opened::Folder),
        (Form::Rootfs, false) => return Ok(Opened::Tar(whole(path).map_err(failed)?)),
        (Form::Oci, false) => return Err(content("it is a file: write oci-archive:FILE".into())),
        (Form::OciArchive | Form::DockerArchive, true) => {
            return Err(content("it is a folder: write oci:DIR or rootfs:DIR".into()));
        }
        _ => {}
    }
    if is_folder {
        let container = Container::Folder(Folder::open(path).map_err(failed)?);
        if location.form == Form::Oci || container.has("index.json") {
            return oci::plans(&container, target, reference, options).map(Opened::Images).map_err(content);
        }
        let has = |name: &str| path.join(name).symlink_metadata().is_ok();
        if ["etc", "usr", "var", "bin", "lib"].into_iter().any(has) {
            return Ok(Opened::Folder);
        }
        return Err(content("it is neither an image layout nor a root filesystem".into()));
    }
    let blob = whole(path).map_err(failed)?;
    let archive = Archive::open(blob.clone(), options, meter).map_err(|error| content(error.to_string()))?;
    let is_docker = archive.has("manifest.json") || archive.has("repositories");
    let is_oci = archive.has("index.json");
    let container = Container::Archive(archive);
    match location.form {
        Form::DockerArchive => docker::plans(&container, target, reference, choice),
        Form::OciArchive => oci::plans(&container, target, reference, options),
        // What docker writes now is both; only manifest.json says the tags in full.
        _ if is_docker => docker::plans(&container, target, reference, choice),
        _ if is_oci => oci::plans(&container, target, reference, options),
        _ => return Ok(Opened::Tar(blob)),
    }
    .map(Opened::Images)
    .map_err(content)
}

fn whole(path: &PathBuf) -> io::Result<Blob> {
    // The user's own link may be followed, a pipe may not be waited for.
    Blob::whole(open_file(&std::fs::canonicalize(path)?)?)
}

fn folder(
    target: &str,
    location: &Location,
    question: &Question,
    options: &Options,
    meter: &Meter,
) -> Result<Image, ReadError> {
    let mut question = question.clone();
    let mut image = Image { target: target.into(), ..Image::default() };
    meter.begin(1, 0);
    for _ in 0..ROUNDS {
        let store = Store::new(options.spill.clone(), &options.limits);
        let collector = Collector::new(&question, &store, 1);
        let evidence = rootfs::read(&location.path, &question, collector, &options.limits, meter);
        let evidence = evidence.map_err(|error| match error {
            LayerError::Io(source) => ReadError::Io { path: location.path.clone(), source },
            error => ReadError::Content { path: location.path.clone(), why: error.to_string() },
        })?;
        image.tree = Tree::new(vec![Arc::new(evidence)]);
        if !image.tree.extend(&mut question) {
            break;
        }
    }
    meter.layer();
    finish(&mut image, &question);
    Ok(image)
}

/// Evidence of each distinct layer, or why there is none.
type Layers = BTreeMap<String, Evidence>;

fn images(
    plans: Vec<Plan>,
    question: &Question,
    options: &Options,
    meter: &Meter,
) -> Result<Vec<Image>, String> {
    let mut question = question.clone();
    let mut distinct: BTreeMap<&str, &Source> = BTreeMap::new();
    for source in plans.iter().flat_map(|plan| &plan.layers) {
        distinct.entry(&source.key).or_insert(source);
    }
    let store = Store::new(options.spill.clone(), &options.limits);
    let tables = Store::new(options.spill.clone(), &options.limits);
    let reader = Reader::new(distinct.len(), &store, &tables, options, meter);
    let mut layers = Layers::new();
    let mut trees = Vec::new();
    for round in 1..=ROUNDS {
        // What was not what its name says stays out, however often it is read.
        let left = |source: &&&Source| !matches!(layers.get(&source.key), Some(Err(_)));
        let sources: Vec<&Source> = distinct.values().filter(left).copied().collect();
        let results = reader.read(&sources, &question)?;
        layers.extend(sources.iter().map(|source| source.key.clone()).zip(results));
        trees = merge(&plans, &layers);
        if round == ROUNDS {
            break;
        }
        let mut more = false;
        for tree in &trees {
            more |= tree.extend(&mut question);
        }
        if !more {
            break;
        }
    }
    drop(distinct);
    let finished = plans.into_iter().zip(trees).map(|(plan, tree)| {
        let Plan { mut image, layers: sources } = plan;
        image.tree = tree;
        for (index, source) in sources.iter().enumerate() {
            let failed = layers.get(&source.key).and_then(|result| result.as_ref().err());
            let layer = image.layers.get_mut(index);
            if let Some(why) = failed {
                let name = layer.and_then(|layer| layer.digest.as_ref().or(layer.diff_id.as_ref()));
                let path = name.map_or_else(|| source.key.clone(), ToString::to_string);
                let path = Some(path).filter(|path| !path.is_empty());
                let why = why.clone();
                image.incomplete.push(Incomplete { what: IncompleteKind::Layer, path, why });
            } else if let (Some(layer), Some(Ok(evidence))) = (layer, layers.get(&source.key)) {
                layer.read = source.is_here().then_some(evidence.read);
            }
        }
        finish(&mut image, &question);
        image
    });
    Ok(finished.collect())
}

fn merge(plans: &[Plan], layers: &Layers) -> Vec<Tree> {
    let evidence = |source: &Source| match layers.get(&source.key) {
        Some(Ok(evidence)) => Arc::clone(evidence),
        _ => Arc::default(),
    };
    plans.iter().map(|plan| Tree::new(plan.layers.iter().map(evidence).collect())).collect()
}

/// What only the merged tree can say.
fn finish(image: &mut Image, question: &Question) {
    let mut unread = question.clone();
    if image.tree.extend(&mut unread) {
        let why =
            format!("links lead on and on: after {ROUNDS} readings some still lead to what was not read");
        image.incomplete.push(Incomplete { what: IncompleteKind::Link, path: None, why });
    }
    let (languages, cut) = markers::merge(image.tree.evidence());
    image.languages = languages;
    for kind in cut {
        let why = format!("{kind}: only some paths are listed; layers above may have removed others");
        image.incomplete.push(Incomplete { what: IncompleteKind::Languages, path: None, why });
    }
    for layer in image.tree.evidence() {
        image.incomplete.extend(layer.incomplete.iter().cloned());
        image.newest_modified.push(layer.newest_modified);
    }
    image.incomplete = BTreeSet::from_iter(std::mem::take(&mut image.incomplete)).into_iter().collect();
}
