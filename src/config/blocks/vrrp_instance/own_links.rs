//! `use_vmac`, `use_vmac_addr`, `use_ipvlan`: interfaces of an instance's own, their names, and which
//! address goes on which.
use crate::{
    base::{
        Family, InterfaceAddress, IpvlanMode, OwnLink, OwnLinkKind, Prefix, Vrid,
        virtual_router_mac,
    },
    config::{
        blocks::{addresses, line},
        diagnostic::Diagnostics,
        rules::vrrp as rules,
        source::{Span, Spanned},
        tree::Statement,
    },
};
use std::{collections::BTreeSet, net::IpAddr};

/// What the lines say.
#[derive(Debug, Default)]
pub(super) struct Draft {
    main: Option<Main>,
    /// `use_vmac_addr`.
    pub(super) for_addresses: bool,
    /// Where `vmac_xmit_base` stands.
    pub(super) transmit_from_base: Option<Span>,
}

/// `use_vmac` or `use_ipvlan`.
#[derive(Debug)]
struct Main {
    span: Span,
    name: Option<Spanned<String>>,
    group: Option<u32>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Vmac { mac: Option<Mac>, retell_parent: bool },
    Ipvlan { mode: IpvlanMode, address: Option<Prefix> },
}

/// The last byte may be left to the VRID.
#[derive(Clone, Copy, Debug)]
struct Mac([u8; 5], Option<u8>);

impl Mac {
    fn whole(self, vrid: Vrid) -> [u8; 6] {
        let Self([a, b, c, d, e], last) = self;
        [a, b, c, d, e, last.unwrap_or(vrid.0)]
    }
}

/// `[name] NAME`, a MAC address, `netlink_notify_msg`, `group N`, in any order.
pub(super) fn use_vmac(draft: &mut super::Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let (mut mac, mut retell_parent) = (None, false);
    let common = read(statement, out, |word, span, out| match word {
        "netlink_notify_msg" => {
            retell_parent = true;
            true
        }
        _ if word.contains(':') => {
            mac = self::mac(word, span, out);
            true
        }
        _ => false,
    });
    let kind = Kind::Vmac { mac, retell_parent };
    set(&mut draft.own_links, statement, common, kind, out);
}

/// `[name] NAME`, an address, a mode, `group N`, in any order.
pub(super) fn use_ipvlan(
    draft: &mut super::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let (mut mode, mut address) = (IpvlanMode::default(), None);
    let common = read(statement, out, |word, _, _| {
        match word {
            "bridge" => mode = IpvlanMode::Bridge,
            "private" => mode = IpvlanMode::Private,
            "vepa" => mode = IpvlanMode::Vepa,
            other => match prefix(other) {
                Some(found) => address = Some(found),
                None => return false,
            },
        }
        true
    });
    set(&mut draft.own_links, statement, common, Kind::Ipvlan { mode, address }, out);
}

fn set(
    draft: &mut Draft,
    statement: &Statement<'_>,
    (name, group): (Option<Spanned<String>>, Option<u32>),
    kind: Kind,
    out: &mut Diagnostics,
) {
    if let Some(first) = &draft.main {
        out.report(rules::OWN_LINK_TWICE, statement.span).label(first.span, "the first one");
        return;
    }
    draft.main = Some(Main { span: statement.span, name, group, kind });
}

/// Name and group; `special` says whether it has taken a word.
fn read(
    statement: &Statement<'_>,
    out: &mut Diagnostics,
    mut special: impl FnMut(&str, Span, &mut Diagnostics) -> bool,
) -> (Option<Spanned<String>>, Option<u32>) {
    let (mut name, mut group) = (None, None);
    let mut at = 1;
    while let Some(word) = statement.word(at) {
        at += 1;
        let (text, span) = (word.as_str(), word.span);
        if text == "name" && name.is_none() && statement.word(at).is_some() {
            continue;
        }
        if text == "group" {
            let value = statement.word(at).map(|word| (word.as_str(), word.span));
            at += 1;
            let number = match value {
                Some(("default", _)) => Some(0),
                Some((text, _)) => line::number(text),
                None => None,
            };
            if number.is_none() {
                out.report(rules::OWN_LINK_GROUP, value.map_or(span, |(_, span)| span));
            }
            group = number.or(group);
        } else if special(text, span, out) {
        } else if name.is_some() || !is_link_name(text) {
            out.report(rules::OWN_LINK_WORD, span)
                .with("word", text)
                .with("keyword", statement.first());
        } else {
            name = Some(Spanned { value: text.to_owned(), span });
        }
    }
    (name, group)
}

