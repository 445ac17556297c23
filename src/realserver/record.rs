//! What `apply` has done, for `undo`. It lives in /run, as long as what it tells of.
use super::{Fault, Key, Link, Observed, Step, Wanted, plan};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Steps in the order in which they were done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub steps: Vec<Step>,
}

impl Record {
    /// The steps that make this host what is wanted; they are recorded. None is among them that
    /// changes nothing, for undoing it would.
    #[must_use]
    pub fn apply(&mut self, wanted: &Wanted, observed: &Observed) -> Vec<Step> {
        let mut now = observed.clone();
        let mut steps: Vec<Step> = plan(wanted, observed).iter().flat_map(Fault::steps).collect();
        steps.retain(|step| {
            let before = now.clone();
            follow(&mut now, step);
            now != before
        });
        self.steps.extend(steps.iter().cloned());
        steps
    }

    /// The steps that put back what was done for these addresses, and forgets them; without
    /// addresses, for all. Settings and tunnels stay until the last address goes. What somebody has
    /// changed since is left as it is.
    #[must_use]
    pub fn undo(&mut self, vips: &[IpAddr], observed: &Observed) -> Vec<Step> {
        let named = |step: &Step| match of_address(step) {
            Some(vip) => vips.is_empty() || vips.contains(&vip),
            None => false,
        };
        let last = !self.steps.iter().any(|step| of_address(step).is_some() && !named(step));
        let (done, rest): (Vec<Step>, Vec<Step>) = std::mem::take(&mut self.steps)
            .into_iter()
            .partition(|step| named(step) || (last && of_address(step).is_none()));
        self.steps = rest;
        let mut now = observed.clone();
        let mut steps = vec![];
        for step in done.iter().rev() {
            if let Some(back) = reverse(step, &now) {
                follow(&mut now, &back);
                steps.push(back);
            }
        }
        steps
    }
}

fn of_address(step: &Step) -> Option<IpAddr> {
    match step {
        Step::AddAddress { address, .. } | Step::RemoveAddress { address, .. } => {
            Some(address.address)
        }
        Step::Set { .. } | Step::CreateTunnel { .. } | Step::Up { .. } | Step::Down { .. } => None,
    }
}

/// None where it is so already, where another has changed it since, or where there is no way back: a
/// tunnel stays as long as its module.
fn reverse(step: &Step, now: &Observed) -> Option<Step> {
    match step {
        Step::Set { interface, key, before, value } => {
            let settings = match interface.as_str() {
                "all" => now.all,
                name => now.link(name)?.settings,
            };
            (settings.of(*key) == *value && before != value).then(|| Step::Set {
                interface: interface.clone(),
                key: *key,
                before: *value,
                value: *before,
            })
        }
        Step::Up { name } => now.link(name)?.up.then(|| Step::Down { name: name.clone() }),
        Step::Down { name } => (!now.link(name)?.up).then(|| Step::Up { name: name.clone() }),
        Step::AddAddress { address, interface, .. } => {
            let there = now.link(interface)?.addresses.contains(address);
            there.then(|| Step::RemoveAddress { address: *address, interface: interface.clone() })
        }
        Step::RemoveAddress { address, interface } => {
            let there = now.link(interface)?.addresses.contains(address);
            (!there).then(|| Step::AddAddress {
                address: *address,
                interface: interface.clone(),
                label: None,
            })
        }
        Step::CreateTunnel { .. } => None,
    }
}

/// What a step makes of a host.
pub(super) fn follow(host: &mut Observed, step: &Step) {
    match step {
        Step::Set { interface, key, value, .. } => {
            let settings = match interface.as_str() {
                "all" => &mut host.all,
                _ => match host.link_mut(interface) {
                    Some(link) => &mut link.settings,
                    None => return,
                },
            };
            match key {
                Key::ArpIgnore => settings.arp_ignore = *value,
                Key::ArpAnnounce => settings.arp_announce = *value,
                Key::RpFilter => settings.rp_filter = *value,
            }
        }
        Step::Up { name } | Step::Down { name } => {
            if let Some(link) = host.link_mut(name) {
                link.up = matches!(step, Step::Up { .. });
            }
        }
        Step::AddAddress { address, interface, .. } => {
            let link = host.link_mut(interface);
            if let Some(link) = link.filter(|link| !link.addresses.contains(address)) {
                link.addresses.push(*address);
            }
        }
        Step::RemoveAddress { address, interface } => {
            if let Some(link) = host.link_mut(interface) {
                link.addresses.retain(|known| known != address);
            }
        }
        Step::CreateTunnel { name } => {
            if host.link(name).is_none() {
                host.links.push(Link {
                    name: name.clone(),
                    up: false,
                    quiet: true,
                    addresses: vec![],
                    settings: host.default,
                });
            }
        }
    }
}
