//! The numbers that stand for states in a file. They are part of the format: add, never renumber.

use imagescan_model::{AdvisoryState, DateKind, HiddenReason, MatchedBy, Severity};

const STATES: [AdvisoryState; 6] = [
    AdvisoryState::NotAffected,
    AdvisoryState::Affected,
    AdvisoryState::FixDeferred,
    AdvisoryState::WillNotFix,
    AdvisoryState::EndOfLife,
    AdvisoryState::UnderInvestigation,
];

const SEVERITIES: [Severity; 6] = [
    Severity::Unknown,
    Severity::Negligible,
    Severity::Low,
    Severity::Medium,
    Severity::High,
    Severity::Critical,
];

/// What a row's first byte says: bits 0–2 state, 3–5 severity, 6–7 why hidden (0: it is not).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Judgement {
    pub(crate) state: AdvisoryState,
    pub(crate) severity: Severity,
    pub(crate) hidden: Option<HiddenReason>,
}

impl Judgement {
    pub(crate) fn code(self) -> u8 {
        let state = match self.state {
            AdvisoryState::NotAffected => 0,
            AdvisoryState::Affected => 1,
            AdvisoryState::FixDeferred => 2,
            AdvisoryState::WillNotFix => 3,
            AdvisoryState::EndOfLife => 4,
            AdvisoryState::UnderInvestigation => 5,
        };
        let hidden = match self.hidden {
            None => 0,
            Some(HiddenReason::Unimportant) => 1,
            Some(HiddenReason::KernelHeaders) => 2,
        };
        state | severity_code(self.severity) << 3 | hidden << 6
    }

    pub(crate) fn of_code(code: u8) -> Option<Self> {
        Some(Self {
            state: *STATES.get(usize::from(code & 7))?,
            severity: severity_of_code(code >> 3 & 7)?,
            hidden: match code >> 6 {
                0 => None,
                1 => Some(HiddenReason::Unimportant),
                2 => Some(HiddenReason::KernelHeaders),
                _ => return None,
            },
        })
    }
}

pub(crate) fn severity_code(severity: Severity) -> u8 {
    match severity {
        Severity::Unknown => 0,
        Severity::Negligible => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

pub(crate) fn severity_of_code(code: u8) -> Option<Severity> {
    SEVERITIES.get(usize::from(code)).copied()
}

pub(crate) fn matched_by_code(matched_by: MatchedBy) -> u8 {
    match matched_by {
        MatchedBy::Source => 0,
        MatchedBy::Binary => 1,
    }
}

pub(crate) fn matched_by_of_code(code: u8) -> Option<MatchedBy> {
    match code {
        0 => Some(MatchedBy::Source),
        1 => Some(MatchedBy::Binary),
        _ => None,
    }
}

pub(crate) fn date_kind_code(kind: DateKind) -> u8 {
    match kind {
        DateKind::Disclosed => 0,
        DateKind::Advisory => 1,
        DateKind::Upload => 2,
        DateKind::FirstObserved => 3,
    }
}

pub(crate) fn date_kind_of_code(code: u8) -> Option<DateKind> {
    match code {
        0 => Some(DateKind::Disclosed),
        1 => Some(DateKind::Advisory),
        2 => Some(DateKind::Upload),
        3 => Some(DateKind::FirstObserved),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_its_own_and_comes_back() {
        let mut seen = 0;
        for code in 0..=u8::MAX {
            if let Some(judgement) = Judgement::of_code(code) {
                assert_eq!(judgement.code(), code);
                seen += 1;
            }
        }
        assert_eq!(seen, STATES.len() * SEVERITIES.len() * 3);
        assert_eq!(SEVERITIES, Severity::ALL);
        assert!((0..=u8::MAX).filter_map(date_kind_of_code).map(date_kind_code).eq(0..4));
        assert!((0..=u8::MAX).filter_map(matched_by_of_code).map(matched_by_code).eq(0..2));
    }
}
