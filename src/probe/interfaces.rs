//! The interfaces of a file: they exist, are up, have carrier, and are where the addresses belong.
use super::Found;
use crate::{
    base::{Family, InterfaceAddress, OwnLinkKind, Prefix},
    config::{
        Config,
        look::Topic,
        model::VrrpInstance,
        rules::probe as rules,
        source::{Span, Spanned},
    },
    net::LinkView,
};
use std::{collections::BTreeMap, net::IpAddr};

/// What is to be said of all interfaces that the file needs, which are not made by the program
/// itself.
#[must_use]
pub fn judge(config: &Config, links: &[LinkView]) -> Found {
    let mut found = Found::default();
    for (name, span) in needed(config) {
        match links.iter().find(|link| link.name == name) {
            None => absent(&mut found, name, span, links),
            Some(link) => present(&mut found, link, span),
        }
    }
    for instance in &config.vrrp.instances {
        networks(&mut found, instance, links);
    }
    found
}

/// Each interface with the place in the file that first needs it.
#[must_use]
pub fn needed(config: &Config) -> BTreeMap<&str, Span> {
    let mut needed = BTreeMap::new();
    let vrrp = &config.vrrp;
    let made: Vec<&str> = vrrp
        .instances
        .iter()
        .flat_map(|instance| &instance.own_links)
        .map(|link| link.name.as_str())
        .collect();
    let mut need = |name, span| {
        if !str::is_empty(name) && !made.contains(&name) {
            needed.entry(name).or_insert(span);
        }
    };
    for instance in &vrrp.instances {
        let Spanned { value, span } = &instance.interface;
        need(value, *span);
        for tracked in &instance.track_interfaces {
            need(&tracked.name.value, tracked.name.span);
        }
        for address in instance.addresses.iter().chain(&instance.excluded) {
            need(&address.dev, instance.name.span);
        }
    }
    for address in &vrrp.static_addresses {
        need(&address.dev, Span::default());
    }
    if let Some(daemon) = &config.global.sync_daemon {
        need(&daemon.interface, Span::default());
    }
    needed
}

fn absent(found: &mut Found, name: &str, span: Span, links: &[LinkView]) {
    found.bad(Topic::Interface, name, "it is not there");
    let present = links.iter().map(|link| link.name.as_str());
    let present: Vec<&str> = present.collect();
    found
        .report(rules::INTERFACE_ABSENT, span)
        .with("name", name)
        .with("present", present.join(", "));
}

fn present(found: &mut Found, link: &LinkView, span: Span) {
    let name = link.name.as_str();
    if !link.up {
        found.bad(Topic::Interface, name, "it is switched off");
        found.report(rules::INTERFACE_DOWN, span).with("name", name);
    } else if !link.running {
        found.bad(Topic::Interface, name, "it has no carrier");
        found.report(rules::NO_CARRIER, span).with("name", name);
    } else {
        let addresses: Vec<String> = link.addresses.iter().map(Prefix::to_string).collect();
        found.good(Topic::Interface, name, addresses.join(" "));
    }
}

/// Whether the instance's addresses belong where they go.
fn networks(found: &mut Found, instance: &VrrpInstance, links: &[LinkView]) {
    let vips = || instance.addresses.iter().chain(&instance.excluded);
    // Adverts take the interface's own address for their source.
    if let Some(link) = find(instance, &instance.interface.value, links)
        && instance.source.is_none()
        && !brings_source(instance)
        && !link.addresses.iter().any(|own| is_source(own, instance))
    {
        let name = &link.name;
        let (family, remedy) = match instance.family {
            Family::V4 => ("IPv4", format!("ip address add ADDRESS/LENGTH dev {name}")),
            Family::V6 => {
                let name = sysctl_name(name);
                ("link-local IPv6", format!("sysctl -w net.ipv6.conf.{name}.disable_ipv6=0"))
            }
        };
        found.bad(Topic::Interface, name, "it has no address that adverts could come from");
        found
            .report(rules::NO_SOURCE, instance.interface.span)
            .with("name", name)
            .with("family", family)
            .with("remedy", remedy);
        return;
    }
    for vip in vips() {
        let Some(link) = find(instance, &vip.dev, links) else { continue };
        // An address with a network of its own brings the way to its neighbours along.
        let brings_network = vip.length < Family::of(&vip.address).bits();
        if link.loopback || brings_network || carries(link, vip.address) {
            continue;
        }
        let elsewhere = links.iter().find(|other| !other.loopback && carries(other, vip.address));
        outside(found, instance, vip, link, elsewhere);
    }
}

fn outside(
    found: &mut Found,
    instance: &VrrpInstance,
    vip: &InterfaceAddress,
    link: &LinkView,
    elsewhere: Option<&LinkView>,
) {
    found.bad(
        Topic::Interface,
        format!("{} {}", link.name, vip.address),
        "no address of the interface is in this address's network",
    );
    let (rule, other) = match elsewhere {
        Some(other) => (rules::NETWORK_ELSEWHERE, other.name.as_str()),
        None => (rules::NETWORK_NOWHERE, ""),
    };
    found
        .report(rule, instance.interface.span)
        .with("address", vip.address)
        .with("name", &link.name)
        .with("other", other);
}

