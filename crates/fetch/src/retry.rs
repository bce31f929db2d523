//! When, and how soon, a request is sent again.

use crate::settings::Retries;
use jiff::fmt::rfc2822;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The longest wait that a server may ask for.
const LONGEST: Duration = Duration::from_secs(60);

/// Whether an answer with this status may be another one a moment later.
pub(crate) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// The wait that `Retry-After` asks for (RFC 9110, section 10.2.3). A date in it is compared with the `Date` of the same
/// answer, so that neither clock needs to be right.
pub(crate) fn asked_wait(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    let wait = match retry_after.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = rfc2822::parse(retry_after.trim()).ok()?.timestamp();
            let now = rfc2822::parse(date?.trim()).ok()?.timestamp();
            Duration::try_from(until.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

/// Waits that double, with a random part so that many clients do not come back at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    state: AtomicU64,
    retries: Retries,
}

impl Backoff {
    pub(crate) fn new(retries: Retries) -> Self {
        Self { state: AtomicU64::new(retries.seed), retries }
    }

    /// The wait after the failure number `attempt`, from 0: between half and all of what it has doubled to.
    pub(crate) fn wait(&self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt).unwrap_or(u32::MAX);
        let longest = self.retries.base.saturating_mul(factor).min(self.retries.cap);
        let half = longest / 2;
        let share = u32::try_from(self.random() >> 32).unwrap_or_default();
        half + Duration::from_secs_f64(half.as_secs_f64() * f64::from(share) / f64::from(u32::MAX))
    }

    /// `SplitMix64`.
    fn random(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut state = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^ (state >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_asks_for_seconds_or_until_a_date() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let seconds = |text, date| asked_wait(text, date).map(|wait| wait.as_secs());
        assert_eq!(seconds("7", None), Some(7));
        assert_eq!(seconds(" 0 ", None), Some(0));
        assert_eq!(seconds("3600", None), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:57 GMT", date), Some(20));
        assert_eq!(seconds("Sun, 06 Nov 1994 09:49:57 GMT", date), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:07 GMT", date), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:57 GMT", None), None);
        assert_eq!(seconds("soon", date), None);
        assert_eq!(seconds("-1", date), None);
    }

    #[test]
    fn waits_double_up_to_the_cap_and_are_the_same_for_the_same_seed() {
        let retries =
            Retries { base: Duration::from_secs(1), cap: Duration::from_secs(5), ..Retries::default() };
        let waits = |seed| {
            let backoff = Backoff::new(Retries { seed, ..retries.clone() });
            [0, 1, 2, 3, 40].map(|attempt| backoff.wait(attempt))
        };
        for (wait, longest) in waits(1).into_iter().zip([1.0, 2.0, 4.0, 5.0, 5.0]) {
            assert!((longest / 2.0..=longest).contains(&wait.as_secs_f64()), "{wait:?} of {longest}");
        }
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}
