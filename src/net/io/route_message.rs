//! Routes as rtnetlink messages and back.
use super::message::family;
use crate::base::{
    Encapsulation, Family, LinkIndex, NextHop, Prefix, Realms, Route, RouteIdentity, TunnelHeader,
    route::KEEPALIVED,
};
use crate::net::RouteView;
use rtnetlink::{
    packet_core::DefaultNla,
    packet_route::{
        AddressFamily,
        route::{
            MplsLabel, RouteAddress, RouteAttribute, RouteFlags, RouteIp6Tunnel,
            RouteIp6TunnelFlags, RouteIpTunnel, RouteIpTunnelFlags, RouteLwEnCapType,
            RouteLwTunnelEncap, RouteMessage, RouteMetric, RouteMplsIpTunnel,
            RouteMplsTtlPropagation, RouteNextHop, RouteNextHopFlags, RoutePreference, RouteRealm,
            RouteScope, RouteSeg6IpTunnel, Seg6Header, Seg6Mode,
        },
    },
};
use std::{collections::BTreeMap, net::IpAddr};

const RTAX_LOCK: u16 = 1;
const RTAX_CC_ALGO: u16 = 16;
const ILA_ATTR_LOCATOR: u16 = 1;

/// What a route names that only this host can resolve.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// Every interface that the route names.
    pub(super) indexes: BTreeMap<String, LinkIndex>,
    /// The table of its VRF.
    pub(super) table: Option<u32>,
}

/// For adding and for removing alike.
pub(super) fn route(route: &Route, resolved: &Resolved) -> RouteMessage {
    let indexes = &resolved.indexes;
    let table = resolved.table.unwrap_or(route.table);
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = family(route.family);
    header.destination_prefix_length = route.destination.length;
    header.source_prefix_length = route.from.map_or(0, |from| from.length);
    header.tos = route.tos;
    // Tables above 255 have their number in the attribute only.
    header.table = u8::try_from(table).unwrap_or(0);
    header.protocol = route.protocol.into();
    header.kind = route.kind.into();
    header.scope = route.scope.map_or_else(|| usual_scope(route), RouteScope::from);
    header.flags.set(RouteFlags::Onlink, route.onlink);
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Table(table));
    if route.destination.length > 0 {
        attributes.push(RouteAttribute::Destination(route.destination.address.into()));
    }
    if let Some(from) = route.from {
        attributes.push(RouteAttribute::Source(from.address.into()));
    }
    if let Some(source) = route.source {
        attributes.push(RouteAttribute::PrefSource(source.into()));
    }
    attributes.extend(gateway(route.via, route.family));
    if let Some(index) = route.dev.as_ref().and_then(|name| indexes.get(name)) {
        attributes.push(RouteAttribute::Oif(index.0));
    }
    if let Some(metric) = route.metric {
        attributes.push(RouteAttribute::Priority(metric));
    }
    if let Some(seconds) = route.expires {
        attributes.push(RouteAttribute::Expires(seconds));
    }
    if let Some(preference) = route.preference {
        attributes.push(RouteAttribute::Preference(RoutePreference::from(preference)));
    }
    if let Some(propagate) = route.ttl_propagate {
        let how = RouteMplsTtlPropagation::from(u8::from(propagate));
        attributes.push(RouteAttribute::TtlPropagate(how));
    }
    attributes.extend(route.realms.map(realms));
    attributes.extend(encapsulation(route.encapsulation.as_ref()));
    let metrics = metrics(route);
    if !metrics.is_empty() {
        attributes.push(RouteAttribute::Metrics(metrics));
    }
    if !route.nexthops.is_empty() {
        let legs = route.nexthops.iter().map(|leg| next_hop(leg, route.family, indexes));
        attributes.push(RouteAttribute::MultiPath(legs.collect()));
    }
    message
}

/// keepalived's choice, global, wherever the kernel takes it.
fn usual_scope(route: &Route) -> RouteScope {
    const LOCAL: u8 = 2;
    const BROADCAST: u8 = 3;
    match (route.family, route.kind) {
        (Family::V4, LOCAL) => RouteScope::Host,
        (Family::V4, BROADCAST) => RouteScope::Link,
        (Family::V4 | Family::V6, _) => RouteScope::Universe,
    }
}

