//! Which processes count, and what their number says (`vrrp_track_process`).
use crate::config::model::{ParamMatch, ProcessMatch, TrackProcess};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Whether a process of this name (/proc/PID/comm without its line end) and this command line
/// (/proc/PID/cmdline, words ended by NUL) is one of those. A zombie has no command line.
#[must_use]
pub fn matches(which: &ProcessMatch, comm: &[u8], cmdline: &[u8]) -> bool {
    match which {
        ProcessMatch::Name(name) => comm == name.as_bytes(),
        ProcessMatch::CommandLine { command, parameters, rule } => {
            let mut words = cmdline.strip_suffix(&[0]).unwrap_or(cmdline).split(|byte| *byte == 0);
            if words.next() != Some(command.as_bytes()) || cmdline.is_empty() {
                return false;
            }
            follows(&words.collect::<Vec<_>>(), parameters, *rule)
        }
    }
}

fn follows(words: &[&[u8]], parameters: &[String], rule: ParamMatch) -> bool {
    let equal = |n: usize| {
        words.len() >= n && words.iter().zip(parameters).take(n).all(|(w, p)| *w == p.as_bytes())
    };
    match (rule, parameters.split_last()) {
        (ParamMatch::Any, _) => true,
        (ParamMatch::Exact, _) => words.len() == parameters.len() && equal(parameters.len()),
        (ParamMatch::Partial | ParamMatch::Initial, None) => true,
        (ParamMatch::Partial, Some(_)) => equal(parameters.len()),
        (ParamMatch::Initial, Some((last, first))) => {
            equal(first.len())
                && words.get(first.len()).is_some_and(|word| word.starts_with(last.as_bytes()))
        }
    }
}

/// The matching processes of one `vrrp_track_process`, and its verdict.
#[derive(Clone, Debug)]
pub struct ProcessCount {
    quorum: usize,
    quorum_max: usize,
    fork_delay: Duration,
    terminate_delay: Duration,
    pids: BTreeSet<i32>,
    /// None before the first count.
    up: Option<bool>,
    /// When the other verdict counts, if it lasts until then.
    pending: Option<Instant>,
}

impl ProcessCount {
    #[must_use]
    pub fn new(config: &TrackProcess) -> Self {
        let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Self {
            quorum: size(config.quorum),
            quorum_max: config.quorum_max.map_or(usize::MAX, size),
            fork_delay: config.fork_delay,
            terminate_delay: config.terminate_delay,
            pids: BTreeSet::new(),
            up: None,
            pending: None,
        }
    }

    /// All that match now. The first time decides at once. Answers a new verdict.
    pub fn set(&mut self, pids: BTreeSet<i32>, now: Instant) -> Option<bool> {
        let more = pids.len() > self.pids.len();
        self.pids = pids;
        self.judge(more, now)
    }

    /// One more matches, or one that was counted no longer does.
    pub fn update(&mut self, pid: i32, counts: bool, now: Instant) -> Option<bool> {
        let changed = if counts { self.pids.insert(pid) } else { self.pids.remove(&pid) };
        if changed { self.judge(counts, now) } else { None }
    }

    #[must_use]
    pub fn has(&self, pid: i32) -> bool {
        self.pids.contains(&pid)
    }

    fn judge(&mut self, more: bool, now: Instant) -> Option<bool> {
        let is = (self.quorum..=self.quorum_max).contains(&self.pids.len());
        let Some(was) = self.up else {
            self.up = Some(is);
            return self.up;
        };
        if is == was {
            self.pending = None;
            return None;
        }
        let delay = if more { self.fork_delay } else { self.terminate_delay };
        if delay.is_zero() {
            self.pending = None;
            self.up = Some(is);
            return self.up;
        }
        // What waits already does not wait longer for more of the same.
        self.pending.get_or_insert(now + delay);
        None
    }

