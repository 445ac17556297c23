//! The simulated network that directors stand in: as much of it as their files tell.
use super::{Director, lan::Lan, partner};
use crate::{
    base::{Family, LinkIndex, Prefix},
    config::model::{GlobalDefs, TrackerUse, VrrpConfig, VrrpInstance},
    net::LinkView,
    trackers::{Reading, Subject},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::{Duration, Instant},
};

/// Where adverts of unicast without an interface go.
const ANY: &str = "any";

/// More than an election takes by itself.
pub(super) const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// Every director as a host that runs, with everything that it tracks in order.
pub(super) fn build(directors: &[Director<'_>], origin: Instant) -> Lan {
    let mut lan = Lan::new(origin);
    for (at, director) in directors.iter().enumerate() {
        let host = lan.add(director.name, links(at, directors));
        host.segments = segments(at, directors);
        host.config = hurried(&director.config.vrrp);
        host.global = GlobalDefs {
            vrrp_startup_delay: Duration::ZERO,
            vrrp_delay_after_boot: Duration::ZERO,
            link_delays: BTreeMap::new(),
            ..GlobalDefs::clone(&director.config.global)
        };
        lan.start(director.name);
        for (subject, healthy) in tracked(&director.config.vrrp) {
            lan.set_tracked(director.name, subject, healthy);
        }
    }
    lan
}

/// Waiting longer does not change who holds what in the end.
fn hurried(config: &VrrpConfig) -> VrrpConfig {
    let mut config = config.clone();
    for instance in &mut config.instances {
        instance.preempt_delay = instance.preempt_delay.min(LONGEST_DELAY);
    }
    config
}

/// What instances go by, and what it says when it is in order. Of files nobody knows which number
/// that is.
pub(super) fn tracked(config: &VrrpConfig) -> BTreeMap<Subject, Reading> {
    let mut found = BTreeMap::new();
    for instance in &config.instances {
        let mut add = |list: &[TrackerUse], subject: fn(String) -> Subject| {
            for used in list {
                let healthy = Reading::of(!used.reverse);
                found.entry(subject(used.name.value.clone())).or_insert(healthy);
            }
        };
        add(&instance.track_scripts, Subject::Script);
        add(&instance.track_processes, Subject::Process);
        add(&instance.track_bfds, Subject::Bfd);
    }
    found
}

/// The interfaces that a configuration speaks of and does not make.
pub(super) fn interfaces(config: &VrrpConfig) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut own = BTreeSet::new();
    for instance in &config.instances {
        names.insert(instance.interface.value.as_str());
        names.extend(instance.track_interfaces.iter().map(|line| line.name.value.as_str()));
        names.extend(instance.static_interfaces.iter().map(String::as_str));
        let vips = instance.addresses.iter().chain(&instance.excluded);
        names.extend(vips.map(|vip| vip.dev.as_str()));
        names.extend(instance.own_links.iter().map(|link| link.parent.as_str()));
        own.extend(instance.own_links.iter().map(|link| link.name.as_str()));
    }
    names.retain(|name| !name.is_empty() && !own.contains(name));
    names
}

/// Where the cables lead: interfaces of partners are on one link, whatever they are called.
fn segments(at: usize, directors: &[Director<'_>]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Some(director) = directors.get(at) else { return found };
    for instance in &director.config.vrrp.instances {
        // The first director that has this router names the link.
        let first = directors.iter().enumerate().find_map(|(other, there)| {
            let partner = if other == at { instance } else { partner(instance, there)? };
            Some(format!("{} of {}", partner.interface.value, there.name))
        });
        if let Some(name) = first {
            found.entry(instance.interface.value.clone()).or_insert(name);
        }
    }
    found
}

fn links(at: usize, directors: &[Director<'_>]) -> Vec<LinkView> {
    let Some(director) = directors.get(at) else { return vec![] };
    let config = &director.config.vrrp;
    let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
    let anywhere = config.instances.iter().any(|instance| instance.interface.value.is_empty());
    let names = interfaces(config).into_iter().chain(anywhere.then_some(ANY));
    (1_u32..)
        .zip(names)
        .map(|(index, name)| {
            let on_it = config.instances.iter().filter(|instance| {
                let interface = instance.interface.value.as_str();
                interface == name || interface.is_empty() && name == ANY
            });
            let mut own: Vec<IpAddr> = vec![];
            for address in on_it.filter_map(|instance| source(at, instance, directors)) {
                if !own.contains(&address) {
                    own.push(address);
                }
            }
            // 198.18.0.0/15 is for measurements (RFC 2544): nobody's virtual address. The later
            // file has the greater address.
            let place = ((index % 0x1000) << 5) | (number % 0x20);
            own.push(Ipv4Addr::from(0xc612_0000 | place).into());
            own.push(Ipv6Addr::from((0xfe80_u128 << 112) | u128::from(place)).into());
            let [.., high, low] = place.to_be_bytes();
            LinkView {
                index: LinkIndex(index),
                name: name.to_owned(),
                up: true,
                running: true,
                multicast: true,
                noarp: false,
                loopback: false,
                mtu: 1500,
                mac: Some([2, 0, 0, 0, high, low]),
                addresses: own.into_iter().map(Prefix::host).collect(),
            }
        })
        .collect()
}

/// The address that a director sends from: as configured, or the one that a peer expects.
fn source(at: usize, instance: &VrrpInstance, directors: &[Director<'_>]) -> Option<IpAddr> {
    if instance.source.is_some() {
        return instance.source;
    }
    let own = &instance.unicast.as_ref()?.peers;
    let others = directors.iter().enumerate().filter(|(other, _)| *other != at);
    let partners: Vec<&VrrpInstance> =
        others.filter_map(|(_, there)| partner(instance, there)).collect();
    let taken: BTreeSet<IpAddr> = partners.iter().filter_map(|partner| partner.source).collect();
    let mut expected = partners
        .iter()
        .filter_map(|partner| partner.unicast.as_ref())
        .flat_map(|unicast| unicast.peers.iter().map(|peer| peer.address))
        .filter(|address| {
            !taken.contains(address) && !own.iter().any(|peer| peer.address == *address)
        });
    expected.find(|address| Family::of(address) == instance.family)
}
