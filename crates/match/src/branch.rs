//! Fixes of Red Hat and its kin for several minors of a release, which stand side by side.
//!
//! `3.9.18-3.el9_4.5` is an update of minor 4, `3.9.19-8.el9` the build that the next minor began with. The higher
//! number is not the one fix of all: who has a later build of minor 4 has it fixed.

use crate::stream::numbers;
use imagescan_knowledge::FiledRecord;
use imagescan_model::AdvisoryRecord;
use imagescan_version::Order;

/// The minor of a release `elN_M`; `None`: of none in particular.
fn minor(version: &str) -> Option<u32> {
    let (_, release) = version.rsplit_once('-')?;
    let (_, after) = release.split_once(".el")?;
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('_')?;
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    after.get(..digits)?.parse().ok()
}

/// Version without epoch and release.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    version.rsplit_once('-').map_or(version, |(version, _)| version)
}

/// Which of `fixes` decide whether `version` has one.
///
/// Those of its own minor; else those of no minor, which all later builds have; else those of the next minor, with
/// which whoever updates gets there. Of fixes that still are on both sides of it the upper one counts only if it is
/// of the same upstream version: what was rebased later says nothing of it.
pub(crate) fn governing<'a>(version: &str, fixes: &[&'a str], order: Order) -> Vec<&'a str> {
    let own = minor(version);
    let with =
        |wanted: Option<u32>| fixes.iter().copied().filter(|fix| minor(fix) == wanted).collect::<Vec<_>>();
    let next =
        own.and_then(|own| fixes.iter().filter_map(|fix| minor(fix)).filter(|minor| *minor > own).min());
    let candidates = [own, None, next].into_iter().map(with).find(|found| !found.is_empty());
    let candidates = candidates.unwrap_or_else(|| fixes.to_vec());
    let has = |fix: &&&str| order.compare(version, fix).is_ge();
    if candidates.iter().any(|fix| has(&fix)) {
        candidates.into_iter().filter(|fix| upstream(fix) == upstream(version)).collect()
    } else {
        candidates
    }
}

/// Which of `fixes` in modules are of the stream of `version`, where nobody tells streams: those whose versions
/// begin as it does, by the most numbers. `ruby` 2.6.3 is mended by 2.6.9, not by 2.7.5.
pub(crate) fn nearest<'a>(version: &str, fixes: &[&'a str]) -> Vec<&'a str> {
    let own = numbers(version);
    let shared = |fix: &&str| numbers(fix).iter().zip(&own).take_while(|(a, b)| a == b).count();
    let most = fixes.iter().map(shared).max().unwrap_or_default();
    fixes.iter().copied().filter(|fix| shared(fix) == most).collect()
}

/// Whether each advisory that announces the fix of `row` announces a lower build of the same version, too, and
/// does not say for which architecture each is (AlmaLinux): then whoever has any of them has it fixed.
pub(crate) fn is_rebuilt(row: &AdvisoryRecord, rows: &[&FiledRecord], order: Order) -> bool {
    let Some(fix) = row.fixed_version.as_deref() else { return false };
    let is_lower = |other: &AdvisoryRecord| {
        let lower = other
            .fixed_version
            .as_deref()
            .is_some_and(|other| upstream(other) == upstream(fix) && order.compare(other, fix).is_lt());
        lower
            && other.architectures.is_empty()
            && (&other.module, &other.stream) == (&row.module, &row.stream)
    };
    let by = |other: &AdvisoryRecord, id: &str| other.advisories.iter().any(|advisory| advisory.id == id);
    let mut announced = row.advisories.iter();
    row.architectures.is_empty()
        && !row.advisories.is_empty()
        && announced
            .all(|by_this| rows.iter().any(|other| by(&other.record, &by_this.id) && is_lower(&other.record)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `version` is affected, with these fixes.
    fn affected(version: &str, fixes: &[&str]) -> bool {
        governing(version, fixes, Order::Rpm).iter().any(|fix| Order::Rpm.compare(version, fix).is_lt())
    }

    #[test]
    fn the_minor_of_a_fix_stands_in_its_release() {
        assert_eq!(minor("3.9.18-3.el9_4.5"), Some(4));
        assert_eq!(minor("1:3.9.18-3.el9_10"), Some(10));
        assert_eq!(minor("3.9.18-3.el9"), None);
        assert_eq!(minor("4.18.0-553.module+el8.9.0+1234"), None);
        assert_eq!(minor("1-1.el8_lsb"), None);
    }

    #[test]
    fn a_minor_is_judged_by_its_own_fix() {
        let fixes = ["3.9.18-3.el9_4.5", "3.9.19-8.el9"];
        assert!(affected("3.9.18-3.el9_4.1", &fixes));
        assert!(!affected("3.9.18-3.el9_4.5", &fixes));
        assert!(!affected("3.9.18-3.el9_4.7", &fixes));
        assert!(affected("3.9.19-7.el9", &fixes));
        assert!(!affected("3.9.19-8.el9", &fixes));
        assert!(affected("3.9.16-1.el9", &fixes));
    }

    #[test]
    fn a_minor_without_a_fix_waits_for_the_next() {
        let fixes = ["1.2-4.el9_4.5", "1.2-9.el9_6"];
        assert!(affected("1.2-5.el9_5", &fixes));
        assert!(!affected("1.2-9.el9_6.1", &fixes));
        assert!(affected("1.2-8.el9_6", &fixes));
        // Of a later minor than any fix: it began with all of them.
        assert!(!affected("1.2-10.el9_7", &fixes));
    }

    #[test]
    fn where_nobody_tells_streams_the_versions_do() {
        let of = |version: &str, fixes: &[&'static str]| nearest(version, fixes).join(" ");
        assert_eq!(of("2.6.3-1", &["2.5.9-1", "2.6.9-1", "2.7.5-1"]), "2.6.9-1");
        assert_eq!(of("1:14.18.2-1", &["1:12.22.1-1", "1:14.21.1-1", "1:16.13-1"]), "1:14.21.1-1");
        assert_eq!(of("1.8.5-1", &["1.8.3-1", "1.8.7-1"]), "1.8.3-1 1.8.7-1");
        assert_eq!(of("10.1-1", &["12.1-1"]), "12.1-1");
    }

    #[test]
    fn a_build_of_no_minor_is_past_those_that_came_before() {
        assert!(!affected("1.2-5.el9", &["1.2-4.el9_4.5"]));
        assert!(affected("1.2-5.el9", &["1.2-4.el9_4.5", "1.2-9.el9_6"]));
        assert!(!affected("1.2-5.el9", &["1.2-4.el9_4.5", "1.3-2.el9_6"]));
        assert!(affected("1.2-4.el9", &["1.2-4.el9_4.5", "1.3-2.el9_6"]));
    }
}
