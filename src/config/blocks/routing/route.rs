//! Route lines: `virtual_routes`, `static_routes`.
use super::{
    Draft, Place, RouteDraft, Shared, encapsulation, interface, ip, named, prefix, realms,
};
use crate::{
    base::{Family, NextHop, Prefix, Route, RouteMode, route::KEEPALIVED},
    config::{
        blocks::line::{self, Line},
        diagnostic::Diagnostics,
        names::{Kind, Names},
        rules::global as rules,
        source::{Span, Spanned},
        tree::{Statement, Word},
    },
};
use std::net::IpAddr;

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
const RTT: u16 = 4;
const RTTVAR: u16 = 5;
const FEATURES: u16 = 12;
const RTO_MIN: u16 = 13;
/// RTAX_*: words whose value is a number, and before which `lock` may stand.
const METRICS: &[(&str, u16)] = &[
    ("mtu", 2),
    ("window", 3),
    ("rtt", RTT),
    ("rttvar", RTTVAR),
    ("ssthresh", 6),
    ("cwnd", 7),
    ("advmss", 8),
    ("reordering", 9),
    ("hoplimit", 10),
    ("initcwnd", 11),
    ("features", FEATURES),
    ("rto_min", RTO_MIN),
    ("initrwnd", 14),
    ("quickack", 15),
    ("fastopen_no_cookie", 17),
];
/// ICMPV6_ROUTER_PREF_* (RFC 4191 §2.1).
const PREFERENCES: &[(&str, u8)] = &[("medium", 0), ("high", 1), ("low", 3)];
/// What keepalived raises shorter times to, in milliseconds.
const SHORTEST_TIME: u32 = 200;

/// Adds the lines of a block.
pub(in crate::config::blocks) fn lines(
    into: &mut Vec<RouteDraft>,
    place: Place,
    shared: &Shared,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    into.extend(statement.body().iter().filter_map(|line| read(line, place, &shared.names, out)));
}

/// What a line has said so far.
struct Building<'n> {
    names: &'n Names,
    place: Place,
    route: Route,
    destination: Option<Prefix>,
    family: Option<Family>,
    /// `via A or B`: the old way to write two next hops.
    others: Vec<IpAddr>,
    /// Where options stand that only one family has.
    expires_at: Option<Span>,
    preference_at: Option<Span>,
    protocol_at: Option<Span>,
    group: Option<Spanned<String>>,
}

/// One line; None where the route would be another than the one that is written.
fn read(
    statement: &Statement<'_>,
    place: Place,
    names: &Names,
    out: &mut Diagnostics,
) -> Option<RouteDraft> {
    let mut line = Line::new(statement, rules::ROUTE_NEEDS_VALUE, rules::ROUTE_BAD_VALUE);
    let mut so_far = Building {
        names,
        place,
        route: Route::to(Prefix::everything(Family::V4)),
        destination: None,
        family: None,
        others: vec![],
        expires_at: None,
        preference_at: None,
        protocol_at: None,
        group: None,
    };
    while let Some(word) = line.next() {
        so_far.option(word, &mut line, out)?;
    }
    so_far.finish(statement.span, out)
}

