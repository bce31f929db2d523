//! What system an image holds, and under which conditions its packages are judged.

use crate::Release;
use serde::{Deserialize, Serialize};

/// The distribution as its own files describe it (os-release(5) and fall-backs). All absent: unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct System {
    /// os-release `ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// os-release `ID_LIKE`, in its order: closest relative first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_like: Vec<String>,
    /// os-release `VERSION_ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// os-release `VERSION_CODENAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
    /// os-release `PRETTY_NAME`, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretty_name: Option<String>,
    /// os-release `CPE_NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpe_name: Option<String>,
    /// os-release `PLATFORM_ID`, such as `platform:el9`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_id: Option<String>,
    /// Red Hat content sets of `buildinfo/content_manifests`, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub content_sets: Vec<String>,
    /// Ubuntu Pro, where the image says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pro: Option<Pro>,
    /// Judgement: where in its life the release is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<Lifecycle>,
}

impl System {
    /// The release under which advisories are filed; `None` when the files do not say.
    #[must_use]
    pub fn release(&self) -> Option<Release> {
        let id = match (self.id.as_deref()?, &self.pretty_name) {
            // It calls itself as CentOS Linux was called, and is another thing.
            ("centos", Some(name)) if name.contains("Stream") => "centos-stream",
            (id, _) => id,
        };
        Release::from_os_release(id, self.version_id.as_deref(), self.codename.as_deref())
    }
}

/// Which of Ubuntu Pro's streams are enabled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pro {
    /// esm-infra.
    pub infra: bool,
    /// esm-apps.
    pub apps: bool,
}

/// Judgement on a release's life. Dates are days, `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// Where it is at the report's instant.
    pub state: LifecycleState,
    /// Last day of standard support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_end: Option<jiff::civil::Date>,
    /// Last day of free extended support (Debian LTS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_end: Option<jiff::civil::Date>,
}

/// A release's state at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifecycleState {
    /// In standard support.
    Supported,
    /// Standard support is over, extended support runs.
    Extended,
    /// No support any more.
    EndOfLife,
}
