//! One child's life as the parent sees it: waiting to start, running, stopping, gone.
use crate::base::Backoff;
use std::time::{Duration, Instant};

/// How often a child is asked whether its loop still turns.
pub(super) const PING_EVERY: Duration = Duration::from_secs(1);
/// A loop that has not answered for so long is stuck: its router would be deaf and dumb as well,
/// and a peer has taken over long before (Master_Down_Interval is 3 to 4 s).
pub(super) const SILENCE: Duration = Duration::from_secs(10);
/// Our own loop is late by so much only where this process did not run: a machine that was paused, a
/// stopped process. What the children said meanwhile is still to be read.
const LATE: Duration = Duration::from_secs(2);
/// A child that ran for so long had no trouble starting: its next end is a first failure again.
const SETTLED: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) enum Life {
    /// Has nothing to do, or ended in an orderly stop.
    Gone,
    Waiting {
        until: Instant,
    },
    Running {
        since: Instant,
        next_ping: Instant,
        heard: Instant,
    },
    /// Told to stop; killed at the deadline.
    Stopping {
        kill_at: Option<Instant>,
    },
}

#[derive(Debug)]
pub(super) struct ChildLife {
    pub(super) life: Life,
    backoff: Backoff,
    /// Number of the last ping.
    pub(super) ping: u64,
}

/// What a deadline brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Start,
    Ping(u64),
    /// Silent for [`SILENCE`], or stopping for too long.
    Kill,
}

impl ChildLife {
    pub(super) fn new() -> Self {
        Self { life: Life::Gone, backoff: Backoff::default(), ping: 0 }
    }

    /// Starts at once, unless it lives or is stopping.
    pub(super) fn start(&mut self, now: Instant) {
        if self.is_gone() {
            self.life = Life::Waiting { until: now };
        }
    }

    pub(super) fn started(&mut self, now: Instant) {
        self.life = Life::Running { since: now, next_ping: now + PING_EVERY, heard: now };
    }

    /// Any message proves that its loop turns.
    pub(super) fn heard(&mut self, now: Instant) {
        match &mut self.life {
            Life::Running { heard, .. } => *heard = now,
            Life::Gone | Life::Waiting { .. } | Life::Stopping { .. } => {}
        }
    }

    pub(super) fn stop(&mut self, kill_at: Instant) {
        match self.life {
            Life::Running { .. } => self.life = Life::Stopping { kill_at: Some(kill_at) },
            Life::Waiting { .. } => self.life = Life::Gone,
            Life::Gone | Life::Stopping { .. } => {}
        }
    }

    /// It ended. True: it was not supposed to, and a restart is planned.
    pub(super) fn exited(&mut self, now: Instant) -> bool {
        match self.life {
            Life::Running { since, .. } => {
                if now.duration_since(since) >= SETTLED {
                    self.backoff.reset();
                }
                self.life = Life::Waiting { until: now + self.backoff.after_failure() };
                true
            }
            Life::Gone | Life::Waiting { .. } | Life::Stopping { .. } => {
                self.life = Life::Gone;
                false
            }
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.life, Life::Running { .. })
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.life, Life::Gone)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match &self.life {
            Life::Gone => None,
            Life::Waiting { until } => Some(*until),
            Life::Running { next_ping, heard, .. } => Some((*next_ping).min(*heard + SILENCE)),
            Life::Stopping { kill_at } => *kill_at,
        }
    }

    pub(super) fn deadline(&mut self, now: Instant) -> Due {
        match &mut self.life {
            Life::Gone => Due::Nothing,
            Life::Waiting { until } if *until <= now => Due::Start,
            Life::Waiting { .. } => Due::Nothing,
            Life::Running { heard, next_ping, .. }
                if *heard + SILENCE <= now && now < *next_ping + LATE =>
            {
                // Counts as heard once more, so that one silence is one kill.
                *heard = now;
                Due::Kill
            }
            Life::Running { heard, next_ping, .. } if *next_ping <= now => {
                if *next_ping + LATE <= now {
                    *heard = now;
                }
                *next_ping = now + PING_EVERY;
                self.ping += 1;
                Due::Ping(self.ping)
            }
            Life::Running { .. } => Due::Nothing,
            Life::Stopping { kill_at } => match kill_at {
                Some(at) if *at <= now => {
                    *kill_at = None;
                    Due::Kill
                }
                Some(_) | None => Due::Nothing,
            },
        }
    }
}
