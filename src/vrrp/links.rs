//! The interfaces of this host as the kernel last told of them, and what an event changed.
use super::damping::Damped;
use crate::{
    base::{LinkIndex, RouteIdentity, Rule},
    config::model::LinkDelays,
    net::{LinkView, NetEvent},
};
use std::{collections::BTreeMap, net::IpAddr, time::Instant};

#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    /// None before the first complete list: nothing may start yet.
    by_index: Option<BTreeMap<LinkIndex, LinkView>>,
    damped: Damped,
}

/// What is different after an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delta {
    /// It became usable, or appeared being so.
    Up(String),
    Down(String),
    AddressAdded(String, IpAddr),
    AddressRemoved(String, IpAddr),
    RouteRemoved(RouteIdentity),
    RuleRemoved(Box<Rule>),
}

impl Links {
    pub(super) const fn are_known(&self) -> bool {
        self.by_index.is_some()
    }

    pub(super) fn find(&self, name: &str) -> Option<&LinkView> {
        self.by_index.as_ref()?.values().find(|link| link.name == name)
    }

    /// As far as it counts: `interface_up_down_delays` look away for a while.
    pub(super) fn is_usable(&self, name: &str) -> bool {
        self.find(name).is_some_and(|link| self.damped.shown(name).unwrap_or(link.is_usable()))
    }

    /// By interface; one already known keeps what it shows.
    pub(super) fn set_delays(&mut self, delays: BTreeMap<String, LinkDelays>) {
        self.damped.configure(delays);
    }

    /// Lets changes count that have lasted; whether there were any.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let links = self.by_index.iter().flat_map(BTreeMap::values);
        let real = links.map(|link| (link.name.as_str(), link.is_usable())).collect();
        self.damped.look(&real, now)
    }

    pub(super) fn next_change(&self) -> Option<Instant> {
        self.damped.next()
    }

    /// One of that name is to be made: what is known of another one is void.
    pub(super) fn forget_link(&mut self, name: &str) {
        if let Some(links) = &mut self.by_index {
            links.retain(|_, link| link.name != name);
        }
    }

    pub(super) fn has(&self, name: &str, address: IpAddr) -> bool {
        self.find(name).is_some_and(|link| link.has(address))
    }

    /// Whether any interface has the address.
    pub(super) fn have(&self, address: IpAddr) -> bool {
        self.by_index.iter().flat_map(BTreeMap::values).any(|link| link.has(address))
    }

    /// We have ordered this removal ourselves: the kernel's news of it will be no news.
    pub(super) fn forget(&mut self, name: &str, address: IpAddr) {
        let links = self.by_index.iter_mut().flat_map(BTreeMap::values_mut);
        for link in links.filter(|link| link.name == name) {
            link.addresses.retain(|prefix| prefix.address != address);
        }
    }

    pub(super) fn apply(&mut self, event: NetEvent) -> Vec<Delta> {
        let mut out = vec![];
        match event {
            NetEvent::Links(list) => {
                let mut old = self.by_index.take().unwrap_or_default();
                let mut new = BTreeMap::new();
                for link in list {
                    compare(old.remove(&link.index).as_ref(), Some(&link), &mut out);
                    new.insert(link.index, link);
                }
                for gone in old.values() {
                    compare(Some(gone), None, &mut out);
                }
                self.by_index = Some(new);
            }
            NetEvent::Link(link) => {
                if let Some(links) = &mut self.by_index {
                    compare(links.get(&link.index), Some(&link), &mut out);
                    links.insert(link.index, link);
                }
            }
            NetEvent::LinkGone { index, name: _ } => {
                if let Some(gone) = self.by_index.as_mut().and_then(|links| links.remove(&index)) {
                    compare(Some(&gone), None, &mut out);
                }
            }
            NetEvent::AddressAdded { index, prefix } => {
                if let Some(link) = self.link_mut(index)
                    && !link.addresses.contains(&prefix)
                {
                    out.push(Delta::AddressAdded(link.name.clone(), prefix.address));
                    link.addresses.push(prefix);
                }
            }
            NetEvent::AddressRemoved { index, prefix } => {
                if let Some(link) = self.link_mut(index)
                    && link.addresses.contains(&prefix)
                {
                    link.addresses.retain(|known| *known != prefix);
                    if !link.has(prefix.address) {
                        out.push(Delta::AddressRemoved(link.name.clone(), prefix.address));
                    }
                }
            }
            NetEvent::RouteRemoved(route) => out.push(Delta::RouteRemoved(route)),
            NetEvent::RuleRemoved(rule) => out.push(Delta::RuleRemoved(rule)),
        }
        out
    }

    fn link_mut(&mut self, index: LinkIndex) -> Option<&mut LinkView> {
        self.by_index.as_mut()?.get_mut(&index)
    }
}

fn compare(old: Option<&LinkView>, new: Option<&LinkView>, out: &mut Vec<Delta>) {
    // A renamed link is one gone and one come.
    if let (Some(before), Some(after)) = (old, new)
        && before.name != after.name
    {
        compare(Some(before), None, out);
        compare(None, Some(after), out);
        return;
    }
    let (was, is) = (old.is_some_and(LinkView::is_usable), new.is_some_and(LinkView::is_usable));
    if was && !is {
        out.extend(old.map(|link| Delta::Down(link.name.clone())));
    }
    if let Some(before) = old {
        for prefix in &before.addresses {
            if !new.is_some_and(|link| link.has(prefix.address)) {
                out.push(Delta::AddressRemoved(before.name.clone(), prefix.address));
            }
        }
    }
    if let Some(after) = new {
        for prefix in &after.addresses {
            if !old.is_some_and(|link| link.has(prefix.address)) {
                out.push(Delta::AddressAdded(after.name.clone(), prefix.address));
            }
        }
        if is && !was {
            out.push(Delta::Up(after.name.clone()));
        }
    }
}