/// The interface, or the one below it where the program makes it.
fn find<'l>(instance: &VrrpInstance, name: &str, links: &'l [LinkView]) -> Option<&'l LinkView> {
    let own = instance.own_links.iter().find(|own| own.name == name);
    let name = own.map_or(name, |own| own.parent.as_str());
    links.iter().find(|link| link.name == name)
}

/// Whether it has an address in whose network this one is. The address itself, if it is here
/// already, says nothing.
#[must_use]
pub fn carries(link: &LinkView, address: IpAddr) -> bool {
    let of = |own: &&Prefix| own.address != address || own.length < own.family().bits();
    link.addresses.iter().filter(of).any(|own| own.contains(address))
}

/// An ipvlan may have an address of its own.
fn brings_source(instance: &VrrpInstance) -> bool {
    let mut own = instance.own_links.iter();
    own.any(|own| matches!(own.kind, OwnLinkKind::Ipvlan { address: Some(_), .. }))
}

fn is_source(own: &Prefix, instance: &VrrpInstance) -> bool {
    let virtual_address = instance.addresses.iter().any(|vip| vip.address == own.address);
    let usable = match own.address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    own.family() == instance.family && usable && !virtual_address
}

/// As sysctl(8) writes it: a dot in a name becomes a slash.
#[must_use]
pub fn sysctl_name(interface: &str) -> String {
    interface.replace('.', "/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::LinkIndex,
        config::{self, source::Sources},
    };

    fn link(name: &str, up: bool, running: bool, addresses: &[&str]) -> LinkView {
        let prefix = |text: &&str| {
            let (address, length) = text.split_once('/').unwrap();
            Prefix { address: address.parse().unwrap(), length: length.parse().unwrap() }
        };
        LinkView {
            index: LinkIndex(1),
            name: name.to_owned(),
            up,
            running,
            multicast: true,
            noarp: false,
            loopback: name == "lo",
            mtu: 1500,
            mac: None,
            addresses: addresses.iter().map(prefix).collect(),
        }
    }

    fn codes(links: &[LinkView], more: &str, vip: &str) -> Vec<u16> {
        let text = format!(
            "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\n{more}\n\
             virtual_ipaddress {{\n{vip}\n}}\n}}\n"
        );
        let (config, errors) = config::parse(&Sources::from_text("x.conf", text));
        assert!(!errors.has_errors(), "{errors:?}");
        let found = judge(&config, links);
        let bad = found.looks.iter().filter(|look| look.state == config::look::LookState::Bad);
        assert_eq!(bad.count(), found.findings.iter().count(), "a finding for each");
        found.findings.iter().map(|found| found.rule.code).collect()
    }

    #[test]
    fn each_sickness_has_one_finding() {
        let lo = || link("lo", true, true, &["127.0.0.1/8"]);
        let eth0 = |addresses| link("eth0", true, true, addresses);
        let eth1 = || link("eth1", true, true, &["198.51.100.1/24"]);
        let own = &["192.0.2.5/24"][..];
        for (what, links, more, vip, expected) in [
            ("healthy", vec![lo(), eth0(own)], "", "192.0.2.80", vec![]),
            ("absent", vec![lo(), eth1()], "", "192.0.2.80", vec![1001]),
            ("down", vec![link("eth0", false, false, own)], "", "192.0.2.80", vec![1002]),
            ("no carrier", vec![link("eth0", true, false, own)], "", "192.0.2.80", vec![1003]),
            ("no address", vec![eth0(&[])], "", "192.0.2.80", vec![1004]),
            ("only its VIP", vec![eth0(&["192.0.2.80/32"])], "", "192.0.2.80", vec![1004]),
            ("no network", vec![eth0(own)], "", "198.51.100.80", vec![1006]),
            ("other link", vec![eth0(own), eth1()], "", "198.51.100.80", vec![1005]),
            ("its own network", vec![eth0(own)], "", "198.51.100.80/24", vec![]),
            ("on lo", vec![lo(), eth0(own)], "", "198.51.100.80 dev lo", vec![]),
            (
                "it is master: the address is here",
                vec![eth0(&["192.0.2.5/24", "198.51.100.80/32"])],
                "",
                "198.51.100.80",
                vec![1006],
            ),
            ("tracked", vec![eth0(own)], "track_interface {\neth7\n}", "192.0.2.80", vec![1001]),
            ("its own link", vec![eth0(own)], "use_vmac", "192.0.2.80", vec![]),
            ("IPv6", vec![eth0(&["2001:db8::5/64", "fe80::1/64"])], "", "2001:db8::80", vec![]),
            ("IPv6 without", vec![eth0(&["2001:db8::5/64"])], "", "2001:db8::80", vec![1004]),
        ] {
            assert_eq!(codes(&links, more, vip), expected, "{what}");
        }
    }
}
