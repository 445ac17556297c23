//! What a real server of LVS-DR and LVS-TUN needs: the virtual address where nobody asks for it by
//! ARP, and for TUN the tunnel that unpacks what the director sends.
//!
//! Facts of Linux that this rests on (Documentation/networking/ip-sysctl.rst): of `arp_ignore`,
//! `arp_announce` and `rp_filter` the larger of `conf/all` and of the interface's own value counts.
pub mod io;
mod print;
mod record;
#[cfg(test)]
mod tests;
mod text;

use crate::base::{Family, Prefix};
pub use print::{ifcfg, shell};
pub use record::Record;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
pub use text::{command, remedy, sentence};

/// How the director's packets arrive (ipvsadm(8): gatewaying, ipip).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// DR: as they are, in frames for this host.
    Direct,
    /// TUN: within packets for this host.
    Tunnel,
}

impl Method {
    /// The interface that gets the virtual addresses of a family.
    #[must_use]
    pub const fn home(self, family: Family) -> &'static str {
        match (self, family) {
            (Self::Direct, _) => "lo",
            (Self::Tunnel, Family::V4) => "tunl0",
            (Self::Tunnel, Family::V6) => "ip6tnl0",
        }
    }
}

/// What the user wants this host to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub vips: Vec<IpAddr>,
    pub method: Method,
}

impl Wanted {
    fn has(&self, family: Family) -> bool {
        self.vips.iter().any(|vip| Family::of(vip) == family)
    }

    /// The tunnels that must exist.
    fn tunnels(&self) -> Vec<&'static str> {
        let families = [Family::V4, Family::V6].into_iter().filter(|family| self.has(*family));
        match self.method {
            Method::Direct => vec![],
            Method::Tunnel => families.map(|family| self.method.home(family)).collect(),
        }
    }
}

/// Below net/ipv4/conf/NAME.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub arp_ignore: u8,
    pub arp_announce: u8,
    pub rp_filter: u8,
}

impl Settings {
    const fn of(self, key: Key) -> u8 {
        match key {
            Key::ArpIgnore => self.arp_ignore,
            Key::ArpAnnounce => self.arp_announce,
            Key::RpFilter => self.rp_filter,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub name: String,
    pub up: bool,
    /// Loopback or NOARP: nobody asks for addresses here.
    pub quiet: bool,
    pub addresses: Vec<Prefix>,
    pub settings: Settings,
}

/// This host as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    pub links: Vec<Link>,
    pub all: Settings,
    /// What an interface to come begins with.
    pub default: Settings,
}

impl Observed {
    fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    fn link_mut(&mut self, name: &str) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.name == name)
    }
}

/// A setting below net/ipv4/conf/NAME.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    ArpIgnore,
    ArpAnnounce,
    RpFilter,
}

impl Key {
    const fn name(self) -> &'static str {
        match self {
            Self::ArpIgnore => "arp_ignore",
            Self::ArpAnnounce => "arp_announce",
            Self::RpFilter => "rp_filter",
        }
    }

    /// Whether this value, of `all` and the interface together, does what a real server needs.
    const fn fits(self, value: u8) -> bool {
        match self {
            // 3 answers for global addresses, 4 to 7 answer for all.
            Self::ArpIgnore => matches!(value, 1 | 2 | 8),
            Self::ArpAnnounce => value >= 2,
            // 1: what comes out of the tunnel would have to leave through it, too.
            Self::RpFilter => value != 1,
        }
    }

    const fn wanted(self) -> u8 {
        match self {
            Self::ArpIgnore => 1,
            // Both the largest there is: it counts whatever `all` says.
            Self::ArpAnnounce | Self::RpFilter => 2,
        }
    }
}

/// One change. What [`plan`] wants, [`Record`] remembers and `undo` turns round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// `interface`: a name, or `all`.
    Set {
        interface: String,
        key: Key,
        before: u8,
        value: u8,
    },
    /// tunl0 or ip6tnl0, which exist as soon as their module is loaded.
    CreateTunnel {
        name: String,
    },
    Up {
        name: String,
    },
    Down {
        name: String,
    },
    AddAddress {
        address: Prefix,
        interface: String,
        label: Option<String>,
    },
    RemoveAddress {
        address: Prefix,
        interface: String,
    },
}

/// One thing that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `interfaces`: those that behave wrongly by it.
    Setting {
        interface: String,
        key: Key,
        value: u8,
        interfaces: Vec<String>,
    },
    NoTunnel {
        name: String,
    },
    /// lo, or the tunnel.
    Down {
        name: String,
    },
    Absent {
        vip: IpAddr,
        interface: String,
        label: Option<String>,
    },
    /// With more than itself: the host takes its neighbours' addresses for its own.
    Wide {
        found: Prefix,
        interface: String,
        label: Option<String>,
    },
    /// On an interface that answers ARP. Nothing to be mended without knowing why.
    Exposed {
        found: Prefix,
        interface: String,
    },
    /// Several ways in, and one is strict: only advice.
    Strict {
        interfaces: Vec<String>,
    },
}

impl Fault {
    /// Whether this host can be a real server in spite of it.
    #[must_use]
    pub const fn is_advice(&self) -> bool {
        matches!(self, Self::Strict { .. })
    }