/// A gateway of the route's own family; another's goes as "via" (RFC 5549).
fn gateway(via: Option<IpAddr>, family: Family) -> Option<RouteAttribute> {
    let via = via?;
    Some(if Family::of(&via) == family {
        RouteAttribute::Gateway(RouteAddress::from(via))
    } else {
        RouteAttribute::Via(via.into())
    })
}

fn realms(realms: Realms) -> RouteAttribute {
    RouteAttribute::Realm(RouteRealm { source: realms.from, destination: realms.to })
}

fn metrics(route: &Route) -> Vec<RouteMetric> {
    let bit = |number: u16| 1_u32.checked_shl(u32::from(number)).unwrap_or(0);
    let congestion = route.congestion.iter().map(|(_, locked)| (RTAX_CC_ALGO, *locked));
    let locked = route.metrics.iter().map(|(number, (_, locked))| (*number, *locked));
    let locks = locked
        .chain(congestion)
        .filter(|(_, locked)| *locked)
        .fold(0, |bits, (number, _)| bits | bit(number));
    let lock = (locks != 0).then_some((RTAX_LOCK, locks));
    let values = route.metrics.iter().map(|(number, (value, _))| (*number, *value));
    let numbers = lock
        .into_iter()
        .chain(values)
        .map(|(number, value)| (number, value.to_ne_bytes().to_vec()));
    let algorithm = route.congestion.iter().map(|(name, _)| {
        let mut bytes = name.clone().into_bytes();
        bytes.push(0);
        (RTAX_CC_ALGO, bytes)
    });
    numbers
        .chain(algorithm)
        .map(|(number, bytes)| RouteMetric::Other(DefaultNla::new(number, bytes)))
        .collect()
}

fn next_hop(leg: &NextHop, family: Family, indexes: &BTreeMap<String, LinkIndex>) -> RouteNextHop {
    let mut hop = RouteNextHop::default();
    hop.hops = u8::try_from(leg.weight.saturating_sub(1)).unwrap_or(u8::MAX);
    if let Some(index) = leg.dev.as_ref().and_then(|name| indexes.get(name)) {
        hop.interface_index = index.0;
    }
    hop.flags.set(RouteNextHopFlags::Onlink, leg.onlink);
    hop.attributes.extend(gateway(leg.via, family));
    hop.attributes.extend(leg.realms.map(realms));
    hop.attributes.extend(encapsulation(leg.encapsulation.as_ref()));
    hop
}

/// Kind and content.
fn encapsulation(wanted: Option<&Encapsulation>) -> Vec<RouteAttribute> {
    let Some(wanted) = wanted else { return vec![] };
    let (kind, content) = match wanted {
        Encapsulation::Mpls { labels, ttl } => {
            let last = labels.len().saturating_sub(1);
            let stack = labels.iter().enumerate().map(|(at, label)| MplsLabel {
                label: *label,
                traffic_class: 0,
                bottom_of_stack: at == last,
                ttl: 0,
            });
            let stack = RouteMplsIpTunnel::Destination(stack.collect());
            let ttl = ttl.map(RouteMplsIpTunnel::Ttl);
            let all = std::iter::once(stack).chain(ttl).map(RouteLwTunnelEncap::Mpls).collect();
            (RouteLwEnCapType::Mpls, all)
        }
        Encapsulation::Ip(header) => (
            RouteLwEnCapType::Ip,
            ip_tunnel(header).into_iter().map(RouteLwTunnelEncap::Ip).collect(),
        ),
        Encapsulation::Ip6(header) => (
            RouteLwEnCapType::Ip6,
            ip6_tunnel(header).into_iter().map(RouteLwTunnelEncap::Ip6).collect(),
        ),
        Encapsulation::Ila(locator) => {
            let locator = DefaultNla::new(ILA_ATTR_LOCATOR, locator.to_be_bytes().to_vec());
            (RouteLwEnCapType::Ila, vec![RouteLwTunnelEncap::Other(locator)])
        }
        Encapsulation::Seg6 { inline, segments, hmac } => {
            let mut header = Seg6Header::default();
            header.mode = if *inline { Seg6Mode::Inline } else { Seg6Mode::Encap };
            // The kernel adds the packet's own destination as the last stop.
            header.segments.clone_from(segments);
            if *inline {
                header.segments.push(std::net::Ipv6Addr::UNSPECIFIED);
            }
            header.hmac = *hmac;
            let header = RouteSeg6IpTunnel::Seg6(header);
            (RouteLwEnCapType::Seg6, vec![RouteLwTunnelEncap::Seg6(header)])
        }
    };
    vec![RouteAttribute::EncapType(kind), RouteAttribute::Encap(content)]
}

