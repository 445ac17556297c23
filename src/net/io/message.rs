//! Our values as rtnetlink messages and back.
use crate::{
    base::{Family, InterfaceAddress, LinkIndex, NextHop, Prefix, Route},
    net::LinkView,
};
use rtnetlink::{
    packet_core::DefaultNla,
    packet_route::{
        AddressFamily,
        address::{
            AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol,
            CacheInfo,
        },
        link::{LinkAttribute, LinkFlags, LinkLayerType, LinkMessage},
        route::{
            RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteNextHop,
            RouteNextHopFlags, RouteScope,
        },
    },
};
use std::{collections::BTreeMap, net::IpAddr};

/// RTPROT_KEEPALIVED and IFAPROT of the same number: `ip route` and `ip address` show it.
const KEEPALIVED: u8 = 18;
const FOREVER: u32 = u32::MAX;
const RTAX_LOCK: u16 = 1;

fn family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}

/// For adding and for removing alike.
pub(super) fn address(address: &InterfaceAddress, index: LinkIndex) -> AddressMessage {
    let mut message = AddressMessage::default();
    let kind = Family::of(&address.address);
    message.header.family = family(kind);
    message.header.prefix_len = address.peer.map_or(address.length, |peer| peer.length);
    message.header.index = index.0;
    message.header.scope = address.scope.into();
    let mut flags = AddressFlags::empty();
    flags.set(AddressFlags::Nodad, kind == Family::V6 && address.flags.nodad);
    flags.set(AddressFlags::Homeaddress, address.flags.home);
    flags.set(AddressFlags::Managetempaddr, address.flags.mngtmpaddr);
    flags.set(AddressFlags::Noprefixroute, address.flags.noprefixroute);
    flags.set(AddressFlags::Mcautojoin, address.flags.autojoin);
    let [low, high @ ..] = flags.bits().to_le_bytes();
    message.header.flags = AddressHeaderFlags::from_bits_retain(low);
    let attributes = &mut message.attributes;
    attributes.push(AddressAttribute::Local(address.address));
    let far = address.peer.map_or(address.address, |peer| peer.address);
    attributes.push(AddressAttribute::Address(far));
    if let Some(broadcast) = address.broadcast {
        attributes.push(AddressAttribute::Broadcast(broadcast));
    }
    if let Some(label) = &address.label {
        attributes.push(AddressAttribute::Label(label.clone()));
    }
    // Kernels before 3.14 do not know the attribute, and none of these flags.
    if high != [0; 3] {
        attributes.push(AddressAttribute::Flags(flags));
    }
    // A host's own IPv6 address is not to be chosen as a source (RFC 6724), as keepalived has it.
    let host = kind == Family::V6 && address.length == 128;
    if let Some(preferred) = address.preferred_lifetime.or(host.then_some(0)) {
        let mut times = CacheInfo::default();
        times.ifa_preferred = preferred;
        times.ifa_valid = FOREVER;
        attributes.push(AddressAttribute::CacheInfo(times));
    }
    // Ignored by kernels before 5.18.
    attributes.push(AddressAttribute::Protocol(AddressProtocol::Other(KEEPALIVED)));
    message
}

/// `indexes` has every interface that the route names.
pub(super) fn route(route: &Route, indexes: &BTreeMap<String, LinkIndex>) -> RouteMessage {
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = family(route.family);
    header.destination_prefix_length = route.destination.length;
    header.source_prefix_length = route.from.map_or(0, |from| from.length);
    header.tos = route.tos;
    // Tables above 255 have their number in the attribute only.
    header.table = u8::try_from(route.table).unwrap_or(0);
    header.protocol = route.protocol.into();
    header.kind = route.kind.into();
    header.scope = route.scope.map_or_else(|| usual_scope(route), RouteScope::from);
    header.flags.set(RouteFlags::Onlink, route.onlink);
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Table(route.table));
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

