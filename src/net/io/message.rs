//! Addresses and links as rtnetlink messages and back.
use crate::{
    base::{Family, InterfaceAddress, LinkIndex, Prefix, route::KEEPALIVED},
    net::LinkView,
};
use rtnetlink::packet_route::{
    AddressFamily,
    address::{
        AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol,
        CacheInfo,
    },
    link::{InfoData, InfoVrf, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage},
};

const FOREVER: u32 = u32::MAX;

pub(super) fn family(family: Family) -> AddressFamily {
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

/// The routing table of a VRF device.
pub(super) fn vrf_table(message: &LinkMessage) -> Option<u32> {
    let mut infos = message.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => Some(infos),
        _ => None,
    });
    infos.by_ref().flatten().find_map(|info| match info {
        LinkInfo::Data(InfoData::Vrf(attributes)) => {
            attributes.iter().find_map(|attribute| match attribute {
                InfoVrf::TableId(table) => Some(*table),
                _ => None,
            })
        }
        _ => None,
    })
}
