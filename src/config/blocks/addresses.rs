//! Address lines: `virtual_ipaddress`, `virtual_ipaddress_excluded`, `static_ipaddress`.
use super::{
    line::{self, Line},
    routing::{self, Place, Shared},
};
use crate::{
    base::{AddressFlags, Family, InterfaceAddress, Prefix},
    config::{
        address,
        diagnostic::Diagnostics,
        names::{Kind, Names},
        rules::global as rules,
        source::{Span, Spanned},
        tree::{Statement, Word},
        value,
    },
};
use std::net::{IpAddr, Ipv4Addr};

/// For messages; in the order of the manual.
const OPTIONS: &str = "dev, scope, brd, label, peer, home, -nodad, mngtmpaddr, noprefixroute, \
                       autojoin, no_track, preferred_lft, use_vmac";

/// One line. `address.dev` stays empty where the line names no interface.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) span: Span,
    pub(super) address: InterfaceAddress,
    group: Option<Spanned<String>>,
    /// It goes on an interface with the virtual router's MAC address.
    pub(super) use_vmac: bool,
}

impl Draft {
    /// The address, on `interface` unless the line says another.
    pub(super) fn settle(mut self, interface: &str) -> InterfaceAddress {
        if self.address.dev.is_empty() {
            interface.clone_into(&mut self.address.dev);
        }
        self.address
    }

    /// The same with the `track_group` that depends on it.
    pub(super) fn grouped(mut self, interface: &str) -> routing::Draft<InterfaceAddress> {
        let group = self.group.take();
        routing::Draft { value: self.settle(interface), group }
    }
}

/// Adds the lines of a block.
pub(super) fn lines(
    into: &mut Vec<Draft>,
    place: Place,
    shared: &Shared,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let keyword = statement.first();
    let lines = statement.body().iter();
    into.extend(lines.filter_map(|line| read(keyword, line, place, &shared.names, out)));
}

