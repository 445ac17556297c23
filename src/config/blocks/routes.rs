//! Route lines: `virtual_routes`, `static_routes`.
use super::line::{self, Line};
use crate::{
    base::{Family, NextHop, Prefix, Route, RouteMode},
    config::{
        diagnostic::Diagnostics,
        rules::global as rules,
        source::Span,
        tree::{Statement, Word},
    },
};
use std::{collections::BTreeMap, net::IpAddr};

/// RTN_* (linux/rtnetlink.h).
const KINDS: &[(&str, u8)] = &[
    ("unicast", 1),
    ("local", 2),
    ("broadcast", 3),
    ("anycast", 4),
    ("multicast", 5),
    ("blackhole", 6),
    ("unreachable", 7),
    ("prohibit", 8),
    ("throw", 9),
];
/// The types that lead nowhere and need neither gateway nor interface.
const NOWHERE: [u8; 4] = [6, 7, 8, 9];
/// RT_TABLE_*; others of /etc/iproute2/rt_tables by number.
const TABLES: &[(&str, u32)] = &[("default", 253), ("main", 254), ("local", 255)];
/// RTPROT_*.
const PROTOCOLS: &[(&str, u8)] = &[
    ("redirect", 1),
    ("kernel", 2),
    ("boot", 3),
    ("static", 4),
    ("ra", 9),
    ("zebra", 11),
    ("bird", 12),
    ("dhcp", 16),
    ("keepalived", 18),
];
/// RTAX_*: words whose value is a plain number, and whether `lock` may stand before it.
const METRICS: &[(&str, u16)] = &[
    ("mtu", 2),
    ("window", 3),
    ("rtt", 4),
    ("rttvar", 5),
    ("ssthresh", 6),
    ("cwnd", 7),
    ("advmss", 8),
    ("reordering", 9),
    ("hoplimit", 10),
    ("initcwnd", 11),
    ("features", 12),
    ("rto_min", 13),
    ("initrwnd", 14),
    ("quickack", 15),
    ("fastopen_no_cookie", 17),
];
/// Words with one value that this program does not tell the kernel yet.
const NOT_YET: [&str; 8] =
    ["congctl", "pref", "expires", "realms", "realm", "ttl-propagate", "vrf", "track_group"];

/// Adds the lines of a block.
pub(super) fn lines(into: &mut Vec<Route>, statement: &Statement<'_>, out: &mut Diagnostics) {
    into.extend(statement.body().iter().filter_map(|line| read(line, out)));
}

/// What a line has said so far.
struct Building {
    route: Route,
    destination: Option<Prefix>,
    family: Option<Family>,
    /// `via A or B`: the old way to write two next hops.
    others: Vec<IpAddr>,
    broken: bool,
}

/// One line; None where the route would be another than the one that is written.
fn read(statement: &Statement<'_>, out: &mut Diagnostics) -> Option<Route> {
    let mut line = Line::new(statement, rules::ROUTE_NEEDS_VALUE, rules::ROUTE_BAD_VALUE);
    let mut so_far = Building {
        route: Route {
            family: Family::V4,
            kind: 1,
            destination: Prefix::everything(Family::V4),
            from: None,
            source: None,
            via: None,
            dev: None,
            table: 254,
            scope: None,
            metric: None,
            tos: 0,
            protocol: 18,
            onlink: false,
            metrics: BTreeMap::new(),
            mode: RouteMode::Prepend,
            nexthops: vec![],
            track: true,
        },
        destination: None,
        family: None,
        others: vec![],
        broken: false,
    };
    while let Some(word) = line.next() {
        if !so_far.option(word, &mut line, out) {
            so_far.broken = true;
            break;
        }
    }
    so_far.finish(statement.span, out)
}

