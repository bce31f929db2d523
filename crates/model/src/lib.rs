//! The nouns of imagescan, as types that serialise to the two published schemas.
//!
//! Comes in: nothing. Goes out: plain data that every other crate speaks. Nothing here reads a file, a
//! socket or a clock. What a field means is stated once, here, and in the JSON Schemas under `docs/`.
//!
//! `inventory` holds facts, `finding`, `verdict` and `report` hold judgements; `match_key` is the bridge: the
//! only thing of a package that matching may look at. `advisory` is what vendors say, whatever their format.

mod advisory;
mod age;
mod coverage;
mod digest;
mod fact;
mod family;
mod finding;
mod inventory;
mod match_key;
mod package;
mod pin;
mod platform;
mod reference;
mod release;
mod report;
mod severity;
mod system;
mod verdict;

pub use advisory::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, DateKind, DatedAs, HiddenReason, MatchedBy,
};
pub use age::{
    Age, AgeBound, AgeConfidence, AgeEvidence, AgeFact, Clock, EvidenceSource, JudgedAge, SetAside,
};
pub use coverage::{Coverage, CoveredState, Extent, FeedCoverage};
pub use digest::{Digest, DigestAlgorithm, DigestError};
pub use fact::{CveRecord, Cvss, Epss, Exploited, LifecycleRecord, RepositoryRecord};
pub use family::{FAMILIES, Family, Judged, Names, Streams, family, judged_release};
pub use finding::{
    Finding, FindingCvss, FindingDates, FindingEpss, FindingKind, FindingMatch, MatchVia, OtherFix,
    fingerprint,
};
pub use inventory::{
    Facts, HistoryEntry, Incomplete, IncompleteKind, Inventory, InventoryDocument, LanguageMarkers, Layer,
    LayerRead, Tool,
};
pub use match_key::MatchKey;
pub use package::{Package, PackageState, PackageType, SourcePackage};
pub use pin::{Pin, PinKind, PinLocation};
pub use platform::{Platform, PlatformError};
pub use reference::{ImageReference, ReferenceError};
pub use release::{Release, ReleaseError};
pub use report::{FeedInfo, ImageReport, KnowledgeInfo, PolicyInfo, Report, SegmentInfo};
pub use severity::Severity;
pub use system::{Lifecycle, LifecycleState, Pro, System};
pub use verdict::{ExitCode, Level, RuleOutcome, Verdict, VerdictResult};

/// Identifier of the inventory schema, in every inventory document.
pub const INVENTORY_SCHEMA: &str = "imagescan/inventory/1";
/// Identifier of the report schema, in every report document.
pub const REPORT_SCHEMA: &str = "imagescan/report/1";
/// Version of the extraction rules. It grows whenever an inventory of the same image would differ.
pub const EXTRACTOR_VERSION: u32 = 1;
