//! Which addresses are on this machine: services with `ha_suspend` are checked only where theirs is
//! (spec: LVS and checkers §5.9).
use super::{
    Action, CheckerId, Director, tell,
    virtual_server::{Checking, ServiceState},
};
use crate::{
    base::LinkIndex,
    config::model::{GroupEntry, ServiceAddress, VirtualServer},
    net::NetEvent,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Instant,
};

/// By link, because one address may stand on several. None until the kernel has told.
#[derive(Debug, Default)]
pub(super) struct Presence(Option<BTreeMap<LinkIndex, BTreeSet<IpAddr>>>);

impl Presence {
    /// True when it may matter to somebody.
    pub(super) fn hear(&mut self, news: NetEvent) -> bool {
        match (news, &mut self.0) {
            (NetEvent::Links(links), known) => {
                let addresses = |link: crate::net::LinkView| {
                    (link.index, link.addresses.into_iter().map(|prefix| prefix.address).collect())
                };
                *known = Some(links.into_iter().map(addresses).collect());
                true
            }
            // The list comes first, with all of these in it.
            (_, None) => false,
            (NetEvent::Link(link), Some(known)) => {
                let addresses = link.addresses.into_iter().map(|prefix| prefix.address).collect();
                known.insert(link.index, addresses);
                true
            }
            (NetEvent::LinkGone { index, .. }, Some(known)) => known.remove(&index).is_some(),
            (NetEvent::AddressAdded { index, prefix }, Some(known)) => {
                known.entry(index).or_default().insert(prefix.address)
            }
            (NetEvent::AddressRemoved { index, prefix }, Some(known)) => {
                known.get_mut(&index).is_some_and(|link| link.remove(&prefix.address))
            }
            (_, Some(_)) => false,
        }
    }

    /// Whether an address of the service is on this machine. None: nobody knows yet.
    pub(super) fn of(&self, service: &ServiceAddress) -> Option<bool> {
        let known = self.0.as_ref()?;
        let mut here = known.values().flatten();
        Some(match service {
            ServiceAddress::Address { ip, .. } => here.any(|address| address == ip),
            // What is marked may be anything: marks alone are always here.
            ServiceAddress::Mark(_) => true,
            ServiceAddress::Group { entries, .. } => here.any(|address| {
                entries.iter().any(|entry| match entry {
                    GroupEntry::Range { first, last, .. } => {
                        address.is_ipv4() == first.is_ipv4() && (first..=last).contains(&address)
                    }
                    GroupEntry::Mark { .. } => false,
                })
            }),
        })
    }
}

impl Director {
    /// Has the kernel's addresses told where the configuration needs them.
    pub(super) fn watch_addresses(&mut self, out: &mut Vec<Action>) {
        if !self.watching && self.config.virtual_servers.iter().any(|config| config.ha_suspend) {
            self.watching = true;
            out.push(Action::WatchAddresses);
        }
    }

    /// Whether the checkers of a service may run, as far as is known.
    pub(super) fn checking(&self, config: &VirtualServer) -> Checking {
        match config.ha_suspend.then(|| self.presence.of(&config.at)) {
            None => Checking::Always,
            Some(None) => Checking::Unknown,
            Some(Some(true)) => Checking::AddressHere,
            Some(Some(false)) => Checking::Suspended,
        }
    }

    pub(super) fn on_net(&mut self, news: NetEvent, now: Instant, out: &mut Vec<Action>) {
        if !self.presence.hear(news) {
            return;
        }
        let config = Arc::clone(&self.config);
        let mut changed = false;
        for (at, config) in config.virtual_servers.iter().enumerate() {
            let checking = self.checking(config);
            let Some(service) = self.services.get_mut(at) else { continue };
            if service.checking == checking {
                continue;
            }
            changed = true;
            checking.tell(service.checking, config, config, out);
            let before = std::mem::replace(&mut service.checking, checking);
            if checking == Checking::Suspended {
                out.extend(service.running().map(Action::CancelProbe));
                service.pause();
            } else if before == Checking::Suspended {
                // What died meanwhile is found at once.
                for server in &mut service.servers {
                    for checker in &mut server.checkers {
                        checker.schedule.resume(now);
                    }
                }
            }
        }
        if changed {
            self.index();
            self.tell_checkers(now, out, |_| true);
        }
    }
}

impl Checking {
    /// Whether it is known that the checkers run.
    pub(super) const fn is_on(self) -> bool {
        match self {
            Self::Always | Self::AddressHere => true,
            Self::Unknown | Self::Suspended => false,
        }
    }

    /// Logs that the checkers of a service begin or pause, as its configuration is now and was
    /// before.
    pub(super) fn tell(
        self,
        before: Self,
        was: &VirtualServer,
        config: &VirtualServer,
        out: &mut Vec<Action>,
    ) {
        match (before, self) {
            (Self::Unknown | Self::Suspended, Self::Always | Self::AddressHere) => {
                tell::activating(out, config);
            }
            (Self::Always | Self::Unknown | Self::AddressHere, Self::Suspended) => {
                tell::suspending(out, was);
            }
            (Self::Always | Self::AddressHere, Self::Always | Self::AddressHere)
            | (Self::Suspended, Self::Suspended)
            | (_, Self::Unknown) => {}
        }
    }
}

impl ServiceState {
    /// The checkers whose probes are under way.
    pub(super) fn running(&self) -> impl Iterator<Item = CheckerId> {
        let checkers = self.servers.iter().flat_map(|server| &server.checkers);
        checkers.filter(|checker| checker.running).map(|checker| checker.id)
    }

    /// All stay as they were found last; whoever carries probes out has to end those under way.
    pub(super) fn pause(&mut self) {
        for checker in self.servers.iter_mut().flat_map(|server| &mut server.checkers) {
            checker.running = false;
            checker.schedule.suspend();
        }
    }
}
