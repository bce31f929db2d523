//! The full-size set: 590,000 rows shaped like those of real feeds, then thirteen copies of them for other releases,
//! half of the names changed, the digits of all versions changed, 15 % of the ids replaced. The same every time.
//!
//! Shares of modules, architectures and streams are those of Red Hat's CSAF VEX: 1.2 % of the rows are of a module,
//! three of ten packages are noarch, a CVE is spoken of in 5 to 30 products.

use crate::words::{WORDS, architectures, title};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, DateKind, DatedAs, MatchedBy, PackageType, Release,
    Severity,
};
use jiff::Timestamp;

/// What one vendor's data is like.
struct Family {
    distribution: &'static str,
    package_type: PackageType,
    matched_by: MatchedBy,
    releases: u64,
    /// Source packages, and binaries of each that rows are filed under.
    sources: u64,
    binaries: u64,
    /// CVEs of the package that has most; the others have ever fewer.
    most: u64,
    least: u64,
    /// CVEs that one update fixes.
    batch: u64,
    ids: u64,
    streams: u64,
}

fn families() -> [Family; 5] {
    let deb = |distribution, releases, sources, most, least, ids| Family {
        distribution,
        package_type: PackageType::Deb,
        matched_by: MatchedBy::Source,
        releases,
        sources,
        binaries: 1,
        most,
        least,
        batch: 20,
        ids,
        streams: 3,
    };
    let red_hat = Family {
        distribution: "rhel",
        package_type: PackageType::Rpm,
        matched_by: MatchedBy::Binary,
        binaries: 4,
        batch: 5,
        streams: 30,
        ..deb("", 3, 1_600, 16_000, 60, 9_000)
    };
    let alpine =
        Family { package_type: PackageType::Apk, streams: 0, ..deb("alpine", 12, 400, 1_200, 60, 3_000) };
    let azure =
        Family { package_type: PackageType::Rpm, streams: 0, ..deb("azurelinux", 2, 300, 500, 100, 900) };
    [
        deb("ubuntu", 10, 3_000, 13_000, 20, 31_000),
        red_hat,
        Family { streams: 0, ..deb("debian", 4, 2_600, 5_500, 20, 22_000) },
        alpine,
        azure,
    ]
}

/// The records of so many copies, with the feed that gives each.
pub(crate) fn records(copies: u64) -> impl Iterator<Item = (&'static str, AdvisoryRecord)> {
    (0..copies).flat_map(|copy| {
        families().into_iter().flat_map(move |family| {
            (0..family.sources)
                .flat_map(move |source| of_source(&families(), family.distribution, source, copy))
        })
    })
}

/// A number that depends on nothing but `parts`.
pub(crate) fn hash(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state, part| {
        let mixed = (state ^ part).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ mixed >> 32
    })
}

fn of_source(
    families: &[Family],
    distribution: &str,
    source: u64,
    copy: u64,
) -> Vec<(&'static str, AdvisoryRecord)> {
    let Some((place, family)) = (0..).zip(families).find(|(_, family)| family.distribution == distribution)
    else {
        return Vec::new();
    };
    let count = family.most / (source + family.least) + 1;
    let mut records = Vec::new();
    for release in 0..family.releases {
        // Not every release has every package.
        if hash(&[place, source, release, 1]) % 10 >= 6 {
            continue;
        }
        for binary in 0..family.binaries {
            for number in 0..count {
                if hash(&[place, source, release, number, 2]) % 10 < 7 {
                    let row = Row { family, place, source, release, binary, number, copy };
                    records.push((family.distribution, row.record()));
                }
            }
        }
    }
    records
}

struct Row<'a> {
    family: &'a Family,
    place: u64,
    source: u64,
    release: u64,
    binary: u64,
    number: u64,
    copy: u64,
}

