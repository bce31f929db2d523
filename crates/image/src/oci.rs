//! OCI images: layouts, as a folder or in one archive (OCI image specification, image-layout.md), and registries.
//!
//! Every document and layer is found by its digest and compared with it and with the size its descriptor
//! states. `index.json` alone has no digest: nothing but it is taken on trust.

use crate::choose::{PlatformChoice, list};
use crate::image::Image;
use crate::lazy::Lazy;
use crate::plan::{self, CONFIG_BYTES, Check, Container, IMAGES, MANIFEST_BYTES, Plan, Source, Stored};
use crate::read::{LayerExtent, Options};
use crate::registry::remote::{Remote, Resolved, kind};
use imagescan_model::{Digest, ImageReference, IncompleteKind, Layer, Platform};
use serde::Deserialize;
use std::collections::BTreeMap;

const REF_NAME: &str = "org.opencontainers.image.ref.name";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// containerd and BuildKit write the whole reference here, and only the tag into `ref.name`.
const IMAGE_NAME: &str = "io.containerd.image.name";
/// Indexes within indexes; builders write two.
const DEPTH: usize = 4;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    platform: Option<DescribedPlatform>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Deserialize)]
struct DescribedPlatform {
    architecture: String,
    os: String,
    #[serde(default)]
    variant: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    artifact_type: Option<String>,
    config: Descriptor,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Manifest {
    /// What it is, if it is no image: by its own word, by its config, or by its layers. Cosign signs under an image's
    /// config, and a document is no layer.
    fn other_kind(&self) -> Option<&str> {
        let document = self.layers.first().map(|layer| layer.media_type.as_str());
        let documents = self.layers.iter().all(|layer| is_document(&layer.media_type));
        let kind = match is_image_config(&self.config.media_type) {
            true => document.filter(|_| documents)?,
            false => &self.config.media_type,
        };
        Some(self.artifact_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or(kind))
    }
}

impl Descriptor {
    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    fn name(&self) -> Option<&str> {
        self.annotation(IMAGE_NAME).or_else(|| self.annotation(REF_NAME))
    }

    fn is_named(&self, reference: &str) -> bool {
        [self.annotation(REF_NAME), self.annotation(IMAGE_NAME), Some(&self.digest)]
            .contains(&Some(reference))
    }

    fn platform(&self) -> Option<Platform> {
        let DescribedPlatform { architecture, os, variant } = self.platform.clone()?;
        Some(Platform { os, architecture, variant: variant.filter(|variant| !variant.is_empty()) })
    }

    fn is_index(&self) -> bool {
        matches!(
            self.media_type.as_str(),
            OCI_INDEX | "application/vnd.docker.distribution.manifest.list.v2+json"
        )
    }