impl Building {
    /// Takes one option with its values; false where the rest of the line makes no sense.
    fn option(&mut self, word: &Word<'_>, line: &mut Line<'_, '_>, out: &mut Diagnostics) -> bool {
        let route = &mut self.route;
        match word.as_str() {
            "inet" => self.family = Some(Family::V4),
            "inet6" => self.family = Some(Family::V6),
            "to" => {
                let Some(to) = line.read(word, "a prefix or default", out, destination) else {
                    return false;
                };
                return self.goes_to(to);
            }
            "from" => route.from = line.read(word, "a prefix", out, prefix),
            "src" => route.source = line.read(word, "an address", out, ip),
            "via" | "gw" => {
                if word.as_str() == "gw" {
                    out.report(rules::ROUTE_GW, word.span);
                }
                skip_family(line);
                let Some(via) = line.read(word, "an address", out, ip) else { return false };
                self.route.via = Some(via);
            }
            "or" => {
                let Some(other) = line.read(word, "an address", out, ip) else { return false };
                self.others.push(other);
            }
            "dev" | "oif" => match line.read(word, "an interface name", out, interface) {
                Some(dev) => route.dev = Some(dev),
                None => return false,
            },
            "table" => match line.read(word, "main, local, default or a number", out, |text| {
                named(TABLES, text).or_else(|| line::number(text))
            }) {
                Some(table) => route.table = table,
                None => return false,
            },
            "scope" => {
                let takes = "global, site, link, host, nowhere or a number up to 255";
                route.scope = line.read(word, takes, out, line::scope);
            }
            "metric" | "priority" | "preference" => {
                route.metric = line.read(word, "a number", out, line::number);
            }
            "tos" | "dsfield" => {
                route.tos = line.read(word, "a number up to 255", out, line::number).unwrap_or(0);
            }
            "protocol" | "proto" => {
                route.protocol = line
                    .read(word, "a protocol's name or number", out, |text| {
                        named(PROTOCOLS, text).or_else(|| line::number(text))
                    })
                    .unwrap_or(18);
            }
            "onlink" => route.onlink = true,
            "add" => route.mode = RouteMode::Add,
            "append" => route.mode = RouteMode::Append,
            "prepend" => route.mode = RouteMode::Prepend,
            "no_track" => route.track = false,
            "nexthop" => match next_hop(line, out) {
                Some(hop) => route.nexthops.push(hop),
                None => return false,
            },
            // A route without its encapsulation is another route.
            "encap" => {
                out.report(rules::ROUTE_NOT_YET, word.span).with("word", "encap");
                return false;
            }
            option if NOT_YET.contains(&option) => {
                line.skip("lock");
                if line.value(word, out).is_some() {
                    out.report(rules::ROUTE_NOT_YET, word.span).with("word", option);
                }
            }
            option => return self.other(option, word, line, out),
        }
        true
    }

    /// Metrics, the route's type, and the destination, which needs no word before it.
    fn other(
        &mut self,
        option: &str,
        word: &Word<'_>,
        line: &mut Line<'_, '_>,
        out: &mut Diagnostics,
    ) -> bool {
        if let Some(kind) = named(KINDS, option) {
            self.route.kind = kind;
            return true;
        }
        if let Some(metric) = named(METRICS, option) {
            let locked = line.skip("lock");
            if let Some(value) = line.read(word, "a number", out, |text| metric_value(metric, text))
            {
                self.route.metrics.insert(metric, (value, locked));
            }
            return true;
        }
        if self.destination.is_none()
            && let Some(to) = destination(option)
        {
            return self.goes_to(to);
        }
        out.report(rules::ROUTE_UNKNOWN_WORD, word.span).with("word", option);
        false
    }

    fn goes_to(&mut self, to: Destination) -> bool {
        self.destination = Some(match to {
            Destination::Everything => Prefix::everything(Family::V4),
            Destination::Network(prefix) => {
                self.family = self.family.or(Some(prefix.family()));
                prefix
            }
        });
        true
    }

    fn finish(mut self, span: Span, out: &mut Diagnostics) -> Option<Route> {
        if self.broken {
            return None;
        }
        let Some(to) = self.destination else {
            out.report(rules::ROUTE_NO_DESTINATION, span);
            return None;
        };
        let route = &mut self.route;
        if !self.others.is_empty() {
            let all = route.via.take().into_iter().chain(self.others.drain(..));
            let dev = route.dev.take();
            route.nexthops = all
                .map(|via| NextHop { via: Some(via), dev: dev.clone(), weight: 1, onlink: false })
                .collect();
        }
        let hops = route.nexthops.iter().filter_map(|hop| hop.via.as_ref());
        // A gateway may be of the other family (RTA_VIA) where the destination is written out.
        let named =
            [&route.source, &route.via].into_iter().flatten().chain(hops).map(Family::of).next();
        let family = self.family.or(named).unwrap_or(Family::V4);
        let source = route.source.as_ref().map(Family::of);
        let from = route.from.as_ref().map(Prefix::family);
        if [source, from].into_iter().flatten().any(|other| other != family) {
            out.report(rules::ROUTE_FAMILY_MIX, span);
            return None;
        }
        route.family = family;
        route.destination = if to.length == 0 { Prefix::everything(family) } else { to };
        let leads = route.via.is_some() || route.dev.is_some() || !route.nexthops.is_empty();
        if !leads && !NOWHERE.contains(&route.kind) {
            out.report(rules::ROUTE_NOWHERE, span);
            return None;
        }
        Some(self.route)
    }
}

/// `via A dev IF weight N onlink`, in any order, up to the next `nexthop` or the end.
fn next_hop(line: &mut Line<'_, '_>, out: &mut Diagnostics) -> Option<NextHop> {
    let mut hop = NextHop { via: None, dev: None, weight: 1, onlink: false };
    while line.peek().is_some_and(|next| next != "nexthop") {
        let word = line.next()?;
        match word.as_str() {
            "via" => {
                skip_family(line);
                hop.via = Some(line.read(word, "an address", out, ip)?);
            }
            "dev" => hop.dev = Some(line.read(word, "an interface name", out, interface)?),
            "weight" => {
                hop.weight = line.read(word, "1..256", out, |text| {
                    line::number(text).filter(|weight| (1..=256).contains(weight))
                })?;
            }
            "onlink" => hop.onlink = true,
            unknown => {
                out.report(rules::ROUTE_UNKNOWN_WORD, word.span).with("word", unknown);
                return None;
            }
        }
    }
    Some(hop)
}

