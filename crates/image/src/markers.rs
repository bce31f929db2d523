//! Signs of language packages that the container sees, once upper layers have removed theirs.

use crate::evidence::LayerEvidence;
use imagescan_model::LanguageMarkers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Markers by kind, and the kinds that are not listed whole.
pub(crate) fn merge(layers: &[Arc<LayerEvidence>]) -> (Vec<LanguageMarkers>, BTreeSet<&'static str>) {
    let mut paths: BTreeMap<&str, &'static str> = BTreeMap::new();
    let mut beyond: BTreeMap<&'static str, u64> = BTreeMap::new();
    for layer in layers {
        for folder in &layer.opaque {
            remove_below(&mut paths, folder);
        }
        for path in &layer.whiteouts {
            paths.remove(path.as_str());
            remove_below(&mut paths, path);
        }
        // A file that came again and is no sign any more.
        paths.retain(|path, _| layer.modified.of(path).is_none());
        paths.extend(layer.markers.iter().map(|(kind, path)| (path.as_str(), *kind)));
        for (kind, count) in &layer.markers_beyond {
            *beyond.entry(kind).or_default() += count;
        }
    }
    let mut kinds: BTreeMap<&'static str, LanguageMarkers> = BTreeMap::new();
    for (path, kind) in paths {
        let of_kind = kinds.entry(kind).or_default();
        of_kind.count += 1;
        if of_kind.paths.len() < LayerEvidence::MARKERS {
            of_kind.paths.push(path.into());
        } else {
            beyond.entry(kind).or_default();
        }
    }
    for (kind, count) in &beyond {
        kinds.entry(kind).or_default().count += count;
    }
    let named = kinds.into_iter().map(|(kind, markers)| LanguageMarkers { kind: kind.into(), ..markers });
    (named.collect(), beyond.into_keys().collect())
}

fn remove_below(paths: &mut BTreeMap<&str, &'static str>, folder: &str) {
    if folder.is_empty() {
        paths.clear();
        return;
    }
    let prefix = format!("{folder}/");
    let below: Vec<&str> = paths
        .range(prefix.as_str()..)
        .map(|(path, _)| *path)
        .take_while(|path| path.starts_with(&prefix))
        .collect();
    for path in below {
        paths.remove(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(markers: &[(&'static str, &str)], whiteouts: &[&str]) -> Arc<LayerEvidence> {
        Arc::new(LayerEvidence {
            markers: markers.iter().map(|(kind, path)| (*kind, String::from(*path))).collect(),
            whiteouts: whiteouts.iter().map(|path| String::from(*path)).collect(),
            ..LayerEvidence::default()
        })
    }

    #[test]
    fn upper_layers_remove_markers_and_no_name_counts_twice() {
        let below = layer(&[("npm", "a/x/package.json"), ("npm", "b/package.json"), ("maven", "c.jar")], &[]);
        let above = layer(&[("npm", "b/package.json"), ("npm", "a/y/package.json")], &["a", "c.jar"]);
        let (languages, cut) = merge(&[below, above]);
        assert_eq!(languages.len(), 1);
        assert_eq!((languages[0].kind.as_str(), languages[0].count), ("npm", 2));
        assert_eq!(languages[0].paths, ["a/y/package.json", "b/package.json"]);
        assert!(cut.is_empty());
    }

    #[test]
    fn what_was_not_kept_is_counted_and_said() {
        let mut some = LayerEvidence::default();
        some.markers_beyond.insert("npm", 7);
        let (languages, cut) = merge(&[layer(&[("npm", "a/package.json")], &[]), Arc::new(some)]);
        assert_eq!(languages[0].count, 8);
        assert_eq!(cut.into_iter().collect::<Vec<_>>(), ["npm"]);
    }
}