    /// Signatures, attestations, SBOMs: BuildKit marks them with a platform that nothing runs on.
    fn is_no_image(&self) -> bool {
        let unknown = self.platform.as_ref().is_some_and(|platform| platform.os == "unknown");
        unknown || self.annotation("vnd.docker.reference.type").is_some() || self.artifact_type.is_some()
    }
}

/// The images of a layout: the one called `reference`, or all.
pub(crate) fn plans(
    container: &Container,
    target: &str,
    reference: Option<&str>,
    options: &Options,
) -> Result<Vec<Plan>, String> {
    let document = container.document("index.json", MANIFEST_BYTES)?;
    let index: Index = parse(&document, "index.json")?;
    let named = |descriptor: &&Descriptor| reference.is_none_or(|reference| descriptor.is_named(reference));
    let chosen: Vec<&Descriptor> = index.manifests.iter().filter(named).collect();
    if let (Some(reference), true) = (reference, chosen.is_empty()) {
        let names = list(index.manifests.iter().filter_map(Descriptor::name));
        return Err(format!("it holds no image `{}`: it has {names}", reference.escape_debug()));
    }
    let layout = Layout { contents: Contents::Layout(container), target, options };
    let mut plans = Vec::new();
    for group in groups(&chosen) {
        if let Err(why) = layout.choose(&group, None, 0, &mut plans) {
            let reference = group.first().and_then(|first| first.name()).map(String::from);
            plans.push(Plan::failed(Image { target: target.into(), reference, ..Image::default() }, why));
        }
    }
    match (plans.is_empty(), chosen.first()) {
        (false, _) => Ok(plans),
        (true, None) => Err("its index.json names no image".into()),
        (true, Some(first)) => Err(format!("it holds no image, but {}", described(first))),
    }
}

/// The images of a registry's manifest or index.
pub(crate) fn pulled(
    remote: &Remote,
    resolved: &Resolved,
    target: &str,
    reference: &ImageReference,
    options: &Options,
) -> Result<Vec<Plan>, String> {
    by_digest(Contents::Registry(remote), resolved, target, Some(&reference.to_string()), options)
}

/// The images of a manifest or index in `container`.
pub(crate) fn stored(
    container: &Container,
    digest: &Digest,
    target: &str,
    reference: Option<&str>,
    options: &Options,
) -> Result<Vec<Plan>, String> {
    let bytes = container.document(&path(digest), MANIFEST_BYTES)?;
    plan::compare(&bytes, digest)?;
    let is_index = kind(&bytes, "").map_err(|why| format!("`{digest}` {why}"))?;
    let top = Resolved { digest: digest.clone(), size: bytes.len() as u64, is_index };
    by_digest(Contents::Layout(container), &top, target, reference, options)
}

/// The images of a manifest or index that is known by its digest.
fn by_digest(
    contents: Contents<'_>,
    top: &Resolved,
    target: &str,
    reference: Option<&str>,
    options: &Options,
) -> Result<Vec<Plan>, String> {
    let media_type = if top.is_index { OCI_INDEX } else { "application/vnd.oci.image.manifest.v1+json" };
    let descriptor = Descriptor {
        media_type: media_type.into(),
        digest: top.digest.to_string(),
        size: top.size,
        platform: None,
        artifact_type: None,
        annotations: None,
    };
    let layout = Layout { contents, target, options };
    let mut plans = Vec::new();
    layout.descend(&descriptor, None, 0, &mut plans)?;
    if plans.is_empty() {
        return Err("it holds no image".into());
    }
    for plan in &mut plans {
        plan.image.reference = reference.map(String::from);
    }
    Ok(plans)
}

/// What a descriptor that is no image says it is.
fn described(descriptor: &Descriptor) -> String {
    let kind = descriptor.artifact_type.as_deref().unwrap_or(&descriptor.media_type);
    format!("`{}`", kind.escape_debug())
}

/// Top-level entries that together stand for one image of several platforms: same name, each with a platform.
fn groups<'a>(descriptors: &[&'a Descriptor]) -> Vec<Vec<&'a Descriptor>> {
    let mut groups: Vec<Vec<&Descriptor>> = Vec::new();
    for descriptor in descriptors.iter().copied().filter(|descriptor| !descriptor.is_no_image()) {
        let same = |group: &&mut Vec<&Descriptor>| {
            let together =
                |other: &&Descriptor| other.name() == descriptor.name() && other.platform.is_some();
            descriptor.platform.is_some() && group.iter().all(together)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(descriptor),
            None => groups.push(vec![descriptor]),
        }
    }
    groups
}

/// Where documents and layers are found by their digest.
#[derive(Clone, Copy)]
enum Contents<'a> {
    Layout(&'a Container),
    Registry(&'a Remote),
}

impl Contents<'_> {
    fn manifest(self, digest: &Digest) -> Result<Vec<u8>, String> {
        match self {
            Self::Layout(container) => container.document(&path(digest), MANIFEST_BYTES),
            Self::Registry(remote) => remote.manifest(digest, MANIFEST_BYTES),
        }
    }

    fn config(self, digest: &Digest) -> Result<Vec<u8>, String> {
        match self {
            Self::Layout(container) => container.document(&path(digest), CONFIG_BYTES),
            Self::Registry(remote) => remote.config(digest, CONFIG_BYTES),
        }
    }

    fn layer(self, digest: &Digest, descriptor: &Descriptor, extent: LayerExtent) -> Result<Stored, String> {
        match self {
            Self::Layout(container) => container.layer(&path(digest)),
            Self::Registry(remote) => {
                let annotations = descriptor.annotations.as_ref().filter(|_| extent == LayerExtent::Needed);
                let lazy = Lazy::announced(annotations);
                Ok(Stored::Remote(remote.blob(digest, descriptor.size), lazy))
            }
        }
    }

    fn has(self, digest: &Digest) -> bool {
        match self {
            Self::Layout(container) => container.has(&path(digest)),
            Self::Registry(remote) => remote.has(digest),
        }
    }
}

struct Layout<'a> {
    contents: Contents<'a>,
    target: &'a str,
    options: &'a Options,
}

