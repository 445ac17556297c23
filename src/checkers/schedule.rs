//! When to probe, which url, and what an outcome does to a checker's standing (spec: LVS and
//! checkers §3, §4). Pure: told the time, the jitter and the outcome.
use super::Outcome;
use crate::config::model::{Checker, CheckerKind, Timing};
use std::time::{Duration, Instant};

/// How a checker came to be: a server that a reload brought gets its retries on the first failure
/// too, one that was there at the start does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Born {
    AtStart,
    AtReload,
}

/// What to probe next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeRequest {
    /// Index into the urls of an HTTP checker; 0 for all others.
    pub url: usize,
}

/// What became of the checker's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Unchanged,
    /// The first success of one that counted as up already: worth a line, nothing else.
    Confirmed,
    Up,
    /// Also the first failure of an alpha checker, which never was up.
    Down,
}

/// What one outcome led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    pub change: Change,
    /// With `Change::Down`: how many retries were spent before giving up.
    pub retries: u32,
    /// Worth a line in the log: changes, local errors, and with `log_all_failures` each failure.
    pub log: bool,
    /// [`Schedule::weight_offset`] may differ from before.
    pub weight_changed: bool,
}

/// One checker's clock and standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    timing: Timing,
    rules: Rules,
    born: Born,
    up: bool,
    /// Whether there was a first result (of a whole round, for several urls).
    has_run: bool,
    /// Failures in a row of the present series.
    failures: u32,
    url: usize,
    /// The url whose failure took the checker down: only it is probed until it passes.
    failed_url: Option<usize>,
    next: Option<Instant>,
    started: Option<Instant>,
    weight: Weight,
}

/// What differs between the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rules {
    urls: usize,
    fast_recovery: bool,
    /// Pauses count from the start of a probe, not from its end (MISC_CHECK).
    from_start: bool,
    /// The retries start afresh each round, the first one and those while down included (SMTP_CHECK).
    always_retries: bool,
    /// While down the longer of both delays counts (HTTP_GET).
    longer_delay_when_down: bool,
    /// Never probed: somebody tells (FILE_CHECK, BFD_CHECK).
    told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    AsConfigured,
    /// misc_dynamic: exit code 2..=255.
    Code(u8),
    Offset(i64),
}

/// The pause before any checker's first probe, before its jitter.
const START_DELAY: Duration = Duration::from_secs(1);

impl Schedule {
    /// The first probe is due 1 s + `jitter` (0 ≤ jitter < 1) × warmup from now.
    #[must_use]
    pub fn new(checker: &Checker, born: Born, now: Instant, jitter: f64) -> Self {
        let mut schedule = Self {
            timing: checker.timing,
            rules: Rules::of(&checker.kind),
            born,
            up: !checker.timing.alpha,
            has_run: false,
            failures: 0,
            url: 0,
            failed_url: None,
            next: None,
            started: None,
            weight: Weight::AsConfigured,
        };
        schedule.restart_timer(now, jitter);
        schedule
    }

    /// Waits anew as at the start; standing and counts stay.
    pub fn restart_timer(&mut self, now: Instant, jitter: f64) {
        let first = now + START_DELAY + self.timing.warmup.mul_f64(jitter.clamp(0.0, 1.0));
        self.next = (!self.rules.told).then_some(first);
        self.started = None;
    }

    /// No more probes until [`Self::resume`]; the standing freezes.
    pub fn suspend(&mut self) {
        self.next = None;
        self.started = None;
    }

    /// Probes at once.
    pub fn resume(&mut self, now: Instant) {
        self.next = (!self.rules.told).then_some(now);
    }

    /// Begins with what is known already, as if it had been so all the time.
    pub fn assume(&mut self, outcome: &Outcome) {
        (self.up, self.weight) = match outcome {
            Outcome::Pass { code: None, .. } => (true, Weight::AsConfigured),
            Outcome::Pass { code: Some(code), .. } => (true, Weight::Code(*code)),
            Outcome::Weigh { offset, .. } => (true, Weight::Offset(*offset)),
            Outcome::Fail { .. } => (false, Weight::AsConfigured),
            Outcome::Local { .. } => return,
        };
        self.has_run = true;
    }

    /// When the next probe is due; None while one runs, while suspended, and for who is told.
    #[must_use]
    pub const fn next_probe(&self) -> Option<Instant> {
        self.next
    }

    #[must_use]
    pub const fn probe_request(&self) -> ProbeRequest {
        ProbeRequest { url: self.url }
    }