impl Row<'_> {
    fn record(&self) -> AdvisoryRecord {
        let family = self.family;
        let (id, cve) = self.id();
        let chance = hash(&[self.place, self.source, self.release, self.number, 3]) % 100;
        let state = match chance {
            0..62 => AdvisoryState::Affected,
            62..82 => AdvisoryState::NotAffected,
            82..88 => AdvisoryState::FixDeferred,
            88..94 => AdvisoryState::WillNotFix,
            _ => AdvisoryState::UnderInvestigation,
        };
        let fixed = chance < 50;
        let batch = self.number / family.batch;
        let update = hash(&[self.place, self.source, self.release, batch, self.copy, 4]);
        let stream = (family.streams > 0).then(|| hash(&[self.source, batch, 5]) % family.streams);
        let day = 10_000 + cve % 9_000;
        let noise = if hash(&[self.source, cve]).is_multiple_of(20) { 1 } else { 0 };
        let severity = *Severity::ALL.get(((cve / 7 + noise) % 6) as usize).unwrap_or(&Severity::Unknown);
        let rpm = family.streams == 30;
        AdvisoryRecord {
            state,
            fixed_version: fixed.then(|| self.version(batch)),
            architectures: if rpm && fixed { architectures(self.source + self.binary) } else { Vec::new() },
            module: (rpm && self.source % 80 == 1).then(|| format!("module{}:{}", self.source, batch % 3)),
            stream: stream.filter(|stream| rpm || *stream > 0).map(|stream| self.stream(stream)),
            severity,
            severity_source: Some(family.distribution.into()),
            title: Some(title(cve)),
            aliases: Vec::from_iter(cve.is_multiple_of(9).then(|| format!("GHSA-{cve:x}"))),
            advisories: Vec::from_iter(fixed.then(|| self.advisory(update))),
            disclosed: Some(dated(day * 86_400 + cve % 3 * 3_600, DateKind::Disclosed)),
            fix_available: fixed.then(|| dated(1_300_000_000 + update % 400_000_000, DateKind::Advisory)),
            ..AdvisoryRecord::new(
                self.in_release(),
                family.package_type.clone(),
                family.matched_by,
                self.name(),
                id,
            )
        }
    }

    fn id(&self) -> (String, u64) {
        // Packages early in the list have CVEs from everywhere, consecutive ones lie near each other.
        let family = self.family;
        let count = family.most / (self.source + family.least) + 1;
        let step = (family.ids / count).max(1);
        let first = hash(&[self.place, self.source, 6]) % family.ids;
        let place = (first + self.number * step + hash(&[self.source, self.number, 7]) % step) % family.ids;
        let replaced = hash(&[place, self.copy, 8]) % 100 < 15 && self.copy > 0;
        let cve = if replaced { hash(&[place, self.copy, 9]) % 260_000 } else { place * 6 };
        (format!("CVE-{}-{:04}", 2002 + cve / 10_000, cve % 10_000 * 5), cve)
    }

    fn in_release(&self) -> Release {
        let number = 3 + self.release + self.copy * self.family.releases;
        let version = match self.family.distribution {
            "alpine" => format!("3.{number}"),
            _ => number.to_string(),
        };
        Release::new(self.family.distribution, version)
    }

    fn name(&self) -> String {
        let renamed = self.copy > 0 && hash(&[self.source, self.copy, 10]).is_multiple_of(2);
        let word = WORDS.get((self.source % 64) as usize).unwrap_or(&"lib");
        let part = ["", "-devel", "-libs", "-common"].get(self.binary as usize).unwrap_or(&"-data");
        let copy = if renamed { self.copy } else { 0 };
        match copy {
            0 => format!("{word}{}{part}", self.source),
            _ => format!("{word}{}{}{part}", char::from(b'a' + copy as u8), self.source),
        }
    }

    fn version(&self, batch: u64) -> String {
        let digits = hash(&[self.place, self.source, self.copy, self.release / 3, 11]);
        let upstream = format!("{}.{}.{}", digits % 9, digits / 10 % 30, digits / 500 % 10 + batch / 6);
        let release = self.release + self.copy;
        match self.family.package_type {
            PackageType::Rpm => format!("{upstream}-{}.el{release}_{}", 10 + batch, digits % 8),
            PackageType::Apk => format!("{upstream}-r{batch}"),
            _ => format!("{upstream}+dfsg-{}ubuntu0.{release}.{}", digits % 7, batch % 40),
        }
    }

    fn stream(&self, stream: u64) -> String {
        match self.family.distribution {
            "rhel" => {
                let number = 3 + self.release + self.copy * self.family.releases;
                format!("cpe:/a:redhat:enterprise_linux:{number}::part{stream}")
            }
            _ => ["esm-infra", "esm-apps"].get(stream as usize % 2).copied().unwrap_or_default().into(),
        }
    }

    fn advisory(&self, update: u64) -> AdvisoryReference {
        let id = format!(
            "{}SA-{}:{}",
            self.family.distribution.to_uppercase(),
            2010 + update % 16,
            update / 16 % 99_999
        );
        let url = Some(format!("https://security.{}.example/errata/{id}", self.family.distribution));
        AdvisoryReference {
            id,
            url,
            date: Timestamp::from_second((1_300_000_000 + update % 400_000_000).cast_signed()).ok(),
        }
    }
}

fn dated(second: u64, kind: DateKind) -> DatedAs {
    DatedAs { at: Timestamp::from_second(second.cast_signed()).unwrap_or_default(), kind }
}
