//! Delays between attempts that failed: none at first, then growing to a limit.
use std::time::Duration;

/// Counts failures in a row. Pure: it names delays, it does not wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The longest pause.
    pub const LIMIT: Duration = Duration::from_secs(30);

    /// The pause before the next attempt: 0, 1, 2, 4, 8, 16, 30, 30 … seconds.
    pub fn after_failure(&mut self) -> Duration {
        let delay = match self.failures {
            0 => Duration::ZERO,
            n => Duration::from_secs(1 << (n - 1).min(5)).min(Self::LIMIT),
        };
        self.failures = self.failures.saturating_add(1);
        delay
    }

    /// It worked: the next failure is a first one again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_limit_and_starts_afresh_after_success() {
        let mut backoff = Backoff::default();
        let seconds: Vec<u64> = (0..8).map(|_| backoff.after_failure().as_secs()).collect();
        assert_eq!(seconds, [0, 1, 2, 4, 8, 16, 30, 30]);
        backoff.reset();
        assert_eq!(backoff.after_failure(), Duration::ZERO);
    }
}