/// What the kernel takes (dev_valid_name): 1 to 15 characters, no slash, colon or blank.
fn is_link_name(text: &str) -> bool {
    (1..=15).contains(&text.len())
        && text != "."
        && text != ".."
        && !text.contains(|c: char| c == '/' || c == ':' || c.is_whitespace())
}

/// Five or six bytes in hexadecimal; no multicast, none of another virtual router.
fn mac(text: &str, span: Span, out: &mut Diagnostics) -> Option<Mac> {
    let bytes: Option<Vec<u8>> =
        text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    let mac = match bytes.as_deref() {
        Some(&[a, b, c, d, e]) => Some(Mac([a, b, c, d, e], None)),
        Some(&[a, b, c, d, e, f]) => Some(Mac([a, b, c, d, e], Some(f))),
        Some(_) | None => None,
    };
    let usable = mac.filter(|Mac([first, ..], _)| first & 1 == 0);
    let reserved = usable.is_some_and(|mac| matches!(mac, Mac([0, 0, 0x5e, 0, 1 | 2], _)));
    if usable.is_none() || reserved {
        out.report(rules::OWN_LINK_MAC, span).with("word", text);
        return None;
    }
    usable
}

fn prefix(text: &str) -> Option<Prefix> {
    let (address, length) = line::address(text)?;
    let bits = Family::of(&address).bits();
    let length = length.map_or(Some(bits), |text| text.parse().ok())?;
    (length <= bits).then_some(Prefix { address, length })
}

/// Names that are taken, and how new ones begin.
#[derive(Debug)]
pub(in crate::config::blocks) struct Names {
    taken: BTreeSet<String>,
    prefix: String,
    address_prefix: String,
}

impl Names {
    /// `prefix` is `vmac_prefix`, `address_prefix` is `vmac_addr_prefix`.
    pub(in crate::config::blocks) fn new(
        prefix: Option<String>,
        address_prefix: Option<String>,
    ) -> Self {
        let prefix = prefix.unwrap_or_else(|| "vrrp".to_owned());
        let address_prefix = address_prefix.unwrap_or_else(|| prefix.clone());
        Self { taken: BTreeSet::new(), prefix, address_prefix }
    }

    fn given(&mut self, name: &Spanned<String>, out: &mut Diagnostics) -> Option<String> {
        if self.taken.insert(name.value.clone()) {
            return Some(name.value.clone());
        }
        out.report(rules::OWN_LINK_NAME_TWICE, name.span).with("name", &name.value);
        None
    }

    /// `vrrp.51`, for IPv6 `vrrp6.51`; where that is taken `vrrp1.51`, `vrrp2.51`...
    fn invent(&mut self, of_address: bool, family: Family, vrid: Vrid) -> String {
        let prefix = if of_address { &self.address_prefix } else { &self.prefix };
        let first = match family {
            Family::V4 => format!("{prefix}.{vrid}"),
            Family::V6 => format!("{prefix}6.{vrid}"),
        };
        let others = (1_u32..).map(|number| format!("{prefix}{number}.{vrid}"));
        let free = std::iter::once(first).chain(others).find(|name| !self.taken.contains(name));
        let name = free.unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}

/// The own interfaces of an instance, while its addresses are given their places.
#[derive(Debug)]
pub(super) struct OwnLinks<'n> {
    names: &'n mut Names,
    interface: String,
    vrid: Vrid,
    family: Family,
    mac: Option<Mac>,
    for_addresses: bool,
    /// Whether the first of `links` is the instance's.
    has_main: bool,
    links: Vec<OwnLink>,
}

