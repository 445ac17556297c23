//! Interfaces that exist for instances: made when what is below them is there, made again when they
//! are lost, gone at the end.
use super::{VrrpNode, event::Action, links::Links};
use crate::{
    base::{LinkIndex, OwnLink},
    config::model::VrrpInstance,
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Before one that does not appear is ordered again.
const RETRY: Duration = Duration::from_secs(5);

/// What has been ordered, by name.
#[derive(Debug, Default)]
pub(super) struct OwnLinks {
    ordered: BTreeMap<String, Ordered>,
}

#[derive(Debug)]
struct Ordered {
    link: OwnLink,
    /// The interface below it when it was ordered: another one of that name means anew.
    parent: LinkIndex,
    /// Until then it may take to appear.
    due: Option<Instant>,
}

impl OwnLinks {
    /// Orders what is wanted and not there. What has been there before is none of ours until it is
    /// made anew: `links` forgets it.
    fn arrange(
        &mut self,
        wanted: &[OwnLink],
        links: &mut Links,
        now: Instant,
        out: &mut Vec<Action>,
    ) {
        for link in wanted {
            let Some(parent) = links.find(&link.parent).map(|parent| parent.index) else {
                // The kernel takes it away together with its parent.
                self.ordered.remove(&link.name);
                continue;
            };
            let same = |ordered: &Ordered| ordered.link == *link && ordered.parent == parent;
            let there = links.find(&link.name).is_some();
            if let Some(ordered) = self.ordered.get_mut(&link.name).filter(|known| same(known)) {
                let waits = ordered.due.is_some_and(|due| now < due);
                if there && (!waits || links.is_usable(&link.name)) {
                    ordered.due = None;
                }
                if there || waits {
                    continue;
                }
            }
            links.forget_link(&link.name);
            out.push(Action::CreateLinks(vec![link.clone()]));
            let ordered = Ordered { link: link.clone(), parent, due: Some(now + RETRY) };
            self.ordered.insert(link.name.clone(), ordered);
        }
    }

    /// Those that nobody wants any more.
    fn surplus(&mut self, wanted: &[OwnLink]) -> Vec<OwnLink> {
        let is_wanted = |name: &str| wanted.iter().any(|link| link.name == name);
        let names: Vec<String> =
            self.ordered.keys().filter(|name| !is_wanted(name)).cloned().collect();
        let taken = names.iter().filter_map(|name| self.ordered.remove(name));
        taken.map(|ordered| ordered.link).collect()
    }

    /// Whether one of the instance's own interfaces has been ordered a moment ago and is not yet
    /// usable.
    pub(super) fn awaited(&self, config: &VrrpInstance, links: &Links, now: Instant) -> bool {
        config.own_links.iter().any(|link| {
            let due = self.ordered.get(&link.name).and_then(|ordered| ordered.due);
            due.is_some_and(|due| now < due) && !links.is_usable(&link.name)
        })
    }

    /// When to look again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.ordered.values().filter_map(|ordered| ordered.due).min()
    }
}

impl VrrpNode {
    /// Makes what is missing; takes away what a reload has left over.
    pub(super) fn match_own_links(&mut self, now: Instant, out: &mut Vec<Action>) {
        if !self.links.are_known() {
            return;
        }
        let wanted = self.wanted_own_links();
        let surplus = self.own_links.surplus(&wanted);
        if !surplus.is_empty() {
            out.push(Action::RemoveLinks(surplus));
        }
        self.own_links.arrange(&wanted, &mut self.links, now, out);
        for instance in &mut self.instances {
            instance.awaits_links = self.own_links.awaited(&instance.config, &self.links, now);
        }
    }

    /// At the end.
    pub(super) fn remove_own_links(&mut self, out: &mut Vec<Action>) {
        let all = self.own_links.surplus(&[]);
        if !all.is_empty() {
            out.push(Action::RemoveLinks(all));
        }
    }

    fn wanted_own_links(&self) -> Vec<OwnLink> {
        self.instances.iter().flat_map(|instance| instance.config.own_links.clone()).collect()
    }
}