/// One line; None where it holds no usable address. A bad option is reported and left out.
fn read(
    keyword: &str,
    statement: &Statement<'_>,
    place: Place,
    names: &Names,
    out: &mut Diagnostics,
) -> Option<Draft> {
    let mut line = Line::new(statement, rules::ADDRESS_NEEDS_VALUE, rules::ADDRESS_BAD_VALUE);
    let first = line.next()?;
    let (address, length) = line::leading(keyword, first, rules::ADDRESS_NO_ADDRESS, out)?;
    let prefix = prefix(address, length, first.span, out);
    let v6 = prefix.family() == Family::V6;
    let (mut preferred_lifetime, mut group, mut use_vmac) = (None, None, false);
    let mut found = InterfaceAddress {
        address,
        length: prefix.length,
        dev: String::new(),
        broadcast: None,
        scope: 0,
        label: None,
        peer: None,
        flags: AddressFlags { nodad: v6, ..AddressFlags::default() },
        preferred_lifetime: None,
        track: true,
    };
    while let Some(option) = line.next() {
        match option.as_str() {
            "dev" => {
                let name = |text: &str| (text.len() <= 15).then(|| text.to_owned());
                let written = line.peek_word();
                match line.read(option, "an interface name of at most 15 characters", out, name) {
                    Some(dev) => {
                        if let Some(word) = written {
                            address::refuse_comma(word, out);
                        }
                        found.dev = dev;
                    }
                    // Better not there than on the wrong interface.
                    None => return None,
                }
            }
            "scope" => {
                let takes = "global, site, link, host, nowhere or a number up to 255";
                let read = |text: &str| names.find_as(Kind::Scope, text);
                let scope = line.read(option, takes, out, read);
                if v4_only(v6, option, out) {
                    found.scope = scope.unwrap_or(found.scope);
                }
            }
            "brd" | "broadcast" => {
                let read = |text: &str| broadcast(text, prefix);
                let value = line.read(option, "an IPv4 address, + or -", out, read);
                if v4_only(v6, option, out) {
                    found.broadcast = value;
                }
            }
            "label" => {
                let read = |text: &str| (text.len() <= 15).then(|| text.to_owned());
                let value = line.read(option, "at most 15 characters", out, read);
                if v4_only(v6, option, out) {
                    found.label = value;
                }
            }
            "peer" => {
                let read = |text: &str| {
                    let (address, length) = line::address(text)?;
                    let bits = Family::of(&address).bits();
                    let length = length.map_or(Some(bits), |text| text.parse().ok())?;
                    (length <= bits && Family::of(&address) == prefix.family())
                        .then_some(Prefix { address, length })
                };
                found.peer = line.read(option, "an address of the same family", out, read);
            }
            "home" => found.flags.home = true,
            "-nodad" => found.flags.nodad = false,
            "mngtmpaddr" => found.flags.mngtmpaddr = true,
            "noprefixroute" => found.flags.noprefixroute = true,
            "autojoin" => found.flags.autojoin = true,
            "no_track" => found.track = false,
            "preferred_lft" => {
                preferred_lifetime =
                    line.read(option, "seconds or forever", out, |text| match text {
                        "forever" => Some(None),
                        number => line::number(number).map(Some),
                    });
            }
            "use_vmac" => use_vmac = true,
            "track_group" => {
                if let Some(name) = line.value(option, out) {
                    group = Some(Spanned { value: name.as_str().to_owned(), span: name.span });
                }
            }
            _ => {
                let apart = if length.is_none() { line.mask(prefix) } else { None };
                match apart {
                    Some((span, whole)) => {
                        out.report(rules::ADDRESS_MASK_APART, span)
                            .with("near", &whole)
                            .mend_with(whole);
                    }
                    None if line.is_address(out) => {}
                    None => not_an_option(option, out),
                }
                break;
            }
        }
    }
    // An IPv6 host address is no source for connections of our own unless somebody wants that.
    let default = (v6 && prefix.length == 128).then_some(0);
    found.preferred_lifetime = preferred_lifetime.unwrap_or(default);
    if let (Some(name), Place::Virtual) = (&group, place) {
        out.report(rules::TRACK_GROUP_VIRTUAL, name.span);
        group = None;
    }
    if found.peer.is_some() && found.broadcast.take().is_some() {
        out.report(rules::PEER_AND, statement.span).with("word", "brd");
    }
    Some(Draft { span: statement.span, address: found, group, use_vmac })
}

/// Reports a word that is no option of a line.
fn not_an_option(option: &Word<'_>, out: &mut Diagnostics) {
    let unknown = option.as_str();
    let options: Vec<&str> = OPTIONS.split(", ").collect();
    let near = value::nearest_value(unknown, &options).map(|(near, _)| near.to_owned());
    let interface = unknown.split([':', '.', '@']).next().unwrap_or_default();
    let named = interface.starts_with(|c: char| c.is_ascii_lowercase())
        && interface.ends_with(|c: char| c.is_ascii_digit())
        && interface.bytes().all(|byte| byte.is_ascii_alphanumeric())
        || interface == "lo";
    let near = near.or_else(|| {
        let option = if unknown.contains(':') { "label" } else { "dev" };
        named.then(|| format!("{option} {unknown}"))
    });
    match near {
        Some(near) => {
            out.report(rules::ADDRESS_OPTION_NEAR, option.span)
                .with("word", unknown)
                .with("near", &near)
                .replace_with(near);
        }
        None => {
            out.report(rules::ADDRESS_UNKNOWN_WORD, option.span)
                .with("word", unknown)
                .with("options", OPTIONS);
        }
    }
}

fn prefix(address: IpAddr, length: Option<&str>, span: Span, out: &mut Diagnostics) -> Prefix {
    let host = Prefix::host(address);
    let Some(text) = length else { return host };
    match text.parse::<u8>() {
        Ok(length) if length <= host.length => Prefix { address, length },
        Ok(_) | Err(_) => {
            out.report(rules::ADDRESS_BAD_LENGTH, span)
                .with("length", text)
                .with("used", host.length);
            host
        }
    }
}

