//! The level of a CVSS 3.0 or 3.1 base vector (first.org/cvss/v3.1/specification-document, sections 7.1, 7.4, 5).
//!
//! Temporal and environmental metrics are passed over: a vendor's feed states the base. The levels are the
//! specification's own; its `None` is our negligible. Version 2 and 4 vectors are not computed.

use imagescan_model::Severity;

/// The level of `vector`, if it is a whole base vector of version 3.
pub(crate) fn severity(vector: &str) -> Option<Severity> {
    // Tenths are compared: a score has one decimal.
    Some(match tenths(vector)? {
        0 => Severity::Negligible,
        1..=39 => Severity::Low,
        40..=69 => Severity::Medium,
        70..=89 => Severity::High,
        _ => Severity::Critical,
    })
}

/// The base score in tenths.
pub(crate) fn tenths(vector: &str) -> Option<u32> {
    let (version, metrics) = vector.split_once('/')?;
    if !matches!(version, "CVSS:3.0" | "CVSS:3.1") {
        return None;
    }
    let metric = |name: &str| {
        let mut values = metrics.split('/').filter_map(|metric| metric.split_once(':'));
        values.find(|(known, _)| *known == name).map(|(_, value)| value)
    };
    let changed = match metric("S")? {
        "U" => false,
        "C" => true,
        _ => return None,
    };
    let vector = weight(metric("AV")?, &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?;
    let complexity = weight(metric("AC")?, &[("L", 0.77), ("H", 0.44)])?;
    let (low, high) = if changed { (0.68, 0.5) } else { (0.62, 0.27) };
    let privileges = weight(metric("PR")?, &[("N", 0.85), ("L", low), ("H", high)])?;
    let interaction = weight(metric("UI")?, &[("N", 0.85), ("R", 0.62)])?;
    let kept = |name| Some(1.0 - weight(metric(name)?, &[("H", 0.56), ("L", 0.22), ("N", 0.0)])?);
    let lost = 1.0 - kept("C")? * kept("I")? * kept("A")?;
    let impact = if changed { 7.52 * (lost - 0.029) - 3.25 * power_15(lost - 0.02) } else { 6.42 * lost };
    if impact <= 0.0 {
        return Some(0);
    }
    let exploitability = 8.22 * vector * complexity * privileges * interaction;
    let sum = impact + exploitability;
    Some(round_up(if changed { 1.08 * sum } else { sum }.min(10.0)))
}

fn weight(value: &str, weights: &[(&str, f64)]) -> Option<f64> {
    weights.iter().find(|(known, _)| *known == value).map(|(_, weight)| *weight)
}

/// By multiplication alone: the same on every machine.
fn power_15(base: f64) -> f64 {
    (0..15).fold(1.0, |power, _| power * base)
}

/// The smallest number of tenths that is not below `score`, as appendix A rounds.
fn round_up(score: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a score is between 0 and 10"
    )]
    let fine = (score * 100_000.0).round() as u32;
    fine.div_ceil(10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_scores_come_out() {
        for (vector, score, level) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 98, Severity::Critical),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 100, Severity::Critical),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 78, Severity::High),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 75, Severity::High),
            ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H", 59, Severity::Medium),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 61, Severity::Medium),
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:C/C:L/I:L/A:N/E:P", 54, Severity::Medium),
            ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N", 37, Severity::Low),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0, Severity::Negligible),
        ] {
            assert_eq!((tenths(vector), severity(vector)), (Some(score), Some(level)), "{vector}");
        }
    }

    #[test]
    fn what_is_no_base_vector_has_no_level() {
        for vector in [
            "",
            "CVSS:3.1",
            "CVSS:3.1/AV:N",
            "AV:N/AC:L/Au:N/C:P/I:P/A:P",
            "CVSS:4.0/AV:N/AC:L",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:X/C:H/I:H/A:H",
            "CVSS:3.1/AV:Q/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        ] {
            assert_eq!(severity(vector), None, "{vector}");
        }
    }
}