impl<'n> OwnLinks<'n> {
    pub(super) fn new(
        draft: &Draft,
        names: &'n mut Names,
        interface: &str,
        vrid: Vrid,
        family: Family,
        out: &mut Diagnostics,
    ) -> Self {
        let mut own = Self {
            names,
            interface: interface.to_owned(),
            vrid,
            family,
            mac: None,
            for_addresses: draft.for_addresses,
            has_main: false,
            links: vec![],
        };
        let Some(main) = draft.main.as_ref().filter(|_| !interface.is_empty()) else { return own };
        let given = main.name.as_ref().and_then(|name| own.names.given(name, out));
        let name = given.unwrap_or_else(|| own.names.invent(false, family, vrid));
        let (kind, retell_parent) = match main.kind {
            Kind::Vmac { mac, retell_parent } => {
                own.mac = mac;
                let mac = mac.map_or_else(|| virtual_router_mac(family, vrid), |m| m.whole(vrid));
                (OwnLinkKind::Macvlan { mac }, retell_parent)
            }
            Kind::Ipvlan { mode, address } => (OwnLinkKind::Ipvlan { mode, address }, false),
        };
        own.has_main = true;
        own.links.push(OwnLink {
            name,
            parent: interface.to_owned(),
            kind,
            family,
            group: main.group,
            retell_parent,
        });
        own
    }

    /// On its interface, or on the one that exists for it.
    pub(super) fn place(&mut self, line: addresses::Draft) -> InterfaceAddress {
        let asked = line.use_vmac;
        let mut address = line.settle(&self.interface);
        let family = Family::of(&address.address);
        let on_ours = address.dev == self.interface && family == self.family;
        if let (true, true, Some(main)) = (self.has_main, on_ours, self.links.first()) {
            address.dev.clone_from(&main.name);
        } else if asked || (self.for_addresses && !on_ours) {
            address.dev = self.of_address(&address.dev, family);
        }
        address
    }

    /// The name of the VMAC for addresses of this family on this interface.
    fn of_address(&mut self, parent: &str, family: Family) -> String {
        let known = self.links.iter().skip(usize::from(self.has_main));
        let same = |link: &&OwnLink| link.parent == parent && link.family == family;
        if let Some(known) = known.into_iter().find(same) {
            return known.name.clone();
        }
        let name = self.names.invent(true, family, self.vrid);
        let mac = match self.mac.filter(|_| family == self.family) {
            Some(mac) => mac.whole(self.vrid),
            None => virtual_router_mac(family, self.vrid),
        };
        self.links.push(OwnLink {
            name: name.clone(),
            parent: parent.to_owned(),
            kind: OwnLinkKind::Macvlan { mac },
            family,
            group: None,
            retell_parent: false,
        });
        name
    }

    /// Where adverts run, the source that an ipvlan brings along, and all own interfaces.
    pub(super) fn finish(
        self,
        draft: &Draft,
        modes: Modes,
        out: &mut Diagnostics,
    ) -> (String, Option<IpAddr>, Vec<OwnLink>) {
        let Some(main) = self.links.first().filter(|_| self.has_main) else {
            return (self.interface, None, self.links);
        };
        let span = draft.main.as_ref().map_or_else(Span::default, |main| main.span);
        match main.kind {
            OwnLinkKind::Ipvlan { address, .. } => {
                let address = address.map(|prefix| prefix.address);
                if address.is_none() && !modes.has_source && self.family == Family::V4 {
                    out.report(rules::IPVLAN_NO_ADDRESS, span);
                }
                (main.name.clone(), address, self.links)
            }
            OwnLinkKind::Macvlan { .. } => {
                let base = match draft.transmit_from_base {
                    Some(at) if modes.strict => {
                        out.report(rules::STRICT_IGNORES, at).with("word", "vmac_xmit_base");
                        false
                    }
                    Some(_) => true,
                    None if modes.unicast => {
                        out.report(rules::VMAC_UNICAST, span);
                        true
                    }
                    None => false,
                };
                let at = if base { self.interface } else { main.name.clone() };
                (at, None, self.links)
            }
        }
    }
}

/// What decides where adverts of a VMAC run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Modes {
    pub(super) strict: bool,
    pub(super) unicast: bool,
    pub(super) has_source: bool,
}

#[cfg(test)]
mod tests {
    use crate::{
        base::{Family, IpvlanMode, OwnLinkKind},
        config::blocks::testing::{instance, only, read},
    };

