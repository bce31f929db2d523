//! Archives that `docker save` writes (moby's image specifications v1 to v1.3; containers-transports(5)).
//!
//! `manifest.json` names a config and the layers' tars of each image. Layers have no digest of their own
//! there, so their content is compared with the diff IDs of the config. Before docker 1.10 there was only
//! `repositories`, from tags to layer ids, and each layer's `json` named its parent: nothing names content.

use crate::choose::{PlatformChoice, list};
use crate::image::Image;
use crate::plan::{self, CONFIG_BYTES, Check, Container, IMAGES, MANIFEST_BYTES, Plan, Source, Stored};
use imagescan_model::{Digest, ImageReference, Layer};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
    #[serde(rename = "Layers", default)]
    layers: Option<Vec<String>>,
}

impl Entry {
    fn tags(&self) -> &[String] {
        self.tags.as_deref().unwrap_or_default()
    }
}

/// The images of an archive: the one called `reference` (or `@INDEX`), or all.
pub(crate) fn plans(
    archive: &Container,
    target: &str,
    reference: Option<&str>,
    choice: &PlatformChoice,
) -> Result<Vec<Plan>, String> {
    if !archive.has("manifest.json") {
        return legacy(archive, target, reference);
    }
    let entries = entries(archive)?;
    let chosen: Vec<&Entry> = match reference {
        None => entries.iter().collect(),
        Some(reference) => {
            let number = reference.strip_prefix('@').and_then(|number| number.parse::<usize>().ok());
            let numbered = number.and_then(|number| entries.get(number));
            let named = entries.iter().find(|entry| entry.tags().iter().any(|tag| is(tag, reference)));
            numbered.or(named).into_iter().collect()
        }
    };
    if chosen.is_empty() {
        return Err(match reference {
            Some(reference) => {
                let tags = list(entries.iter().flat_map(Entry::tags));
                format!("it holds no image `{}`: it has {tags}", reference.escape_debug())
            }
            None => "its manifest.json names no image".into(),
        });
    }
    if chosen.len() > IMAGES {
        return Err(format!("it holds more than {IMAGES} images: name one"));
    }
    Ok(chosen.into_iter().map(|entry| plan(archive, target, reference, entry, choice)).collect())
}

/// The image that an engine was asked for: the only one, or of several the one with this tag or, if it is an ID, config.
pub(crate) fn exported(
    archive: &Container,
    target: &str,
    asked: &str,
    choice: &PlatformChoice,
) -> Result<Vec<Plan>, String> {
    if !archive.has("manifest.json") {
        return legacy(archive, target, Some(asked));
    }
    let entries = entries(archive)?;
    let called = |entry: &&Entry| {
        let id = asked.strip_prefix("sha256:");
        id.is_some_and(|id| id == stem(&entry.config)) || entry.tags().iter().any(|tag| is(tag, asked))
    };
    let entry = match entries.as_slice() {
        [only] => Some(only),
        several => several.iter().find(called),
    };
    let entry = entry.ok_or_else(|| {
        let tags = list(entries.iter().flat_map(Entry::tags));
        format!("of its {} images none is `{}`: it has {tags}", entries.len(), asked.escape_debug())
    })?;
    Ok(vec![plan(archive, target, Some(asked), entry, choice)])
}

fn entries(archive: &Container) -> Result<Vec<Entry>, String> {
    let document = archive.document("manifest.json", MANIFEST_BYTES)?;
    serde_json::from_slice(&document).map_err(|error| format!("`manifest.json` is damaged: {error}"))
}

/// Whether two names mean one image: `alpine` is `docker.io/library/alpine:latest`.
fn is(tag: &str, reference: &str) -> bool {
    let full = |text: &str| {
        let parsed: ImageReference = text.parse().ok()?;
        Some((parsed.name(), parsed.tag_or_latest().to_string()))
    };
    tag == reference || full(tag).is_some_and(|tag| full(reference) == Some(tag))
}

fn plan(
    archive: &Container,
    target: &str,
    asked: Option<&str>,
    entry: &Entry,
    choice: &PlatformChoice,
) -> Plan {
    let tag = entry.tags().iter().find(|tag| asked.is_some_and(|asked| is(tag, asked)));
    let reference = tag.or(entry.tags().first()).cloned();
    let image = Image { target: target.into(), reference, ..Image::default() };
    let mut plan = Plan { image, layers: Vec::new() };
    for name in entry.layers.iter().flatten() {
        let blob = archive.layer(name);
        let size = blob.as_ref().map_or(0, Stored::len);
        // The diff ID is filled in below.
        let source = Source { key: name.clone(), blob, check: Check::Nothing };
        plan.add_layer(Layer { size, ..Layer::default() }, source);
    }
    plan.read_config(config(archive, &entry.config));
    for (layer, source) in plan.image.layers.iter().zip(&mut plan.layers) {
        if let Some(id) = &layer.diff_id {
            source.check = Check::DiffId(id.clone());
            source.key = format!("{} {id}", source.key);
        }
    }
    plan.image.config_digest = plan.image.config.as_deref().map(crate::blob::sha256);
    plan.image.platform = plan.image.config.as_deref().and_then(plan::platform);
    if !choice.takes_single(plan.image.platform.as_ref()) {
        let wanted = choice.wanted().map_or_else(String::new, |platform| platform.to_string());
        let why = format!("it has no image for {wanted}: it has {}", list(&plan.image.platform));
        return Plan::failed(plan.image, why);
    }
    plan
}

