//! One real server: its checkers, whether it lives, what it weighs.
use super::{event::CheckerId, knowledge::Knowledge};
use crate::{
    checkers::{Born, Schedule},
    config::model::{Checker, RealServer},
};
use std::time::Instant;

/// The kernel's largest weight.
const MAX_WEIGHT: i64 = i32::MAX as i64;

#[derive(Debug)]
pub(super) struct ServerState {
    /// As many as the configuration has, in its order.
    pub(super) checkers: Vec<CheckerState>,
    /// The last verdict over all of them.
    pub(super) alive: bool,
    /// What the notify scripts were told last.
    pub(super) told: Option<bool>,
}

#[derive(Debug)]
pub(super) struct CheckerState {
    pub(super) id: CheckerId,
    pub(super) schedule: Schedule,
    /// When this is due, as it stands in the director's list of deadlines.
    pub(super) due: Option<Instant>,
    /// A probe is under way.
    pub(super) running: bool,
    /// What the last probe found; empty before the first.
    pub(super) reason: String,
    pub(super) checked: Option<Instant>,
    /// Our own side failed last time: said once for each reason.
    pub(super) local: bool,
}

impl CheckerState {
    pub(super) fn new(id: CheckerId, schedule: Schedule) -> Self {
        Self {
            id,
            schedule,
            due: None,
            running: false,
            reason: String::new(),
            checked: None,
            local: false,
        }
    }
}

impl CheckerState {
    /// One that is told begins with what has been told so far.
    pub(super) fn learn(&mut self, checker: &Checker, known: &Knowledge, now: Instant) {
        if let Some(outcome) = known.outcome(&checker.kind) {
            self.schedule.assume(&outcome);
            outcome.reason().clone_into(&mut self.reason);
            self.checked = Some(now);
        }
    }
}

impl ServerState {
    /// A server starts as its checkers do: up, unless one of them is alpha.
    pub(super) fn new(
        config: &RealServer,
        born: Born,
        now: Instant,
        mut id: impl FnMut() -> CheckerId,
        mut jitter: impl FnMut() -> f64,
        known: &Knowledge,
    ) -> Self {
        let make = |checker: &Checker| {
            let mut state = CheckerState::new(id(), Schedule::new(checker, born, now, jitter()));
            state.learn(checker, known, now);
            state
        };
        let checkers: Vec<CheckerState> = config.checkers.iter().map(make).collect();
        let alive = checkers.iter().all(|checker| checker.schedule.is_up());
        Self { checkers, alive, told: None }
    }

    pub(super) fn all_up(&self) -> bool {
        self.checkers.iter().all(|checker| checker.schedule.is_up())
    }

    /// Configured weight and what dynamic checkers add, as the kernel can hold it.
    pub(super) fn weight(&self, config: &RealServer) -> u32 {
        let offsets: i64 =
            self.checkers.iter().map(|c| c.schedule.weight_offset(config.weight)).sum();
        let weight = i64::from(config.weight).saturating_add(offsets).clamp(0, MAX_WEIGHT);
        u32::try_from(weight).unwrap_or(0)
    }
}