    fn names(text: &str) -> Vec<(String, String)> {
        let found = only(text);
        let all = found.addresses.iter().chain(&found.excluded);
        all.map(|vip| (vip.address.to_string(), vip.dev.clone())).collect()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    /// Measured with keepalived 2.2.7, but for the last line of the first: its manual's, not its.
    #[test]
    fn addresses_go_on_interfaces_of_their_own() {
        let text = instance(
            "use_vmac\nvirtual_ipaddress_excluded {\n10.0.0.101 dev eth0\n10.1.0.1 dev eth1\n\
             10.1.0.2 dev eth1 use_vmac\n2001:db8::1\n2001:db8::2 use_vmac\n}",
        );
        let expected = [
            ("10.0.0.100", "vrrp.51"),
            ("10.0.0.101", "vrrp.51"),
            ("10.1.0.1", "eth1"),
            ("10.1.0.2", "vrrp1.51"),
            ("2001:db8::1", "eth0"),
            ("2001:db8::2", "vrrp6.51"),
        ];
        assert_eq!(names(&text), pairs(&expected));
        let found = only(&text);
        assert_eq!((found.interface.value.as_str(), &*found.advert_interface), ("eth0", "vrrp.51"));
        let own: Vec<_> = found
            .own_links
            .iter()
            .map(|link| (link.name.as_str(), link.parent.as_str(), link.family, link.kind))
            .collect();
        let mac = |version| OwnLinkKind::Macvlan { mac: [0, 0, 0x5e, 0, version, 51] };
        let expected = [
            ("vrrp.51", "eth0", Family::V4, mac(1)),
            ("vrrp1.51", "eth1", Family::V4, mac(1)),
            ("vrrp6.51", "eth0", Family::V6, mac(2)),
        ];
        assert_eq!(own, expected);

        let text = instance(
            "use_vmac_addr\nvirtual_ipaddress_excluded {\n10.1.0.1 dev eth1\n2001:db8::1\n}",
        );
        let expected =
            [("10.0.0.100", "eth0"), ("10.1.0.1", "vrrp.51"), ("2001:db8::1", "vrrp6.51")];
        assert_eq!(names(&text), pairs(&expected));
        assert_eq!(only(&text).advert_interface, "eth0");
    }

    #[test]
    fn names_and_macs_as_given() {
        let global = "global_defs {\nvmac_prefix vm\nvmac_addr_prefix va\n}\n";
        let text = instance(
            "use_vmac name front 02:00:5e:00:07 netlink_notify_msg group 7\n\
             virtual_ipaddress_excluded {\n10.1.0.1 dev eth1 use_vmac\n}\nvmac_xmit_base",
        );
        let found = only(&(text + global));
        let [front, other] = &*found.own_links else { panic!("{:?}", found.own_links) };
        assert_eq!(
            (front.name.as_str(), front.group, front.retell_parent),
            ("front", Some(7), true)
        );
        assert_eq!(front.kind, OwnLinkKind::Macvlan { mac: [2, 0, 0x5e, 0, 7, 51] });
        assert_eq!((other.name.as_str(), other.kind), ("va.51", front.kind));
        assert_eq!(found.advert_interface, "eth0");
        assert_eq!(only(&(instance("use_vmac") + global)).own_links[0].name, "vm.51");
    }

    #[test]
    fn two_instances_of_one_id_have_two_names() {
        let first = instance("use_vmac");
        let second = first.replace("VI_1", "VI_2").replace("eth0", "eth1").replace(".100", ".101");
        let (config, _) = read(&(first + &second));
        let names: Vec<_> = config.vrrp.instances.iter().map(|i| &*i.own_links[0].name).collect();
        assert_eq!(names, ["vrrp.51", "vrrp1.51"]);
    }

    #[test]
    fn an_ipvlan_brings_its_source() {
        let found = only(&instance("use_ipvlan front 10.0.0.9/24 private"));
        assert_eq!(found.source, Some([10, 0, 0, 9].into()));
        assert_eq!(found.advert_interface, "front");
        let OwnLinkKind::Ipvlan { mode, address } = found.own_links[0].kind else {
            panic!("{:?}", found.own_links)
        };
        assert_eq!(mode, IpvlanMode::Private);
        assert_eq!(address.unwrap().to_string(), "10.0.0.9/24");
    }
}
