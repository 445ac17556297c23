//! Everything that may fail at the same time.
use super::{
    Director,
    network::{interfaces, tracked},
};
use crate::trackers::Subject;

/// Something that is out of order. The number is the director's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The machine is dead.
    Node(usize),
    /// The interface has no carrier.
    Interface(usize, String),
    /// A script, a process or a BFD session.
    Tracked(usize, Subject),
}

impl Failure {
    #[must_use]
    pub const fn director(&self) -> usize {
        match self {
            Self::Node(at) | Self::Interface(at, _) | Self::Tracked(at, _) => *at,
        }
    }

    /// Nothing of a dead machine fails once more.
    fn goes_with(&self, other: &Self) -> bool {
        let alive = |failure: &Self| !matches!(failure, Self::Node(_));
        self.director() != other.director() || alive(self) && alive(other)
    }
}

/// How many failures at once are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    All,
    /// At most that many: 2 or 1.
    Few(usize),
    /// Not even every single one.
    Some,
}

/// Combinations, the fewest failures first, beginning with none; at most `most` of them.
pub(super) fn combinations(directors: &[Director<'_>], most: usize) -> (Vec<Vec<Failure>>, Depth) {
    let mut single: Vec<Failure> = directors.iter().enumerate().flat_map(of_one).collect();
    // Machines first: they are looked at in any case.
    single.sort_by_key(|failure| match failure {
        Failure::Node(_) => 0,
        Failure::Interface(..) => 1,
        Failure::Tracked(..) => 2,
    });
    let attempts =
        [(Depth::All, usize::MAX), (Depth::Few(2), 2), (Depth::Few(1), 1), (Depth::Some, 1)];
    let mut all = vec![];
    let mut depth = Depth::Some;
    for (attempt, deepest) in attempts {
        all = up_to(&single, deepest, most + 1);
        depth = attempt;
        if all.len() <= most {
            break;
        }
    }
    all.truncate(most);
    (all, depth)
}

/// Those of at most `deepest` failures, as long as they are not more than `most`.
fn up_to(single: &[Failure], deepest: usize, most: usize) -> Vec<Vec<Failure>> {
    // Each with the place in `single` from which on it may grow.
    let mut all: Vec<(Vec<Failure>, usize)> = vec![(vec![], 0)];
    let mut at = 0;
    while let Some((some, from)) = all.get(at).cloned() {
        if some.len() < deepest {
            for (place, failure) in single.iter().enumerate().skip(from) {
                if all.len() >= most {
                    break;
                }
                if some.iter().all(|other| failure.goes_with(other)) {
                    let more = some.iter().chain([failure]).cloned().collect();
                    all.push((more, place + 1));
                }
            }
        }
        at += 1;
    }
    all.into_iter().map(|(some, _)| some).collect()
}

fn of_one((at, director): (usize, &Director<'_>)) -> Vec<Failure> {
    let config = &director.config.vrrp;
    let mut found: Vec<Failure> = interfaces(config)
        .into_iter()
        .map(|name| Failure::Interface(at, name.to_owned()))
        .collect();
    found.extend(tracked(config).into_keys().map(|subject| Failure::Tracked(at, subject)));
    found.push(Failure::Node(at));
    found
}