/// `+` sets the host bits, `-` clears them.
fn broadcast(text: &str, prefix: Prefix) -> Option<Ipv4Addr> {
    let IpAddr::V4(address) = prefix.address else { return Some(Ipv4Addr::UNSPECIFIED) };
    let host_bits = u32::MAX.checked_shr(u32::from(prefix.length)).unwrap_or(0);
    match text {
        "+" => Some(Ipv4Addr::from(u32::from(address) | host_bits)),
        "-" => Some(Ipv4Addr::from(u32::from(address) & !host_bits)),
        other => other.parse().ok(),
    }
}

fn v4_only(v6: bool, option: &Word<'_>, out: &mut Diagnostics) -> bool {
    if v6 {
        out.report(rules::ADDRESS_V4_ONLY, option.span).with("word", option.as_str());
    }
    !v6
}

#[cfg(test)]
mod tests {
    use crate::{
        base::InterfaceAddress,
        config::blocks::testing::{instance, only},
    };

    fn line(text: &str) -> InterfaceAddress {
        let found = only(&instance(&format!("virtual_ipaddress_excluded {{\n{text}\n}}")));
        found.excluded[0].clone()
    }

    #[test]
    fn every_option_of_an_ipv4_line() {
        let found = line(
            "10.0.0.7/24 brd + dev eth1 scope link label eth1:vip home mngtmpaddr noprefixroute \
             autojoin no_track preferred_lft 90",
        );
        assert_eq!((found.length, found.dev.as_str(), found.scope), (24, "eth1", 253));
        assert_eq!(found.broadcast.unwrap().to_string(), "10.0.0.255");
        assert_eq!(found.label.as_deref(), Some("eth1:vip"));
        let flags = found.flags;
        assert!(flags.home && flags.mngtmpaddr && flags.noprefixroute && flags.autojoin);
        assert!(!flags.nodad && !found.track);
        assert_eq!(found.preferred_lifetime, Some(90));
    }

    #[test]
    fn a_peer_has_the_prefix_and_no_broadcast_address() {
        let found = line("10.0.0.7/24 brd + peer 10.9.0.1/30");
        assert_eq!(found.peer.unwrap().to_string(), "10.9.0.1/30");
        assert_eq!(found.broadcast, None);
        assert_eq!(line("10.0.0.7 peer 10.9.0.1").peer.unwrap().to_string(), "10.9.0.1/32");
    }

    #[test]
    fn broadcast_forms() {
        let brd = |text: &str| line(text).broadcast.map(|address| address.to_string());
        assert_eq!(brd("10.0.0.7/24"), None);
        assert_eq!(brd("10.0.0.7/20 brd -").as_deref(), Some("10.0.0.0"));
        assert_eq!(brd("10.0.0.7/20 broadcast +").as_deref(), Some("10.0.15.255"));
        assert_eq!(brd("10.0.0.7/20 brd 10.0.3.255").as_deref(), Some("10.0.3.255"));
        assert_eq!(brd("10.0.0.7 brd +").as_deref(), Some("10.0.0.7"));
        assert_eq!(brd("10.0.0.7/0 brd +").as_deref(), Some("255.255.255.255"));
    }

    #[test]
    fn ipv6_hosts_are_deprecated_and_skip_duplicate_detection() {
        let found = line("2001:db8::7");
        assert_eq!((found.length, found.preferred_lifetime), (128, Some(0)));
        assert!(found.flags.nodad);
        assert_eq!(line("2001:db8::7/64").preferred_lifetime, None);
        assert_eq!(line("2001:db8::7 preferred_lft forever").preferred_lifetime, None);
        assert!(!line("2001:db8::7/64 -nodad").flags.nodad);
    }
}