fn skip_family(line: &mut Line<'_, '_>) {
    if !line.skip("inet") {
        line.skip("inet6");
    }
}

#[derive(Clone, Copy)]
enum Destination {
    /// `default`: of whichever family the rest of the line is.
    Everything,
    Network(Prefix),
}

fn destination(text: &str) -> Option<Destination> {
    match text {
        "default" | "any" | "all" => Some(Destination::Everything),
        "default6" => Some(Destination::Network(Prefix::everything(Family::V6))),
        other => prefix(other).map(Destination::Network),
    }
}

fn prefix(text: &str) -> Option<Prefix> {
    let (address, length) = line::address(text)?;
    let host = Prefix::host(address);
    let length = match length {
        Some(text) => text.parse().ok()?,
        None => host.length,
    };
    (length <= host.length).then_some(Prefix { address, length })
}

fn ip(text: &str) -> Option<IpAddr> {
    // keepalived cuts a length off an address where none belongs.
    line::address(text).map(|(address, _)| address)
}

fn interface(text: &str) -> Option<String> {
    (1..=15).contains(&text.len()).then(|| text.to_owned())
}

fn named<T: Copy>(table: &[(&str, T)], text: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}

/// Times may carry `s` or `ms`. The kernel counts rtt in 1/8 ms and rttvar in 1/4 ms; a plain
/// number is already in its units, as for ip-route(8).
fn metric_value(metric: u16, text: &str) -> Option<u32> {
    let scale = match metric {
        4 => 8,
        5 => 4,
        12 => return (text == "ecn").then_some(1).or_else(|| line::number(text)),
        13 => 1,
        _ => return line::number(text),
    };
    let (digits, factor) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => (digits, scale),
        (None, Some(digits)) => (digits, scale * 1000),
        (None, None) => (text, 1),
    };
    line::number::<u32>(digits)?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use crate::{
        base::{Family, Route, RouteMode},
        config::blocks::testing::{codes, instance, only},
    };

    fn text(line: &str) -> String {
        instance(&format!("virtual_routes {{\n{line}\n}}"))
    }

    fn route(line: &str) -> Route {
        only(&text(line)).routes.first().cloned().unwrap_or_else(|| panic!("no route: {line}"))
    }

    #[test]
    fn the_forms_of_the_packaged_sample() {
        let found = route("src 192.168.100.1 to 192.168.109.0/24 via 192.168.200.254 dev eth1");
        assert_eq!(found.destination.to_string(), "192.168.109.0/24");
        assert_eq!(found.source.unwrap().to_string(), "192.168.100.1");
        assert_eq!(found.via.unwrap().to_string(), "192.168.200.254");
        assert_eq!(found.dev.as_deref(), Some("eth1"));
        assert_eq!((found.table, found.protocol, found.kind), (254, 18, 1));
        assert_eq!(route("192.168.111.0/24 dev eth2").via, None);
        assert_eq!(route("blackhole 192.168.114.0/24").kind, 6);
        assert_eq!(route("192.168.113.0/24 via 10.0.0.1 or 10.0.0.2").nexthops.len(), 2);
        assert_eq!(route("0.0.0.0/0 via 10.0.0.1"), route("default via 10.0.0.1"));
    }

    #[test]
    fn every_option_that_the_kernel_is_told() {
        let found = route(
            "10.1.0.0/16 via 10.0.0.1 dev eth0 table 100 scope link metric 7 tos 0x10 \
             protocol static onlink mtu lock 1400 advmss 1300 rtt 5ms quickack 1 append no_track",
        );
        assert_eq!((found.table, found.scope, found.metric), (100, Some(253), Some(7)));
        assert_eq!((found.tos, found.protocol, found.onlink), (16, 4, true));
        assert_eq!(found.metrics[&2], (1400, true));
        assert_eq!(found.metrics[&8], (1300, false));
        assert_eq!(found.metrics[&4], (40, false));
        assert_eq!((found.mode, found.track), (RouteMode::Append, false));
        let found =
            route("default nexthop via 10.0.0.1 dev eth0 weight 2 nexthop via 10.0.0.2 onlink");
        assert_eq!((found.nexthops[0].weight, found.nexthops[1].onlink), (2, true));
    }

    #[test]
    fn default_takes_the_family_of_the_gateway() {
        assert_eq!(route("default via 2001:db8::1").destination.to_string(), "::/0");
        assert_eq!(route("default via 2001:db8::1").family, Family::V6);
        assert_eq!(route("default6 via fe80::1 dev eth0").destination.to_string(), "::/0");
        assert_eq!(route("inet6 default dev eth0").family, Family::V6);
        let mixed = route("10.1.0.0/16 via inet6 fe80::1 dev eth0");
        assert_eq!(mixed.family, Family::V4);
    }

    #[test]
    fn a_route_that_would_be_another_is_left_out() {
        let line = "10.1.0.0/16 encap mpls 100 via 10.0.0.1";
        assert_eq!(codes(&text(line)), [332]);
        assert!(only(&text(line)).routes.is_empty());
    }
}