/// The config `name`; where the name is a digest, the content must have it.
fn config(archive: &Container, name: &str) -> Result<Vec<u8>, String> {
    let bytes = archive.document(name, CONFIG_BYTES)?;
    if let Ok(digest) = format!("sha256:{}", stem(name)).parse::<Digest>() {
        plan::compare(&bytes, &digest)?;
    }
    Ok(bytes)
}

/// A file's name without folders and ending: docker's is the digest, podman's, too.
fn stem(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.strip_suffix(".json").unwrap_or(name)
}

/// Archives without `manifest.json`.
fn legacy(archive: &Container, target: &str, reference: Option<&str>) -> Result<Vec<Plan>, String> {
    let document = archive.document("repositories", MANIFEST_BYTES)?;
    let repositories: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_slice(&document).map_err(|error| format!("`repositories` is damaged: {error}"))?;
    let tags = repositories
        .iter()
        .flat_map(|(name, tags)| tags.iter().map(move |(tag, id)| (format!("{name}:{tag}"), id.clone())));
    let tags: Vec<(String, String)> = tags.collect();
    let chosen: Vec<&(String, String)> =
        tags.iter().filter(|(tag, _)| reference.is_none_or(|reference| is(tag, reference))).collect();
    if chosen.is_empty() {
        let names = list(tags.iter().map(|(tag, _)| tag));
        let wanted = reference.map(|reference| format!(" `{}`", reference.escape_debug()));
        return Err(format!("it holds no image{}: it has {names}", wanted.unwrap_or_default()));
    }
    if chosen.len() > IMAGES {
        return Err(format!("it holds more than {IMAGES} images: name one"));
    }
    Ok(chosen.into_iter().map(|(tag, id)| legacy_plan(archive, target, tag, id)).collect())
}

/// Layers of one image; runtimes of that time took at most 127.
const LEGACY_LAYERS: usize = 512;

fn legacy_plan(archive: &Container, target: &str, tag: &str, id: &str) -> Plan {
    let image = Image { target: target.into(), reference: Some(tag.into()), ..Image::default() };
    let chain = match chain(archive, id) {
        Ok(chain) => chain,
        Err(why) => return Plan::failed(image, why),
    };
    let mut plan = Plan { image, layers: Vec::new() };
    let mut history = Vec::new();
    for (id, described) in chain.iter().rev() {
        let blob = archive.layer(&format!("{id}/layer.tar"));
        let size = blob.as_ref().map_or(0, Stored::len);
        let source = Source { key: id.clone(), blob, check: Check::Nothing };
        plan.add_layer(Layer { size, ..Layer::default() }, source);
        let command = described.pointer("/container_config/Cmd").and_then(Value::as_array);
        let words = command.into_iter().flatten().filter_map(Value::as_str);
        history.push(json!({
            "created": described.get("created"),
            "author": described.get("author"),
            "created_by": words.collect::<Vec<_>>().join(" "),
        }));
    }
    // The top layer's description is a config but for its history.
    if let Some((_, mut config)) = chain.into_iter().next() {
        if let Some(fields) = config.as_object_mut() {
            fields.insert("history".into(), Value::Array(history));
        }
        plan.image.config = serde_json::to_vec(&config).ok();
    }
    plan.image.platform = plan.image.config.as_deref().and_then(plan::platform);
    plan
}

/// The layers below `id`, itself first, each with its description.
fn chain(archive: &Container, id: &str) -> Result<Vec<(String, Value)>, String> {
    let mut chain: Vec<(String, Value)> = Vec::new();
    let mut next = Some(id.to_string());
    while let Some(id) = next {
        if chain.iter().any(|(seen, _)| *seen == id) || chain.len() == LEGACY_LAYERS {
            return Err(format!("layer `{}` is its own ancestor, or has too many", id.escape_debug()));
        }
        let bytes = archive.document(&format!("{id}/json"), CONFIG_BYTES)?;
        let described: Value = serde_json::from_slice(&bytes)
            .map_err(|error| format!("`{}/json` is damaged: {error}", id.escape_debug()))?;
        next = described.get("parent").and_then(Value::as_str).filter(|id| !id.is_empty()).map(String::from);
        chain.push((id, described));
    }
    Ok(chain)
}
