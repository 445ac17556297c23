//! When a master tells its neighbours again where its addresses are.
use crate::config::model::GarpSchedule;
use std::time::{Duration, Instant};

/// The sets that are still to come. The first one is sent on entering the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Schedule {
    /// The second set, `garp_master_delay` after the first.
    second: Option<Instant>,
    /// Every `garp_master_refresh`, counted from the second set.
    refresh: Option<Instant>,
    /// Again after a lower-priority master was heard, `garp_lower_prio_delay` later.
    lower: Option<Instant>,
    /// `garp_extra_if`, counted from entering the state.
    extra: Option<Instant>,
}

impl Schedule {
    pub(super) fn new(garp: &GarpSchedule, now: Instant) -> Self {
        let some = |wait: Duration| (!wait.is_zero()).then(|| now + wait);
        Self {
            second: some(garp.delay),
            refresh: some(garp.refresh).map(|at| at + garp.delay),
            lower: None,
            extra: garp.extra.map(|extra| now + extra.every),
        }
    }

    pub(super) fn heard_lower(&mut self, garp: &GarpSchedule, now: Instant) {
        let wanted = garp.lower_prio_repeat > 0 && !garp.lower_prio_delay.is_zero();
        self.lower = wanted.then(|| now + garp.lower_prio_delay);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        [self.second, self.refresh, self.lower, self.extra].into_iter().flatten().min()
    }

    /// Rounds due now, all sets that expired together; 0 = none.
    pub(super) fn due(&mut self, garp: &GarpSchedule, now: Instant) -> u32 {
        let mut rounds = 0;
        if self.second.take_if(|at| *at <= now).is_some() {
            rounds += garp.repeat;
        }
        if self.lower.take_if(|at| *at <= now).is_some() {
            rounds += garp.lower_prio_repeat;
        }
        if self.refresh.is_some_and(|at| at <= now) {
            self.refresh = Some(now + garp.refresh.max(Duration::from_millis(10)));
            rounds += garp.refresh_repeat;
        }
        rounds
    }

    /// Whether further interfaces are to be told of now.
    pub(super) fn extra_due(&mut self, garp: &GarpSchedule, now: Instant) -> bool {
        let due = self.extra.take_if(|at| *at <= now).is_some();
        if let (true, Some(extra)) = (due, garp.extra) {
            self.extra = Some(now + extra.every);
        }
        due
    }
}
