//! `interface_up_down_delays`: a change of an interface counts when it has lasted.
use crate::config::model::LinkDelays;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Interfaces with delays, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Damped(BTreeMap<String, Link>);

#[derive(Clone, Debug)]
struct Link {
    delays: LinkDelays,
    /// What counts; None before anything is known, or while there is no such interface.
    shown: Option<bool>,
    /// When the opposite will count, unless it ends before.
    turns: Option<Instant>,
}

impl Damped {
    pub(super) fn configure(&mut self, delays: BTreeMap<String, LinkDelays>) {
        let mut old = std::mem::take(&mut self.0);
        for (name, delays) in delays {
            let link = match old.remove(&name) {
                Some(known) => Link { delays, ..known },
                None => Link { delays, shown: None, turns: None },
            };
            self.0.insert(name, link);
        }
    }

    /// None: nothing is held back.
    pub(super) fn shown(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.shown
    }

    /// `real`: which interfaces there are, and whether they are usable. Whether something counts
    /// now that did not before.
    pub(super) fn look(&mut self, real: &BTreeMap<&str, bool>, now: Instant) -> bool {
        let mut changed = false;
        for (name, link) in &mut self.0 {
            let before = link.shown;
            link.look(real.get(name.as_str()).copied(), now);
            changed |= link.shown != before;
        }
        changed
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().filter_map(|link| link.turns).min()
    }
}

impl Link {
    /// What appears or vanishes counts at once: there is nothing to bounce.
    fn look(&mut self, real: Option<bool>, now: Instant) {
        let (Some(shown), Some(usable)) = (self.shown, real) else {
            (self.shown, self.turns) = (real, None);
            return;
        };
        if usable == shown {
            self.turns = None;
            return;
        }
        let delay = if usable { self.delays.up } else { self.delays.down };
        let turns = *self.turns.get_or_insert(now + delay);
        if turns <= now || delay == Duration::ZERO {
            (self.shown, self.turns) = (real, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn what_does_not_last_does_not_count() {
        let start = Instant::now();
        let mut damped = Damped::default();
        let delays = LinkDelays { down: seconds(2), up: seconds(5) };
        damped.configure([("eth0".to_owned(), delays)].into());
        let is = |usable| BTreeMap::from([("eth0", usable)]);
        assert!(damped.look(&is(true), start));
        assert_eq!((damped.shown("eth0"), damped.next()), (Some(true), None));
        assert_eq!(damped.shown("eth1"), None);

        // Down for one second.
        assert!(!damped.look(&is(false), start));
        assert_eq!(damped.next(), Some(start + seconds(2)));
        assert!(!damped.look(&is(false), start + seconds(1)));
        assert!(!damped.look(&is(true), start + seconds(1)));
        assert_eq!(damped.next(), None);

        // Down for good, then up.
        assert!(!damped.look(&is(false), start + seconds(3)));
        assert!(damped.look(&is(false), start + seconds(5)));
        assert_eq!(damped.shown("eth0"), Some(false));
        assert!(!damped.look(&is(true), start + seconds(6)));
        assert!(damped.look(&is(true), start + seconds(11)));
        assert_eq!(damped.shown("eth0"), Some(true));

        // Gone and back.
        assert!(damped.look(&BTreeMap::new(), start + seconds(12)));
        assert_eq!(damped.shown("eth0"), None);
        assert!(damped.look(&is(false), start + seconds(13)));
        assert_eq!(damped.shown("eth0"), Some(false));
    }
}
