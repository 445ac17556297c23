//! What the BFD child has said of its sessions, for the other children: those that start later hear
//! of it, and a session that a restarted BFD child does not find up again counts as down.
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A new BFD child has this long to come up with its neighbours: sessions start with a packet a
/// second, and a neighbour must first notice that the old one is gone.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<String, Known>);

#[derive(Debug)]
struct Known {
    up: bool,
    /// Nobody has watched it since its child ended: until then it may still be said to be up.
    until: Option<Instant>,
}

impl Sessions {
    /// Whether this is to be passed on. A new child begins with every session down: that is no
    /// news of those that an old one found up.
    pub(super) fn changed(&mut self, name: &str, up: bool) -> bool {
        if !up && self.0.get(name).is_some_and(|known| known.until.is_some()) {
            return false;
        }
        self.0.insert(name.to_owned(), Known { up, until: None });
        true
    }

    /// The BFD child has ended.
    pub(super) fn unknown(&mut self, now: Instant) {
        for known in self.0.values_mut().filter(|known| known.up) {
            known.until.get_or_insert(now + GRACE);
        }
    }

    /// For a child that starts.
    pub(super) fn known(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|(name, known)| (name.as_str(), known.up))
    }

    /// Those that nobody has found up again in time: down from now on.
    pub(super) fn lost(&mut self, now: Instant) -> Vec<String> {
        let overdue =
            self.0.iter_mut().filter(|(_, known)| known.until.is_some_and(|at| at <= now));
        overdue
            .map(|(name, known)| {
                *known = Known { up: false, until: None };
                name.clone()
            })
            .collect()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.values().filter_map(|known| known.until).min()
    }
}