impl Layout<'_> {
    /// Adds the images that `choice` takes among `descriptors`, all of one index.
    fn choose(
        &self,
        descriptors: &[&Descriptor],
        index: Option<&Digest>,
        depth: usize,
        plans: &mut Vec<Plan>,
    ) -> Result<(), String> {
        let images: Vec<&Descriptor> =
            descriptors.iter().copied().filter(|descriptor| !descriptor.is_no_image()).collect();
        let platforms: Vec<Platform> = images.iter().filter_map(|image| image.platform()).collect();
        // One image alone is taken whatever its platform, unless one was asked for.
        let wanted = match &self.options.platform {
            PlatformChoice::Host if images.len() == 1 => None,
            choice => choice.wanted(),
        };
        let accepted = |image: &&&Descriptor| match (&wanted, image.platform()) {
            (Some(wanted), Some(platform)) => wanted.accepts(&platform),
            _ => true,
        };
        let chosen: Vec<&Descriptor> = images.iter().filter(accepted).copied().collect();
        if let (Some(wanted), true) = (&wanted, chosen.is_empty() && !images.is_empty()) {
            return Err(format!("it has no image for {wanted}: it has {}", list(platforms)));
        }
        // Several variants may answer to one wish; the first is the index's preference (image-index.md).
        let several = wanted.is_none() || chosen.iter().any(|image| image.platform.is_none());
        for descriptor in chosen.iter().take(if several { usize::MAX } else { 1 }) {
            if plans.len() >= IMAGES {
                return Err(format!("it holds more than {IMAGES} images: name one"));
            }
            self.descend(descriptor, index, depth, plans)?;
        }
        Ok(())
    }

    fn descend(
        &self,
        descriptor: &Descriptor,
        index: Option<&Digest>,
        depth: usize,
        plans: &mut Vec<Plan>,
    ) -> Result<(), String> {
        let mut image = Image {
            target: self.target.into(),
            reference: descriptor.name().map(String::from),
            index_digest: index.cloned(),
            platform: descriptor.platform(),
            ..Image::default()
        };
        let (digest, bytes) = match self.document(descriptor, |digest| self.contents.manifest(digest)) {
            Ok(document) => document,
            Err(why) => {
                plans.push(Plan::failed(image, why));
                return Ok(());
            }
        };
        if !descriptor.is_index() {
            image.digest = Some(digest);
            plans.extend(self.image(image, descriptor, &bytes));
            return Ok(());
        }
        if depth == DEPTH {
            return Err(format!("its indexes are nested more than {DEPTH} deep"));
        }
        let nested: Index = parse(&bytes, &descriptor.digest)?;
        let manifests: Vec<&Descriptor> = nested.manifests.iter().collect();
        let before = plans.len();
        self.choose(&manifests, Some(&digest), depth + 1, plans)?;
        for plan in plans.iter_mut().skip(before) {
            let inherited = || descriptor.name().map(String::from);
            plan.image.reference = plan.image.reference.take().or_else(inherited);
        }
        Ok(())
    }

    /// The image of one manifest; `None`: it is for another platform than the one asked for.
    fn image(&self, image: Image, descriptor: &Descriptor, bytes: &[u8]) -> Option<Plan> {
        let manifest: Manifest = match parse(bytes, &descriptor.digest) {
            Ok(manifest) => manifest,
            Err(why) => return Some(Plan::failed(image, why)),
        };
        if let Some(kind) = manifest.other_kind() {
            let why = format!("it is no container image, but `{}`", kind.escape_debug());
            return Some(Plan::failed(image, why));
        }
        // Before anybody is asked about any of them.
        if let Err(why) = plan::check_count(manifest.layers.len(), &self.options.limits) {
            return Some(Plan::failed(image, why));
        }
        let mut plan = Plan { image, layers: Vec::new() };
        plan.image.annotations = descriptor.annotations.clone().unwrap_or_default();
        plan.image.annotations.extend(manifest.annotations.unwrap_or_default());
        for layer in &manifest.layers {
            match self.layer(layer) {
                Ok((layer, source)) => {
                    if let Ok(Stored::Foreign) = source.blob {
                        let why = "a layer that may not be distributed is not here, and was not fetched from elsewhere";
                        plan.lacks(IncompleteKind::ForeignLayer, Some(source.key.clone()), why.into());
                    }
                    plan.add_layer(layer, source);
                }
                Err(why) => return Some(Plan::failed(plan.image, why)),
            }
        }
        let config = self.document(&manifest.config, |digest| self.contents.config(digest));
        plan.image.config_digest = manifest.config.digest.parse().ok();
        plan.read_config(config.map(|(_, bytes)| bytes));
        let indexed = plan.image.platform.take();
        plan.image.platform = plan.image.config.as_deref().and_then(plan::platform).or(indexed.clone());
        if let (Some(platform), Some(indexed)) = (&mut plan.image.platform, &indexed) {
            platform.variant = platform.variant.take().or_else(|| indexed.variant.clone());
        }
        if indexed.is_none() && !self.options.platform.takes_single(plan.image.platform.as_ref()) {
            let wanted =
                self.options.platform.wanted().map_or_else(String::new, |platform| platform.to_string());
            let why = format!("it has no image for {wanted}: it has {}", list(&plan.image.platform));
            return Some(Plan::failed(plan.image, why));
        }
        Some(plan)
    }

    fn layer(&self, descriptor: &Descriptor) -> Result<(Layer, Source), String> {
        let digest: Digest = parse_digest(&descriptor.digest)?;
        let layer = Layer {
            digest: Some(digest.clone()),
            size: descriptor.size,
            media_type: Some(descriptor.media_type.clone()),
            ..Layer::default()
        };
        let blob = if is_foreign(&descriptor.media_type) && !self.contents.has(&digest) {
            Ok(Stored::Foreign)
        } else {
            self.contents.layer(&digest, descriptor, self.options.extent)
        };
        let key = match &blob {
            // Another manifest's table of the same layer is another way to read it.
            Ok(Stored::Remote(_, Some(lazy))) => format!("{digest} {}", lazy.vouched()),
            _ => digest.to_string(),
        };
        Ok((layer, Source { key, blob, check: Check::Stored(digest, descriptor.size) }))
    }

    /// A document by its descriptor, compared with digest and size.
    fn document(
        &self,
        descriptor: &Descriptor,
        read: impl FnOnce(&Digest) -> Result<Vec<u8>, String>,
    ) -> Result<(Digest, Vec<u8>), String> {
        let digest: Digest = parse_digest(&descriptor.digest)?;
        let bytes = read(&digest)?;
        if bytes.len() as u64 != descriptor.size {
            let got = bytes.len();
            return Err(format!("{digest} holds {got} bytes, but its descriptor says {}", descriptor.size));
        }
        plan::compare(&bytes, &digest)?;
        Ok((digest, bytes))
    }
}

