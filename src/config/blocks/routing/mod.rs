//! Route and rule lines, and the groups of instances that depend on static ones.
mod encapsulation;
mod route;
mod rule;
#[cfg(test)]
mod tests;
mod track_group;

pub(super) use route::lines as routes;
pub(super) use rule::lines as rules;
pub(super) use track_group::{
    Draft as TrackGroup, Followers, KEYWORDS as TRACK_GROUP, block as track_group,
};

use crate::{
    base::{Family, Prefix, Realms, Route, Rule},
    config::{
        blocks::line,
        names::{Kind, Names},
        source::Spanned,
    },
};
use std::{net::IpAddr, sync::Arc};

/// keepalived's first preference for rules that have none; each further one gets one less.
const FIRST_PREFERENCE: u32 = 16384;

/// What lines of the whole file share. Blocks are read one after the other: each takes it and gives
/// it back.
#[derive(Debug)]
pub(in crate::config) struct Shared {
    pub(super) names: Arc<Names>,
    next_preference_4: u32,
    next_preference_6: u32,
}

impl Default for Shared {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Shared {
    pub(super) const fn new(names: Arc<Names>) -> Self {
        let first = FIRST_PREFERENCE;
        Self { names, next_preference_4: first, next_preference_6: first }
    }

    /// For a rule that has none: in the order of the file, each family by itself.
    fn next_preference(&mut self, family: Family) -> u32 {
        let next = match family {
            Family::V4 => &mut self.next_preference_4,
            Family::V6 => &mut self.next_preference_6,
        };
        let preference = *next;
        *next = preference.saturating_sub(1).max(1);
        preference
    }
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Place {
    /// In an instance: only its MASTER has it.
    Virtual,
    /// At the top: always there.
    Static,
}

/// A line's route or rule, and the `track_group` that depends on it.
#[derive(Clone, Debug)]
pub(in crate::config) struct Draft<T> {
    pub(super) value: T,
    pub(super) group: Option<Spanned<String>>,
}

pub(super) type RouteDraft = Draft<Route>;
pub(super) type RuleDraft = Draft<Rule>;

pub(super) fn values<T>(drafts: Vec<Draft<T>>) -> Vec<T> {
    drafts.into_iter().map(|draft| draft.value).collect()
}

fn prefix(text: &str) -> Option<Prefix> {
    let (address, length) = line::address(text)?;
    let host = Prefix::host(address);
    let length = match length {
        Some(text) => text.parse().ok()?,
        None => host.length,
    };
    (length <= host.length).then_some(Prefix { address, length })
}

fn ip(text: &str) -> Option<IpAddr> {
    // keepalived cuts a length off an address where none belongs.
    line::address(text).map(|(address, _)| address)
}

fn interface(text: &str) -> Option<String> {
    (1..=15).contains(&text.len()).then(|| text.to_owned())
}

/// `TO` or `FROM/TO`, each a name of rt_realms or a number.
fn realms(names: &Names, text: &str) -> Option<Realms> {
    let realm = |text: &str| names.find_as(Kind::Realm, text);
    match text.split_once('/') {
        Some((from, to)) => Some(Realms { from: realm(from)?, to: realm(to)? }),
        None => Some(Realms { from: 0, to: realm(text)? }),
    }
}

fn named<T: Copy>(table: &[(&str, T)], text: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}