impl Building<'_> {
    /// Takes one option with its values; None where the rest of the line makes no sense.
    fn option(
        &mut self,
        word: &Word<'_>,
        line: &mut Line<'_, '_>,
        out: &mut Diagnostics,
    ) -> Option<()> {
        let names = self.names;
        let route = &mut self.route;
        match word.as_str() {
            "inet" => self.family = Some(Family::V4),
            "inet6" => self.family = Some(Family::V6),
            "to" => {
                let to = line.read(word, "a prefix or default", out, destination)?;
                self.goes_to(to);
            }
            "from" => route.from = Some(line.read(word, "a prefix", out, prefix)?),
            "src" => route.source = Some(line.read(word, "an address", out, ip)?),
            "via" | "gw" => {
                if word.as_str() == "gw" {
                    out.report(rules::ROUTE_GW, word.span);
                }
                skip_family(line);
                route.via = Some(line.read(word, "an address", out, ip)?);
            }
            "or" => {
                out.report(rules::ROUTE_OR, word.span);
                self.others.push(line.read(word, "an address", out, ip)?);
            }
            "dev" | "oif" => {
                route.dev = Some(line.read(word, "an interface name", out, interface)?);
            }
            "table" => {
                route.table = line.read(word, "a table's name or number", out, |text| {
                    names.find(Kind::Table, text).filter(|table| *table > 0)
                })?;
            }
            "vrf" => route.vrf = Some(line.read(word, "a VRF's interface", out, interface)?),
            "scope" => {
                let takes = "global, site, link, host, nowhere or a number up to 255";
                route.scope =
                    Some(line.read(word, takes, out, |text| names.find_as(Kind::Scope, text))?);
            }
            "metric" | "priority" | "preference" => {
                route.metric = Some(line.read(word, "a number", out, line::number)?);
            }
            "tos" | "dsfield" => {
                route.tos = line.read(word, "a number up to 255 or its name", out, |text| {
                    names.find_as(Kind::Field, text)
                })?;
            }
            "protocol" | "proto" => {
                self.protocol_at = Some(word.span);
                route.protocol = line.read(word, "a protocol's name or number", out, |text| {
                    names.find_as(Kind::Protocol, text)
                })?;
            }
            "realms" | "realm" => {
                route.realms =
                    Some(line.read(word, "TO or FROM/TO", out, |text| realms(names, text))?);
            }
            "onlink" => route.onlink = true,
            "add" => route.mode = RouteMode::Add,
            "append" => route.mode = RouteMode::Append,
            "prepend" => route.mode = RouteMode::Prepend,
            "no_track" => route.track = false,
            "track_group" => {
                let name = line.value(word, out)?;
                self.group = Some(Spanned { value: name.as_str().to_owned(), span: name.span });
            }
            "nexthop" => {
                let hop = next_hop(names, line, out)?;
                self.route.nexthops.push(hop);
            }
            "encap" => route.encapsulation = Some(encapsulation::read(word, line, out)?),
            _ => return self.property(word, line, out),
        }
        Some(())
    }

    /// What the kernel notes of a route, the route's type, and the destination, which needs no
    /// word before it.
    fn property(
        &mut self,
        word: &Word<'_>,
        line: &mut Line<'_, '_>,
        out: &mut Diagnostics,
    ) -> Option<()> {
        let route = &mut self.route;
        match word.as_str() {
            "congctl" => {
                let locked = line.skip("lock");
                // TCP_CA_NAME_MAX.
                let name = line.read(word, "an algorithm's name", out, |text| {
                    (1..16).contains(&text.len()).then(|| text.to_owned())
                })?;
                route.congestion = Some((name, locked));
            }
            "pref" => {
                self.preference_at = Some(word.span);
                let read = |text: &str| named(PREFERENCES, text);
                route.preference = Some(line.read(word, "low, medium or high", out, read)?);
            }
            "expires" => {
                self.expires_at = Some(word.span);
                route.expires = Some(line.read(word, "seconds", out, line::number)?);
            }
            "ttl-propagate" => {
                let propagate = line.read(word, "enabled or disabled", out, |text| match text {
                    "enabled" => Some(true),
                    "disabled" => Some(false),
                    _ => None,
                })?;
                route.ttl_propagate = Some(propagate);
            }
            "as" => {
                line.skip("to");
                line.value(word, out)?;
                out.report(rules::ROUTE_AS, word.span);
            }
            other => return self.metric_or_destination(other, word, line, out),
        }
        Some(())
    }

    fn metric_or_destination(
        &mut self,
        option: &str,
        word: &Word<'_>,
        line: &mut Line<'_, '_>,
        out: &mut Diagnostics,
    ) -> Option<()> {
        if let Some(kind) = named(KINDS, option) {
            self.route.kind = kind;
            return Some(());
        }
        if let Some(metric) = named(METRICS, option) {
            let locked = line.skip("lock");
            let takes = if metric == FEATURES { "ecn" } else { "a number" };
            let value = line.read(word, takes, out, |text| metric_value(metric, text))?;
            let value = no_shorter(metric, value, word, out);
            self.route.metrics.insert(metric, (value, locked));
            return Some(());
        }
        if self.destination.is_none()
            && let Some(to) = destination(option)
        {
            self.goes_to(to);
            return Some(());
        }
        out.report(rules::ROUTE_UNKNOWN_WORD, word.span).with("word", option);
        None
    }

    fn goes_to(&mut self, to: Destination) {
        self.destination = Some(match to {
            Destination::Everything => Prefix::everything(Family::V4),
            Destination::Network(prefix) => {
                self.family = self.family.or(Some(prefix.family()));
                prefix
            }
        });
    }

    fn finish(mut self, span: Span, out: &mut Diagnostics) -> Option<RouteDraft> {
        let Some(to) = self.destination else {
            out.report(rules::ROUTE_NO_DESTINATION, span);
            return None;
        };
        self.spread_or();
        let route = &mut self.route;
        let hops = route.nexthops.iter().filter_map(|hop| hop.via.as_ref());
        // A gateway may be of the other family (RTA_VIA) where the destination is written out.
        let named =
            [&route.source, &route.via].into_iter().flatten().chain(hops).map(Family::of).next();
        let family = self.family.or(named).unwrap_or(Family::V4);
        let source = route.source.as_ref().map(Family::of);
        let from = route.from.as_ref().map(Prefix::family);
        let written = (to.length > 0).then(|| to.family());
        if [source, from, written].into_iter().flatten().any(|other| other != family) {
            out.report(rules::ROUTE_FAMILY_MIX, span);
            return None;
        }
        route.family = family;
        route.destination = to.network();
        if to.length == 0 {
            route.destination = Prefix::everything(family);
        } else if route.destination != to {
            out.report(rules::ROUTE_HOST_BITS, span)
                .with("written", to)
                .with("taken", route.destination);
        }
        let leads = route.via.is_some() || route.dev.is_some() || !route.nexthops.is_empty();
        if !leads && !NOWHERE.contains(&route.kind) {
            out.report(rules::ROUTE_NOWHERE, span);
            return None;
        }
        for (at, word) in [(self.expires_at, "expires"), (self.preference_at, "pref")] {
            if let (Some(at), Family::V4) = (at, family) {
                out.report(rules::ROUTE_V6_ONLY, at).with("word", word);
                return None;
            }
        }
        self.settle_tracking(span, out);
        Some(Draft { value: self.route, group: self.group })
    }

    fn spread_or(&mut self) {
        if self.others.is_empty() {
            return;
        }
        let all = self.route.via.take().into_iter().chain(self.others.drain(..));
        let dev = self.route.dev.take();
        self.route.nexthops = all
            .map(|via| NextHop { via: Some(via), dev: dev.clone(), ..NextHop::default() })
            .collect();
    }

    /// Only what has an interface and our mark is looked after, as keepalived has it.
    fn settle_tracking(&mut self, span: Span, out: &mut Diagnostics) {
        let route = &mut self.route;
        if route.track && route.dev.is_none() {
            route.track = false;
            out.report(rules::ROUTE_UNTRACKED, span);
        }
        if let (true, Some(at)) = (route.track && route.protocol != KEEPALIVED, self.protocol_at) {
            out.report(rules::TRACKED_PROTOCOL, at).with("protocol", route.protocol);
            route.protocol = KEEPALIVED;
        }
        if let (Some(group), Place::Virtual) = (&self.group, self.place) {
            out.report(rules::TRACK_GROUP_VIRTUAL, group.span);
            self.group = None;
        }
    }
}