fn is_image_config(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
    )
}

/// Signatures, attestations and SBOMs, such as `application/vnd.dev.cosign.simplesigning.v1+json`.
fn is_document(media_type: &str) -> bool {
    ["+json", "/json", "+xml"].iter().any(|end| media_type.ends_with(end))
}

/// Layers that registries need not hold (OCI image specification, layer.md, "Non-Distributable Layers"): base layers
/// of Windows.
fn is_foreign(media_type: &str) -> bool {
    media_type.contains(".nondistributable.") || media_type.contains(".foreign.")
}

fn path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

fn parse_digest(text: &str) -> Result<Digest, String> {
    text.parse().map_err(|error: imagescan_model::DigestError| error.to_string())
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], name: &str) -> Result<T, String> {
    let name = name.escape_debug();
    serde_json::from_slice(bytes).map_err(|error| format!("`{name}` is damaged: {error}"))
}

/// Reads `bytes` as whatever a registry may say they are: only one reading may hold.
///
/// # Panics
/// When two do.
#[cfg(fuzzing)]
pub fn documents(bytes: &[u8]) {
    let is_index = kind(bytes, "");
    let index = parse::<Index>(bytes, "");
    let manifest = parse::<Manifest>(bytes, "");
    assert!(is_index != Ok(true) || manifest.is_err(), "an index that is a manifest");
    assert!(is_index != Ok(false) || index.is_err(), "a manifest that is an index");
    if let Ok(index) = index {
        for group in groups(&index.manifests.iter().collect::<Vec<_>>()) {
            let named = group.iter().filter(|descriptor| descriptor.name().is_some()).count();
            assert!(named == 0 || named == group.len(), "one image of several names");
            let _ = list(group.iter().filter_map(|descriptor| descriptor.platform()));
        }
    }
    let mut plan = Plan::default();
    plan.read_config(Ok(bytes.to_vec()));
}
