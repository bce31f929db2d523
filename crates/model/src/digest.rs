//! Content digests as OCI image-spec `descriptor.md` defines them: `algorithm:encoded`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The two registered algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestAlgorithm {
    /// SHA-256, 64 hexadecimal digits.
    Sha256,
    /// SHA-512, 128 hexadecimal digits.
    Sha512,
}

impl DigestAlgorithm {
    /// The name in front of the colon.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_length(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// A digest that is known to be well formed: it can safely be part of a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest {
    algorithm: DigestAlgorithm,
    hex: Box<str>,
}

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Neither `sha256:` nor `sha512:` stands in front.
    #[error("digest `{}` has no known algorithm (sha256 or sha512)", .0.escape_debug())]
    Algorithm(String),
    /// The encoded part is not lower-case hexadecimal of the right length.
    #[error("digest `{}` is not {expected} lower-case hexadecimal digits", got.escape_debug())]
    Hex {
        /// The whole text.
        got: String,
        /// Digits wanted.
        expected: usize,
    },
}

impl Digest {
    /// The digest that `bytes`, the raw output of SHA-256, spell.
    #[must_use]
    pub fn from_sha256(bytes: &[u8; 32]) -> Self {
        Self { algorithm: DigestAlgorithm::Sha256, hex: hex(bytes).into() }
    }

    /// The digest that `bytes`, the raw output of SHA-512, spell.
    #[must_use]
    pub fn from_sha512(bytes: &[u8; 64]) -> Self {
        Self { algorithm: DigestAlgorithm::Sha512, hex: hex(bytes).into() }
    }

    /// Which hash this is.
    #[must_use]
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The hexadecimal part: lower-case digits only.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (name, encoded) = text.split_once(':').unwrap_or((text, ""));
        let algorithm = match name {
            "sha256" => DigestAlgorithm::Sha256,
            "sha512" => DigestAlgorithm::Sha512,
            _ => return Err(DigestError::Algorithm(text.chars().take(160).collect())),
        };
        let expected = algorithm.hex_length();
        let is_hex = encoded.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if encoded.len() != expected || !is_hex {
            return Err(DigestError::Hex { got: text.chars().take(160).collect(), expected });
        }
        Ok(Self { algorithm, hex: encoded.into() })
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.algorithm.name(), self.hex)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_prints_as_it_was_written() {
        let text = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
        assert_eq!(Digest::from_sha256(&[0x0a; 32]).to_string(), text);
    }

    #[test]
    fn a_path_is_no_digest() {
        for text in ["../../etc/passwd", "sha256:../../etc", "sha256:", "md5:00", "", "sha256:\u{1b}[2J"] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
        assert!(format!("sha256:{}", "0A".repeat(32)).parse::<Digest>().is_err());
    }
}
