//! One installed package.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The purl type: which package manager's database a package stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum PackageType {
    /// Alpine's apk.
    Apk,
    /// Debian's dpkg.
    Deb,
    /// rpm.
    Rpm,
    /// Another purl type, by its name: listed, not judged.
    Other(Box<str>),
}

impl PackageType {
    /// The purl type's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Apk => "apk",
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for PackageType {
    fn from(name: String) -> Self {
        match name.as_str() {
            "apk" => Self::Apk,
            "deb" => Self::Deb,
            "rpm" => Self::Rpm,
            _ => Self::Other(name.into()),
        }
    }
}

impl From<PackageType> for String {
    fn from(kind: PackageType) -> Self {
        kind.name().into()
    }
}

impl fmt::Display for PackageType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// dpkg's states in which the package's files are on disk (dpkg(1), "Package states"); other managers have
/// only `installed`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageState {
    /// Unpacked and configured.
    #[default]
    Installed,
    /// Unpacked, not configured.
    Unpacked,
    /// Configuration began and failed.
    HalfConfigured,
    /// Waits for another package's triggers.
    TriggersAwaited,
    /// Its own triggers have not run.
    TriggersPending,
}

/// The source package a binary package was built from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Name: dpkg `Source`, apk origin, rpm's source rpm.
    pub name: String,
    /// Version of the source package; rpm: `version-release` (source rpms name no epoch).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// An installed package: facts, sorted by (type, name, version, architecture).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Package manager.
    #[serde(rename = "type")]
    pub package_type: PackageType,
    /// Binary package's name.
    pub name: String,
    /// Exactly as the system's own tool prints it; rpm `[epoch:]version-release`, the epoch as recorded.
    pub version: String,
    /// As recorded: `amd64`, `all`, `x86_64`, `noarch` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// dpkg's state; `installed` elsewhere.
    #[serde(default)]
    pub state: PackageState,
    /// Source package; where the database names none, the package is its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
    /// Package URL (ECMA-427).
    pub purl: String,
    /// rpm's MODULARITYLABEL, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// rpm's Vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// dpkg's and apk's Maintainer, rpm's Packager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintainer: Option<String>,
    /// Repository of origin where the database says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Licence as recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// dpkg's wanted state is `hold`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
    /// dpkg's `Essential: yes`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    /// dpkg's `Multi-Arch`, other than `no`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_arch: Option<String>,
    /// dpkg's `Built-Using`: sources whose code is inside, as written there, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub built_using: Vec<String>,
    /// When this version was built: rpm BUILDTIME, apk `t:`, dpkg: newest mtime of its own files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_at: Option<Timestamp>,
    /// When it was installed: rpm INSTALLTIME, dpkg: mtime of its `.list` file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_at: Option<Timestamp>,
    /// Index of the first layer whose database holds it, in any version, without a gap up to the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduced_in: Option<u32>,
    /// Index of the layer that last changed it (its version, architecture, state or hold).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u32>,
}

impl Package {
    /// A package of which only the identity is known.
    #[must_use]
    pub fn new(package_type: PackageType, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            package_type,
            name: name.into(),
            version: version.into(),
            architecture: None,
            state: PackageState::Installed,
            source: None,
            purl: String::new(),
            module: None,
            vendor: None,
            maintainer: None,
            origin: None,
            licence: None,
            hold: false,
            essential: false,
            multi_arch: None,
            built_using: Vec::new(),
            built_at: None,
            installed_at: None,
            introduced_in: None,
            layer: None,
        }
    }

    /// The order of packages in every list: type, name, version, architecture, as bytes.
    #[must_use]
    pub fn sort_key(&self) -> (&str, &str, &str, &str) {
        (
            self.package_type.name(),
            &self.name,
            &self.version,
            self.architecture.as_deref().unwrap_or_default(),
        )
    }

    /// Whether it is a public key, which rpm lists as a package: it has no version to judge.
    #[must_use]
    pub fn is_public_key(&self) -> bool {
        self.package_type == PackageType::Rpm && self.name == "gpg-pubkey"
    }

    /// Name and version of the source package; the package's own where the database names none.
    #[must_use]
    pub fn source_or_self(&self) -> (&str, &str) {
        match &self.source {
            Some(source) => (&source.name, source.version.as_deref().unwrap_or(&self.version)),
            None => (&self.name, &self.version),
        }
    }
}
