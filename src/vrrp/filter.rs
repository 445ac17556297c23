//! Which filters the instances need together, and where among the other orders they belong.
use super::{
    VrrpNode,
    event::Action,
    instance::{Instance, Phase},
};
use crate::{base::OwnLinkKind, net::filter::Filter};
use std::net::IpAddr;

/// What the kernel has been told.
#[derive(Debug, Default)]
pub(super) struct Filters {
    /// None: whatever a predecessor has left.
    told: Option<Filter>,
}

impl VrrpNode {
    /// Filters come before the addresses they are for, and go after them.
    pub(super) fn place_filter(&mut self, out: &mut Vec<Action>) {
        let needed = self.instances.iter().any(may_filter);
        if !self.links.are_known() || (!needed && self.filters.told.is_none()) {
            return;
        }
        let waits = self.instances.iter().any(|instance| instance.awaits_links);
        let at = out.iter().position(|action| self.needs_filter(action));
        if waits && at.is_none() {
            // One transaction for all of them.
            return;
        }
        let wanted = self.wanted_filter();
        if self.filters.told.as_ref() == Some(&wanted) {
            return;
        }
        let empty = Filter::default();
        let before = self.filters.told.as_ref().unwrap_or(&empty);
        if let Some(at) = at {
            // While one instance takes over from another, both sets hold.
            let mut first = wanted.clone();
            if out.iter().any(|action| matches!(action, Action::AddAddresses(_))) {
                first.addresses.extend(before.addresses.iter().cloned());
            }
            let last = (first != wanted).then(|| Action::Filter(wanted.clone()));
            out.insert(at, Action::Filter(first));
            out.extend(last);
        } else {
            out.push(Action::Filter(wanted.clone()));
        }
        self.filters.told = Some(wanted);
    }

    /// What must not happen unfiltered: answering, and joining a group from an interface of ours,
    /// of which switches would learn its MAC address.
    fn needs_filter(&self, action: &Action) -> bool {
        match action {
            Action::AddAddresses(_) => true,
            Action::Open(socket) => {
                let mut own = self.instances.iter().flat_map(|i| &i.config.own_links);
                own.any(|link| link.name == socket.interface)
            }
            _ => false,
        }
    }

    /// At the end nothing is filtered any more.
    pub(super) fn remove_filter(&mut self, out: &mut Vec<Action>) {
        if let Some(told) = self.filters.told.take() {
            let nothing = Filter { table: told.table, ..Filter::default() };
            out.push(Action::Filter(nothing));
        }
    }

    fn wanted_filter(&self) -> Filter {
        let names = &self.global.nftables;
        let mut filter = Filter {
            table: names.table.clone(),
            priority: names.priority,
            counters: names.counters,
            by_index: names.by_index,
            leave_igmp: self.global.disable_local_igmp,
            ..Filter::default()
        };
        let masters = self.instances.iter().filter(|instance| instance.phase() == Phase::Master);
        for vip in masters.filter(|master| !master.config.accept).flat_map(Instance::all_addresses)
        {
            let link = match (names.by_index, self.links.find(&vip.dev)) {
                (true, Some(link)) => link.index.to_string(),
                (true, None) => continue,
                (false, _) => vip.dev.clone(),
            };
            filter.addresses.insert((vip.address, link));
        }
        for own in self.instances.iter().flat_map(|instance| &instance.config.own_links) {
            let (link, parent) = (self.links.find(&own.name), self.links.find(&own.parent));
            if let (OwnLinkKind::Macvlan { .. }, Some(link), Some(parent)) =
                (own.kind, link, parent)
            {
                filter.own_links.insert(link.index, (parent.index, own.family));
                let addresses = link.addresses.iter().map(|prefix| prefix.address);
                let shared = addresses.filter(|address| parent.has(*address));
                filter.shared.extend(shared.filter_map(|address| match address {
                    IpAddr::V6(address) => Some((link.index, address)),
                    IpAddr::V4(_) => None,
                }));
            }
        }
        filter
    }
}

fn may_filter(instance: &Instance) -> bool {
    !instance.config.accept || !instance.config.own_links.is_empty()
}
