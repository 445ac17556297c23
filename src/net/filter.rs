//! What is filtered for virtual routers, as text for `nft -f`: packets to and from addresses that a
//! master must not answer on, and what the kernel says of itself on interfaces of ours.
//!
//! The rules are keepalived's (spec: vrrp.md §13): a table per family, replaced as a whole, in one
//! transaction.
use crate::base::{Family, LinkIndex};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    net::{IpAddr, Ipv6Addr},
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub table: String,
    pub priority: i32,
    pub counters: bool,
    /// Interfaces of link-local addresses are numbers.
    pub by_index: bool,
    /// Packets to and from these are dropped. The interface (name or number) counts for link-local
    /// ones.
    pub addresses: BTreeSet<(IpAddr, String)>,
    /// Interfaces of ours that are for a family, and what is below them.
    pub own_links: BTreeMap<LinkIndex, (LinkIndex, Family)>,
    /// Link-local addresses that an interface of ours shares with the one below it, which alone
    /// tells neighbours of them.
    pub shared: BTreeSet<(LinkIndex, Ipv6Addr)>,
    /// IGMP is switched off elsewhere.
    pub leave_igmp: bool,
}

/// Whether reports of group membership on our interfaces go out by the interface below, or not at
/// all: not every kernel can do the former.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reports {
    ByParent,
    Never,
}

/// Neighbour solicitation and advertisement (RFC 4861): a master that accepts nothing is still found.
const NEIGHBOURS: &str = "135, 136";
/// Version 2 Multicast Listener Report (RFC 3810 §5.2) and Router Solicitation (RFC 4861 §4.1).
const LISTENER_REPORT: u8 = 143;
const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

impl Filter {
    /// Whether nothing of a family is filtered.
    #[must_use]
    pub fn is_empty(&self, family: Family) -> bool {
        let addresses = self.addresses.iter().any(|(address, _)| Family::of(address) == family);
        !addresses && self.links(family).is_empty()
    }

    /// Replaces the family's table, or removes it where nothing is filtered.
    #[must_use]
    pub fn script(&self, family: Family, reports: Reports) -> String {
        let name = match family {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        };
        let table = &self.table;
        // Adding first: only what exists can be deleted.
        let mut text = format!("add table {name} {table}\ndelete table {name} {table}\n");
        if !self.is_empty(family) {
            let body = self.body(family, reports).unwrap_or_default();
            text.push_str(&format!("table {name} {table} {{\n{body}}}\n"));
        }
        text
    }

    fn links(&self, family: Family) -> Vec<(LinkIndex, LinkIndex)> {
        if family == Family::V4 && self.leave_igmp {
            return vec![];
        }
        let of_family = self.own_links.iter().filter(|(_, (_, of))| *of == family);
        of_family.map(|(index, (parent, _))| (*index, *parent)).collect()
    }

    /// Writing to a text cannot fail.
    fn body(&self, family: Family, reports: Reports) -> Result<String, std::fmt::Error> {
        let of_family = |(address, _): &&(IpAddr, String)| Family::of(address) == family;
        let (local, usual): (Vec<_>, Vec<_>) =
            self.addresses.iter().filter(of_family).partition(|(address, _)| is_local(address));
        let links = self.links(family);
        let count = if self.counters { "counter " } else { "" };
        let priority = self.priority;
        let (ip, kind) = match family {
            Family::V4 => ("ip", "ipv4_addr"),
            Family::V6 => ("ip6", "ipv6_addr"),
        };
        let (input, output, of_link) = match self.by_index {
            true => ("iif", "oif", "iface_index"),
            false => ("iifname", "oifname", "ifname"),
        };
        let mut text = String::new();
        let usual_set: Vec<_> = usual.iter().map(|(address, _)| address.to_string()).collect();
        set(&mut text, "set vips", kind, &usual_set)?;
        let local_set: Vec<_> = local
            .iter()
            .map(|(address, link)| match self.by_index {
                true => format!("{address} . {link}"),
                false => format!("{address} . \"{link}\""),
            })
            .collect();
        set(&mut text, "set vips_link_local", &format!("{kind} . {of_link}"), &local_set)?;
        let pairs: Vec<_> =
            links.iter().map(|(link, parent)| format!("{link} : {parent}")).collect();
        set(&mut text, "map vmac_map", "iface_index : iface_index", &pairs)?;
        let own: Vec<_> = links.iter().map(|(link, _)| link.to_string()).collect();
        set(&mut text, "set vmac_set", "iface_index", &own)?;

        for (hook, end, device) in [("input", "daddr", input), ("output", "saddr", output)] {
            writeln!(text, "chain {hook} {{")?;
            writeln!(text, "type filter hook {hook} priority {priority}; policy accept;")?;
            if hook == "output" && !links.is_empty() {
                let report = match family {
                    Family::V4 => "ip protocol igmp".to_owned(),
                    Family::V6 => format!("icmpv6 type {LISTENER_REPORT}"),
                };
                let way = match reports {
                    Reports::ByParent => format!("dup to {ip} daddr device oif map @vmac_map "),
                    Reports::Never => String::new(),
                };
                writeln!(text, "oif @vmac_set {report} {way}{count}drop")?;
                if family == Family::V6 {
                    let solicitation = ROUTER_SOLICITATION;
                    writeln!(text, "oif @vmac_set icmpv6 type {solicitation} {count}drop")?;
                    let advertisement = NEIGHBOUR_ADVERTISEMENT;
                    for (link, address) in &self.shared {
                        // The target stands behind type, code, checksum and flags (RFC 4861 §4.4).
                        let target = format!("@th,64,128 {:#034x}", address.to_bits());
                        writeln!(
                            text,
                            "oif {link} icmpv6 type {advertisement} {target} {count}drop"
                        )?;
                    }
                }
            }
            if family == Family::V6 && !(usual.is_empty() && local.is_empty()) {
                writeln!(text, "icmpv6 type {{ {NEIGHBOURS} }} {count}accept")?;
            }
            if !local.is_empty() {
                writeln!(text, "{ip} {end} . {device} @vips_link_local {count}drop")?;
            }
            if !usual.is_empty() {
                writeln!(text, "{ip} {end} @vips {count}drop")?;
            }
            text.push_str("}\n");
        }
        Ok(text)
    }
}

fn set(text: &mut String, name: &str, kind: &str, elements: &[String]) -> std::fmt::Result {
    if elements.is_empty() {
        return Ok(());
    }
    writeln!(text, "{name} {{\ntype {kind}\nelements = {{ {} }}\n}}", elements.join(", "))
}

/// fe80::/10: the same address means another host on every link.
const fn is_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
