//! JSON that may hold secrets.

use serde::de::DeserializeOwned;

/// Where JSON breaks. What serde_json says of it would repeat the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it breaks at line {line}, column {column}")]
pub struct JsonError {
    /// From 1.
    pub line: usize,
    /// From 1; 0 at the end of a line.
    pub column: usize,
}

/// Reads an object. A list is none: serde would take its elements for the fields.
pub(super) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(JsonError { line: 1, column: 1 });
    }
    serde_json::from_slice(bytes).map_err(|error| JsonError { line: error.line(), column: error.column() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_is_one() {
        assert!(object::<std::collections::BTreeMap<String, u8>>(b" {\"a\": 1}").is_ok());
        assert_eq!(object::<(u8,)>(b" [1]"), Err(JsonError { line: 1, column: 1 }));
        assert_eq!(object::<String>(b"{\n!").unwrap_err().to_string(), "it breaks at line 1, column 0");
    }
}