    /// When [`Self::on_deadline`] has something to say.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.pending
    }

    /// A change that has lasted long enough.
    pub fn on_deadline(&mut self, now: Instant) -> Option<bool> {
        self.pending.take_if(|at| *at <= now)?;
        self.up = self.up.map(|up| !up);
        self.up
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Spanned;

    fn line(command: &str, parameters: &[&str], rule: ParamMatch) -> ProcessMatch {
        let parameters = parameters.iter().map(|p| (*p).to_owned()).collect();
        ProcessMatch::CommandLine { command: command.to_owned(), parameters, rule }
    }

    #[test]
    fn names_and_command_lines() {
        use ParamMatch::{Any, Exact, Initial, Partial};
        let nginx = ProcessMatch::Name("nginx".to_owned());
        assert!(matches(&nginx, b"nginx", b""));
        assert!(!matches(&nginx, b"nginx2", b"nginx\0"));
        assert!(!matches(&nginx, b"sh", b"nginx\0"));
        for (parameters, rule, cmdline, expected) in [
            (&[][..], Any, "sleep\x0010\0", true),
            (&[], Exact, "sleep\x0010\0", false),
            (&[], Exact, "sleep\0", true),
            (&[], Partial, "sleep\x0010\0", true),
            (&["10"], Exact, "sleep\x0010\0", true),
            (&["10"], Exact, "sleep\x00100\0", false),
            (&["10"], Exact, "sleep\x0010\x0020\0", false),
            (&["10"], Partial, "sleep\x0010\x0020\0", true),
            (&["10"], Partial, "sleep\x00100\0", false),
            (&["10"], Initial, "sleep\x00100\x001\0", true),
            (&["10"], Initial, "sleep\x001\0", false),
            (&["1", "2"], Initial, "sleep\x001\x0022\0", true),
            (&["1", "2"], Initial, "sleep\x0011\x002\0", false),
            (&["1", "2"], Partial, "sleep\x001\0", false),
            (&["1"], Partial, "/bin/sleep\x001\0", false),
            (&[], Any, "", false),
        ] {
            let which = line("sleep", parameters, rule);
            let found = matches(&which, b"other", cmdline.as_bytes());
            assert_eq!(found, expected, "{parameters:?} {rule:?} {cmdline:?}");
        }
    }

    fn count(quorum: u32, most: Option<u32>, fork: u64, terminate: u64) -> ProcessCount {
        ProcessCount::new(&TrackProcess {
            name: Spanned::default(),
            which: ProcessMatch::Name("x".to_owned()),
            weight: 0,
            reverse: false,
            quorum,
            quorum_max: most,
            fork_delay: Duration::from_secs(fork),
            terminate_delay: Duration::from_secs(terminate),
        })
    }

    #[test]
    fn a_quorum_has_two_ends() {
        let now = Instant::now();
        let mut two = count(2, Some(3), 0, 0);
        assert_eq!(two.set(BTreeSet::from([1]), now), Some(false), "at once");
        assert_eq!(two.update(1, true, now), None, "known already");
        assert_eq!(two.update(2, true, now), Some(true));
        assert_eq!(two.update(3, true, now), None);
        assert_eq!(two.update(4, true, now), Some(false), "too many");
        assert_eq!(two.update(9, false, now), None, "was none of them");
        assert_eq!(two.update(4, false, now), Some(true));
        assert_eq!(two.set(BTreeSet::new(), now), Some(false));
        let mut none = count(0, Some(0), 0, 0);
        assert_eq!(none.set(BTreeSet::new(), now), Some(true));
        assert_eq!(none.update(1, true, now), Some(false));
    }

    #[test]
    fn a_change_must_last() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut one = count(1, None, 2, 5);
        assert_eq!(one.set(BTreeSet::from([1]), now), Some(true), "the first count does not wait");
        assert_eq!(one.update(1, false, now), None);
        assert_eq!(one.deadline(), Some(after(5)));
        assert_eq!(one.on_deadline(after(4)), None);
        assert_eq!(one.update(2, true, after(4)), None);
        assert_eq!(one.deadline(), None, "it came back in time");
        assert_eq!(one.update(2, false, after(5)), None);
        assert_eq!(one.on_deadline(after(10)), Some(false));
        assert_eq!(one.update(3, true, after(11)), None);
        assert_eq!(one.deadline(), Some(after(13)));
        assert_eq!(one.on_deadline(after(13)), Some(true));
        assert_eq!((one.has(3), one.has(2)), (true, false));
    }
}