    /// The probe that was due has been started.
    pub const fn started(&mut self, now: Instant) {
        self.next = None;
        self.started = Some(now);
    }

    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.up
    }

    /// Whether there has been a result since it was made.
    #[must_use]
    pub const fn has_run(&self) -> bool {
        self.has_run
    }

    /// What this checker adds to its server's configured weight.
    #[must_use]
    pub fn weight_offset(&self, configured: u32) -> i64 {
        match self.weight {
            Weight::AsConfigured => 0,
            Weight::Code(code) => i64::from(code) - 2 - i64::from(configured),
            Weight::Offset(offset) => offset,
        }
    }

    /// Takes the outcome of the probe that ran, and sets the time of the next one. An outcome that
    /// comes when none was under way (suspended meanwhile) is dropped.
    pub fn record(&mut self, outcome: &Outcome, now: Instant) -> Verdict {
        let Some(started) = self.started.take() else { return Verdict::NOTHING };
        let (verdict, pause) = match outcome {
            Outcome::Pass { code: None, .. } => self.pass(Weight::AsConfigured),
            Outcome::Pass { code: Some(code), .. } => self.pass(Weight::Code(*code)),
            Outcome::Weigh { offset, .. } => self.pass(Weight::Offset(*offset)),
            Outcome::Fail { .. } => self.fail(),
            // The server is not to blame: no count moves, its standing stays.
            Outcome::Local { .. } => {
                (Verdict { log: true, ..Verdict::NOTHING }, self.timing.delay_loop)
            }
        };
        let next = if self.rules.from_start { (started + pause).max(now) } else { now + pause };
        self.next = (!self.rules.told).then_some(next);
        verdict
    }

    fn pass(&mut self, weight: Weight) -> (Verdict, Duration) {
        self.failures = 0;
        let weight_changed = self.weight != weight;
        self.weight = weight;
        // The failed url of a list passing again only lets the list begin anew.
        let restart = self.failed_url.take().is_some_and(|url| url > 0);
        self.url = if restart { 0 } else { self.url + 1 };
        let complete = !restart && self.url >= self.rules.urls;
        if complete {
            self.url = 0;
        }
        let settled = self.up && self.has_run;
        let change = match (complete, self.up, self.has_run) {
            (false, _, _) | (true, true, true) => Change::Unchanged,
            (true, true, false) => Change::Confirmed,
            (true, false, _) => Change::Up,
        };
        if complete {
            self.up = true;
            self.has_run = true;
        }
        let pause = if self.rules.fast_recovery && !settled && !complete {
            Duration::ZERO
        } else {
            self.timing.delay_loop
        };
        let log = change != Change::Unchanged;
        (Verdict { change, retries: 0, log, weight_changed }, pause)
    }

    fn fail(&mut self) -> (Verdict, Duration) {
        let first = !self.has_run;
        let has_retries =
            self.rules.always_retries || (self.up && (self.has_run || self.born == Born::AtReload));
        if has_retries && self.failures < self.timing.retry {
            self.failures += 1;
            let log = self.timing.log_all_failures;
            return (Verdict { log, ..Verdict::NOTHING }, self.timing.delay_before_retry);
        }
        let retries = self.failures;
        let change = if self.up || first { Change::Down } else { Change::Unchanged };
        let weight_changed = self.weight != Weight::AsConfigured;
        self.weight = Weight::AsConfigured;
        self.failures = 0;
        self.up = false;
        self.has_run = true;
        self.failed_url = Some(self.url);
        let pause = if self.rules.longer_delay_when_down {
            self.timing.delay_loop.max(self.timing.delay_before_retry)
        } else {
            self.timing.delay_loop
        };
        let log = change == Change::Down || self.timing.log_all_failures;
        (Verdict { change, retries, log, weight_changed }, pause)
    }
}

impl Verdict {
    const NOTHING: Self =
        Self { change: Change::Unchanged, retries: 0, log: false, weight_changed: false };
}

impl Rules {
    fn of(kind: &CheckerKind) -> Self {
        let common = Self {
            urls: 1,
            fast_recovery: false,
            from_start: false,
            always_retries: false,
            longer_delay_when_down: false,
            told: false,
        };
        match kind {
            CheckerKind::Tcp(_)
            | CheckerKind::Ping(_)
            | CheckerKind::Dns(_)
            | CheckerKind::Udp(_) => common,
            CheckerKind::Http(http) => Self {
                urls: http.urls.len().max(1),
                fast_recovery: http.fast_recovery,
                longer_delay_when_down: true,
                ..common
            },
            CheckerKind::Smtp(_) => Self { always_retries: true, ..common },
            CheckerKind::Misc(_) => Self { from_start: true, ..common },
            CheckerKind::File(_) | CheckerKind::Bfd(_) => Self { told: true, ..common },
        }
    }
}

#[cfg(test)]
mod tests;