fn ip_tunnel(header: &TunnelHeader) -> Vec<RouteIpTunnel> {
    let v4 = |address: Option<IpAddr>| match address {
        Some(IpAddr::V4(address)) => Some(address),
        Some(IpAddr::V6(_)) | None => None,
    };
    let mut flags = RouteIpTunnelFlags::empty();
    flags.set(RouteIpTunnelFlags::Key, header.key);
    flags.set(RouteIpTunnelFlags::Checksum, header.checksum);
    flags.set(RouteIpTunnelFlags::Sequence, header.sequence);
    let mut all = vec![];
    all.extend(header.id.map(RouteIpTunnel::Id));
    all.extend(v4(header.destination).map(RouteIpTunnel::Destination));
    all.extend(v4(header.source).map(RouteIpTunnel::Source));
    all.extend(header.ttl.map(RouteIpTunnel::Ttl));
    all.extend(header.tos.map(RouteIpTunnel::Tos));
    all.extend((!flags.is_empty()).then_some(RouteIpTunnel::Flags(flags)));
    all
}

fn ip6_tunnel(header: &TunnelHeader) -> Vec<RouteIp6Tunnel> {
    let v6 = |address: Option<IpAddr>| match address {
        Some(IpAddr::V6(address)) => Some(address),
        Some(IpAddr::V4(_)) | None => None,
    };
    let mut flags = RouteIp6TunnelFlags::empty();
    flags.set(RouteIp6TunnelFlags::Key, header.key);
    flags.set(RouteIp6TunnelFlags::Checksum, header.checksum);
    flags.set(RouteIp6TunnelFlags::Sequence, header.sequence);
    let mut all = vec![];
    all.extend(header.id.map(RouteIp6Tunnel::Id));
    all.extend(v6(header.destination).map(RouteIp6Tunnel::Destination));
    all.extend(v6(header.source).map(RouteIp6Tunnel::Source));
    all.extend(header.ttl.map(RouteIp6Tunnel::Hoplimit));
    all.extend(header.tos.map(RouteIp6Tunnel::Tc));
    all.extend((!flags.is_empty()).then_some(RouteIp6Tunnel::Flags(flags)));
    all
}

/// Identity of a route that carries our mark.
pub(super) fn our_route(message: &RouteMessage) -> Option<RouteIdentity> {
    view(message).filter(|view| view.protocol == KEEPALIVED).map(|view| view.identity)
}

/// None where it is of another family than IPv4 and IPv6.
pub(super) fn view(message: &RouteMessage) -> Option<RouteView> {
    let header = &message.header;
    let family = match header.address_family {
        AddressFamily::Inet => Family::V4,
        AddressFamily::Inet6 => Family::V6,
        _ => return None,
    };
    let mut destination = Prefix::everything(family);
    destination.length = header.destination_prefix_length;
    // IPv6 knows no TOS of routes and tells none.
    let tos = if family == Family::V4 { header.tos } else { 0 };
    let table = u32::from(header.table);
    let mut view = RouteView {
        identity: RouteIdentity { destination, table, tos, metric: 0 },
        protocol: u8::from(header.protocol),
        kind: u8::from(header.kind),
        via: None,
        dev: None,
        source: None,
    };
    for attribute in &message.attributes {
        if let RouteAttribute::Table(number) = attribute {
            view.identity.table = *number;
        } else if let RouteAttribute::Priority(number) = attribute {
            view.identity.metric = *number;
        } else if let RouteAttribute::Destination(address) = attribute {
            view.identity.destination.address = ip(address)?;
        } else if let RouteAttribute::Gateway(address) = attribute {
            view.via = ip(address);
        } else if let RouteAttribute::PrefSource(address) = attribute {
            view.source = ip(address);
        } else if let RouteAttribute::Oif(index) = attribute {
            view.dev = Some(LinkIndex(*index));
        }
    }
    Some(view)
}

const fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}