/// What `ip route` takes where nothing is said: link for what needs no gateway, host for local.
fn usual_scope(route: &Route) -> RouteScope {
    const LOCAL: u8 = 2;
    const UNICAST: u8 = 1;
    const BLACKHOLE: u8 = 6;
    let has_gateway = route.via.is_some() || !route.nexthops.is_empty();
    match (route.family, route.kind) {
        (Family::V6, _) => RouteScope::Universe,
        (Family::V4, LOCAL) => RouteScope::Host,
        (Family::V4, UNICAST) if has_gateway => RouteScope::Universe,
        (Family::V4, kind) if kind >= BLACKHOLE => RouteScope::Universe,
        (Family::V4, _) => RouteScope::Link,
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

fn metrics(route: &Route) -> Vec<RouteMetric> {
    let locked =
        route.metrics.iter().filter(|(_, (_, locked))| *locked).fold(0_u32, |bits, (number, _)| {
            bits | 1_u32.checked_shl(u32::from(*number)).unwrap_or(0)
        });
    let lock = (locked != 0).then_some((RTAX_LOCK, locked));
    let values = route.metrics.iter().map(|(number, (value, _))| (*number, *value));
    lock.into_iter()
        .chain(values)
        .map(|(number, value)| {
            RouteMetric::Other(DefaultNla::new(number, value.to_ne_bytes().to_vec()))
        })
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
    hop
}

/// None for messages of bridges about their ports, which are no news of a link.
pub(super) fn link_view(message: &LinkMessage) -> Option<LinkView> {
    if message.header.interface_family == AddressFamily::Bridge {
        return None;
    }
    let flags = message.header.flags;
    let mut view = LinkView {
        index: LinkIndex(message.header.index),
        name: String::new(),
        up: flags.contains(LinkFlags::Up),
        running: flags.contains(LinkFlags::Running),
        multicast: flags.contains(LinkFlags::Multicast),
        noarp: flags.contains(LinkFlags::Noarp),
        loopback: flags.contains(LinkFlags::Loopback),
        mtu: 0,
        mac: None,
        addresses: vec![],
    };
    for attribute in &message.attributes {
        if let LinkAttribute::IfName(name) = attribute {
            view.name.clone_from(name);
        } else if let LinkAttribute::Mtu(mtu) = attribute {
            view.mtu = *mtu;
        } else if let LinkAttribute::Address(bytes) = attribute
            && message.header.link_layer_type == LinkLayerType::Ether
        {
            view.mac = bytes.as_slice().try_into().ok();
        }
    }
    (!view.name.is_empty()).then_some(view)
}

/// Where and which; None for tentative and duplicate addresses, which cannot be used.
pub(super) fn usable_address(message: &AddressMessage) -> Option<(LinkIndex, Prefix)> {
    let unusable = AddressHeaderFlags::Tentative | AddressHeaderFlags::Dadfailed;
    if message.header.flags.intersects(unusable) {
        return None;
    }
    any_address(message)
}

/// Where and which, whatever its state.
pub(super) fn any_address(message: &AddressMessage) -> Option<(LinkIndex, Prefix)> {
    let mut local = None;
    let mut other = None;
    for attribute in &message.attributes {
        if let AddressAttribute::Local(address) = attribute {
            local = Some(*address);
        } else if let AddressAttribute::Address(address) = attribute {
            other = Some(*address);
        }
    }
    let address = local.or(other)?;
    let prefix = Prefix { address, length: message.header.prefix_len };
    Some((LinkIndex(message.header.index), prefix))
}

/// Destination and table of a route that carries our mark.
pub(super) fn our_route(message: &RouteMessage) -> Option<(Prefix, u32)> {
    if u8::from(message.header.protocol) != KEEPALIVED {
        return None;
    }
    let family = match message.header.address_family {
        AddressFamily::Inet => Family::V4,
        AddressFamily::Inet6 => Family::V6,
        _ => return None,
    };
    let mut destination = Prefix::everything(family);
    destination.length = message.header.destination_prefix_length;
    let mut table = u32::from(message.header.table);
    for attribute in &message.attributes {
        if let RouteAttribute::Table(number) = attribute {
            table = *number;
        } else if let RouteAttribute::Destination(address) = attribute {
            destination.address = match address {
                RouteAddress::Inet(address) => IpAddr::V4(*address),
                RouteAddress::Inet6(address) => IpAddr::V6(*address),
                _ => return None,
            };
        }
    }
    Some((destination, table))
}
