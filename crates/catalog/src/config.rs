//! The image config (OCI image specification, config.md): facts, history, and what it says of the layers.

use imagescan_model::{Facts, HistoryEntry, Layer};
use serde_json::{Map, Value};

/// Characters of one value that are kept.
const VALUE: usize = 16 << 10;
/// History entries, labels, ports that are kept; no builder writes as many.
const MANY: usize = 10_000;

/// What a config says.
#[derive(Debug, Default)]
pub(crate) struct Config {
    pub facts: Facts,
    /// `created`, as written.
    pub created: Option<String>,
}

/// Reads `config`; `layers` get their history entries, where entries and layers count up.
pub(crate) fn read(config: &[u8], layers: &mut [Layer]) -> Result<Config, String> {
    let config: Value = serde_json::from_slice(config).map_err(|error| format!("it is no JSON: {error}"))?;
    let config = config.as_object().ok_or("it is no JSON object")?;
    let run = config.get("config").and_then(Value::as_object);
    let run = |key: &str| run.and_then(|run| run.get(key));
    let mut history: Vec<HistoryEntry> =
        config.get("history").and_then(Value::as_array).into_iter().flatten().take(MANY).map(entry).collect();
    attribute(&mut history, layers);
    let facts = Facts {
        user: run("User").and_then(text),
        ports: keys(run("ExposedPorts")),
        entrypoint: words(run("Entrypoint")),
        command: words(run("Cmd")),
        labels: labels(run("Labels")),
        history,
        ..Facts::default()
    };
    Ok(Config { facts, created: config.get("created").and_then(text) })
}

fn entry(value: &Value) -> HistoryEntry {
    let field = |key: &str| value.get(key).and_then(text);
    HistoryEntry {
        created: field("created"),
        created_by: field("created_by"),
        author: field("author"),
        comment: field("comment"),
        empty_layer: value.get("empty_layer").and_then(Value::as_bool).unwrap_or_default(),
        layer: None,
    }
}

/// Entries that made a layer belong to the layers in order; where their numbers differ, to none.
fn attribute(history: &mut [HistoryEntry], layers: &mut [Layer]) {
    let made: Vec<&mut HistoryEntry> = history.iter_mut().filter(|entry| !entry.empty_layer).collect();
    if made.len() != layers.len() {
        return;
    }
    for (entry, layer) in made.into_iter().zip(layers) {
        entry.layer = Some(layer.index);
        layer.created_by.clone_from(&entry.created_by);
        layer.created = entry.created.as_deref().and_then(|created| created.parse().ok());
    }
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    Some(text.chars().take(VALUE).collect())
}

fn words(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(text).take(MANY).collect()
}

fn keys(value: Option<&Value>) -> Vec<String> {
    let keys = value.and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let mut keys: Vec<String> = keys.take(MANY).map(|key| key.chars().take(VALUE).collect()).collect();
    keys.sort();
    keys
}

fn labels(value: Option<&Value>) -> std::collections::BTreeMap<String, String> {
    let labels = value.and_then(Value::as_object).into_iter().flatten();
    labels.take(MANY).filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{"created": "2024-01-01T00:00:00Z", "config": {"User": "app", "Cmd": ["a", "b"],
        "ExposedPorts": {"80/tcp": {}, "443/tcp": {}}, "Labels": {"k": "v", "n": null}}, "history": [
        {"created": "2023-01-01T00:00:00Z", "created_by": "ADD rootfs"},
        {"created_by": "USER app", "empty_layer": true},
        {"created": "nonsense", "created_by": "RUN x"}]}"#;

    #[test]
    fn facts_and_history_are_read_and_layers_find_their_entries() {
        let mut layers = vec![Layer::default(), Layer { index: 1, ..Layer::default() }];
        let config = read(CONFIG.as_bytes(), &mut layers).unwrap();
        assert_eq!(config.facts.user.as_deref(), Some("app"));
        assert_eq!(config.facts.ports, ["443/tcp", "80/tcp"]);
        assert_eq!(config.facts.labels.len(), 1);
        assert_eq!(layers[1].created_by.as_deref(), Some("RUN x"));
        assert_eq!((layers[0].created.is_some(), layers[1].created), (true, None));
        let of: Vec<_> = config.facts.history.iter().map(|entry| entry.layer).collect();
        assert_eq!(of, [Some(0), None, Some(1)]);
    }

    #[test]
    fn a_history_that_does_not_count_up_is_attributed_to_nothing() {
        let mut layers = vec![Layer::default()];
        let config = read(CONFIG.as_bytes(), &mut layers).unwrap();
        assert!(config.facts.history.iter().all(|entry| entry.layer.is_none()));
        assert!(read(b"[]", &mut layers).is_err() && read(b"{", &mut layers).is_err());
    }
}
