//! Fixes of Red Hat and its kin for several minors of a release, which stand side by side.
//!
//! `3.9.18-3.el9_4.5` is an update of minor 4, `3.9.19-8.el9` the build that the next minor began with. The higher
//! number is not the one fix of all: who has a later build of minor 4 has it fixed.

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
    fn a_build_of_no_minor_is_past_those_that_came_before() {
        assert!(!affected("1.2-5.el9", &["1.2-4.el9_4.5"]));
        assert!(affected("1.2-5.el9", &["1.2-4.el9_4.5", "1.2-9.el9_6"]));
        assert!(!affected("1.2-5.el9", &["1.2-4.el9_4.5", "1.3-2.el9_6"]));
        assert!(affected("1.2-4.el9", &["1.2-4.el9_4.5", "1.3-2.el9_6"]));
    }
}