/// `via A dev IF weight N onlink ...`, in any order, up to the next `nexthop` or the end.
fn next_hop(names: &Names, line: &mut Line<'_, '_>, out: &mut Diagnostics) -> Option<NextHop> {
    let mut hop = NextHop::default();
    while line.peek().is_some_and(|next| next != "nexthop") {
        let word = line.next()?;
        match word.as_str() {
            "via" | "gw" => {
                skip_family(line);
                hop.via = Some(line.read(word, "an address", out, ip)?);
            }
            "dev" | "oif" => {
                hop.dev = Some(line.read(word, "an interface name", out, interface)?);
            }
            "weight" => {
                hop.weight = line.read(word, "1..256", out, |text| {
                    line::number(text).filter(|weight| (1..=256).contains(weight))
                })?;
            }
            "onlink" => hop.onlink = true,
            "realms" | "realm" => {
                hop.realms =
                    Some(line.read(word, "TO or FROM/TO", out, |text| realms(names, text))?);
            }
            "encap" => hop.encapsulation = Some(encapsulation::read(word, line, out)?),
            unknown => {
                out.report(rules::ROUTE_AFTER_HOPS, word.span).with("word", unknown);
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

/// Times may have a fraction and carry `s` or `ms`. The kernel counts rtt in 1/8 ms and rttvar in
/// 1/4 ms; a plain number is already in its units, as for ip-route(8).
fn metric_value(metric: u16, text: &str) -> Option<u32> {
    let scale = match metric {
        RTT => 8,
        RTTVAR => 4,
        RTO_MIN => 1,
        FEATURES => return (text == "ecn").then_some(1),
        _ => return line::number(text),
    };
    let (digits, factor) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => (digits, scale),
        (None, Some(digits)) => (digits, scale * 1000),
        (None, None) => return line::number(text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (places, kept) = (fraction.len().min(3), fraction.get(..fraction.len().min(3))?);
    let thousandths = if kept.is_empty() { 0 } else { line::number::<u32>(kept)? }
        .checked_mul(10_u32.checked_pow(u32::try_from(3 - places).ok()?)?)?;
    let whole = line::number::<u32>(whole)?.checked_mul(factor)?;
    whole.checked_add(thousandths.checked_mul(factor)? / 1000)
}

/// keepalived lets no time be shorter than this.
fn no_shorter(metric: u16, value: u32, word: &Word<'_>, out: &mut Diagnostics) -> u32 {
    let least = match metric {
        RTT => SHORTEST_TIME * 8,
        RTTVAR => SHORTEST_TIME * 4,
        RTO_MIN => SHORTEST_TIME,
        _ => return value,
    };
    if value < least {
        out.report(rules::ROUTE_SHORT_TIME, word.span)
            .with("word", word.as_str())
            .with("least", SHORTEST_TIME);
    }
    value.max(least)
}