    /// What mends it, in this order. Empty where a person has to decide.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let up = |name: &String| Step::Up { name: name.clone() };
        match self {
            Self::Setting { interface, key, value, .. } => vec![Step::Set {
                interface: interface.clone(),
                key: *key,
                before: *value,
                value: key.wanted(),
            }],
            Self::NoTunnel { name } => vec![Step::CreateTunnel { name: name.clone() }, up(name)],
            Self::Down { name } => vec![up(name)],
            Self::Absent { vip, interface, label } => vec![Step::AddAddress {
                address: Prefix::host(*vip),
                interface: interface.clone(),
                label: label.clone(),
            }],
            Self::Wide { found, interface, label } => vec![
                Step::RemoveAddress { address: *found, interface: interface.clone() },
                Step::AddAddress {
                    address: Prefix::host(found.address),
                    interface: interface.clone(),
                    label: label.clone(),
                },
            ],
            Self::Exposed { .. } | Self::Strict { .. } => vec![],
        }
    }
}

/// What is missing, in the order in which it is to be mended: nobody is to ask for an address before
/// this host has learnt to be silent about it.
#[must_use]
pub fn plan(wanted: &Wanted, observed: &Observed) -> Vec<Fault> {
    let mut faults = vec![];
    if wanted.has(Family::V4) {
        for key in [Key::ArpIgnore, Key::ArpAnnounce] {
            faults.extend(neighbours(key, observed));
        }
    }
    for name in wanted.tunnels() {
        faults.extend(tunnel(name, observed));
    }
    if let Some(Link { name, up: false, .. }) = observed.link("lo") {
        faults.push(Fault::Down { name: name.clone() });
    }
    let mut labels = Labels::of(observed);
    for vip in &wanted.vips {
        faults.extend(address(*vip, wanted.method, observed, &mut labels));
    }
    if wanted.method == Method::Direct && wanted.has(Family::V4) {
        faults.extend(strict(observed));
    }
    faults
}

/// `all` is enough, unless an interface has a larger value of its own that is wrong.
fn neighbours(key: Key, observed: &Observed) -> Vec<Fault> {
    let all = observed.all.of(key);
    let asked = || observed.links.iter().filter(|link| !link.quiet);
    let wrong_with = |all: u8| {
        let wrong = asked().filter(move |link| !key.fits(all.max(link.settings.of(key))));
        wrong.map(|link| link.name.clone()).collect::<Vec<_>>()
    };
    let mut faults = vec![];
    let wrong = wrong_with(all);
    if wrong.is_empty() {
        return faults;
    }
    if !key.fits(all) {
        let interface = "all".to_owned();
        faults.push(Fault::Setting { interface, key, value: all, interfaces: wrong });
    }
    let set = if key.fits(all) { all } else { key.wanted() };
    for interface in wrong_with(set) {
        let value = observed.link(&interface).map_or(0, |link| link.settings.of(key));
        let interfaces = vec![interface.clone()];
        faults.push(Fault::Setting { interface, key, value, interfaces });
    }
    faults
}

fn tunnel(name: &str, observed: &Observed) -> Vec<Fault> {
    let mut faults = vec![];
    let link = observed.link(name);
    match link {
        None => faults.push(Fault::NoTunnel { name: name.to_owned() }),
        Some(Link { up: false, .. }) => faults.push(Fault::Down { name: name.to_owned() }),
        Some(_) => {}
    }
    let own = link.map_or(observed.default, |link| link.settings).rp_filter;
    let key = Key::RpFilter;
    // IPv6 has no such filter.
    if name == Method::Tunnel.home(Family::V4) && !key.fits(own.max(observed.all.rp_filter)) {
        let interface = name.to_owned();
        let interfaces = vec![interface.clone()];
        faults.push(Fault::Setting { interface, key, value: own, interfaces });
    }
    faults
}

fn address(vip: IpAddr, method: Method, observed: &Observed, labels: &mut Labels) -> Vec<Fault> {
    let mut faults = vec![];
    let mut there = false;
    for link in &observed.links {
        for found in link.addresses.iter().filter(|prefix| prefix.address == vip) {
            let (found, interface) = (*found, link.name.clone());
            if !link.quiet {
                faults.push(Fault::Exposed { found, interface });
                continue;
            }
            there = true;
            if found != Prefix::host(vip) {
                let label = labels.next(vip, &interface);
                faults.push(Fault::Wide { found, interface, label });
            }
        }
    }
    if !there {
        let interface = method.home(Family::of(&vip)).to_owned();
        let label = labels.next(vip, &interface);
        faults.push(Fault::Absent { vip, interface, label });
    }
    faults
}

/// Packets of clients may come in where the route back to them does not lead.
fn strict(observed: &Observed) -> Option<Fault> {
    let used: Vec<&Link> = observed
        .links
        .iter()
        .filter(|link| link.up && !link.quiet)
        .filter(|link| link.addresses.iter().any(|prefix| prefix.family() == Family::V4))
        .collect();
    let filters = used
        .iter()
        .filter(|link| link.settings.rp_filter.max(observed.all.rp_filter) == 1)
        .map(|link| link.name.clone());
    let interfaces: Vec<String> = filters.collect();
    (used.len() > 1 && !interfaces.is_empty()).then_some(Fault::Strict { interfaces })
}

/// `lo:0`, `lo:1`: what ifconfig(8) shows as interfaces of their own. IPv4 on lo only.
struct Labels {
    next: usize,
}

impl Labels {
    fn of(observed: &Observed) -> Self {
        let lo = observed.link("lo").map_or(&[][..], |link| &link.addresses);
        let others = lo.iter().filter(|prefix| prefix.family() == Family::V4);
        Self { next: others.filter(|prefix| !prefix.address.is_loopback()).count() }
    }

    fn next(&mut self, vip: IpAddr, interface: &str) -> Option<String> {
        if interface != "lo" || Family::of(&vip) == Family::V6 {
            return None;
        }
        let label = format!("lo:{}", self.next);
        self.next += 1;
        Some(label)
    }
}
