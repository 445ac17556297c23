//! Routing rules as rtnetlink messages and back.
use super::message::family;
use crate::base::{Family, Prefix, Realms, Rule, RuleAction, route::KEEPALIVED};
use rtnetlink::packet_route::{
    AddressFamily, IpProtocol,
    route::{RouteProtocol, RouteRealm},
    rule::{
        RuleAction as Action, RuleAttribute as Attribute, RuleFlags, RuleMessage, RulePortRange,
        RuleUidRange,
    },
};
use std::net::IpAddr;

/// What the kernel tells of rules that suppress nothing.
const NOTHING_SUPPRESSED: u32 = u32::MAX;

/// For adding and for removing alike.
pub(super) fn rule(rule: &Rule) -> RuleMessage {
    let mut message = RuleMessage::default();
    let header = &mut message.header;
    header.family = family(rule.family);
    header.src_len = rule.from.map_or(0, |from| from.length);
    header.dst_len = rule.to.map_or(0, |to| to.length);
    header.tos = rule.tos;
    header.flags.set(RuleFlags::Invert, rule.invert);
    let attributes = &mut message.attributes;
    header.action = match rule.action {
        RuleAction::Table(table) => {
            // Tables above 255 have their number in the attribute only.
            header.table = u8::try_from(table).unwrap_or(0);
            attributes.push(Attribute::Table(table));
            Action::ToTable
        }
        RuleAction::Goto(target) => {
            attributes.push(Attribute::Goto(target));
            Action::Goto
        }
        RuleAction::L3mdev => {
            attributes.push(Attribute::L3MDev(true));
            Action::ToTable
        }
        RuleAction::Nop => Action::Nop,
        RuleAction::Blackhole => Action::Blackhole,
        RuleAction::Unreachable => Action::Unreachable,
        RuleAction::Prohibit => Action::Prohibit,
    };
    attributes.push(Attribute::Priority(rule.preference));
    attributes.push(Attribute::Protocol(RouteProtocol::from(rule.protocol)));
    let long = |prefix: &Prefix| prefix.length > 0;
    attributes.extend(rule.from.filter(long).map(|from| Attribute::Source(from.address)));
    attributes.extend(rule.to.filter(long).map(|to| Attribute::Destination(to.address)));
    attributes.extend(rule.iif.clone().map(Attribute::Iifname));
    attributes.extend(rule.oif.clone().map(Attribute::Oifname));
    if let Some((mark, mask)) = rule.mark {
        attributes.push(Attribute::FwMark(mark));
        attributes.push(Attribute::FwMask(mask));
    }
    attributes
        .extend(rule.ip_protocol.map(|number| Attribute::IpProtocol(IpProtocol::from(number))));
    let ports = |(start, end)| RulePortRange { start, end };
    attributes.extend(rule.source_ports.map(ports).map(Attribute::SourcePortRange));
    attributes.extend(rule.destination_ports.map(ports).map(Attribute::DestinationPortRange));
    attributes
        .extend(rule.users.map(|(start, end)| Attribute::UidRange(RuleUidRange { start, end })));
    attributes.extend(rule.tunnel.map(Attribute::TunId));
    attributes.extend(rule.realms.map(|realms| {
        Attribute::Realm(RouteRealm { source: realms.from, destination: realms.to })
    }));
    attributes.extend(rule.suppress_prefix_length.map(Attribute::SuppressPrefixLen));
    attributes.extend(rule.suppress_group.map(Attribute::SuppressIfGroup));
    message
}

/// None where it is of another family than IPv4 and IPv6, or does what no rule of ours does.
pub(super) fn read(message: &RuleMessage) -> Option<Rule> {
    let header = &message.header;
    let family = match header.family {
        AddressFamily::Inet => Family::V4,
        AddressFamily::Inet6 => Family::V6,
        _ => return None,
    };
    let action = match header.action {
        Action::ToTable => RuleAction::Table(u32::from(header.table)),
        Action::Goto => RuleAction::Goto(0),
        Action::Nop => RuleAction::Nop,
        Action::Blackhole => RuleAction::Blackhole,
        Action::Unreachable => RuleAction::Unreachable,
        Action::Prohibit => RuleAction::Prohibit,
        _ => return None,
    };
    // Kernels before 4.17 do not tell the protocol: everything may be ours.
    let mut rule = Rule { protocol: KEEPALIVED, ..Rule::new(family, 0, action) };
    rule.invert = header.flags.contains(RuleFlags::Invert);
    rule.tos = header.tos;
    for attribute in &message.attributes {
        note(&mut rule, attribute, header.src_len, header.dst_len);
    }
    Some(rule)
}

fn note(rule: &mut Rule, attribute: &Attribute, from_length: u8, to_length: u8) {
    let prefix = |address: &IpAddr, length| Some(Prefix { address: *address, length });
    if let Attribute::Source(address) = attribute {
        rule.from = prefix(address, from_length);
    } else if let Attribute::Destination(address) = attribute {
        rule.to = prefix(address, to_length);
    } else if let Attribute::Iifname(name) = attribute {
        rule.iif = Some(name.clone());
    } else if let Attribute::Oifname(name) = attribute {
        rule.oif = Some(name.clone());
    } else if let Attribute::Table(table) = attribute {
        if let RuleAction::Table(known) = &mut rule.action {
            *known = *table;
        }
    } else if let Attribute::Goto(target) = attribute {
        if let RuleAction::Goto(known) = &mut rule.action {
            *known = *target;
        }
    } else if let Attribute::L3MDev(true) = attribute {
        rule.action = RuleAction::L3mdev;
    } else if let Attribute::Priority(preference) = attribute {
        rule.preference = *preference;
    } else if let Attribute::Protocol(protocol) = attribute {
        rule.protocol = u8::from(*protocol);
    } else if let Attribute::FwMark(mark) = attribute {
        rule.mark = Some((*mark, rule.mark.map_or(u32::MAX, |(_, mask)| mask)));
    } else if let Attribute::FwMask(mask) = attribute {
        rule.mark = Some((rule.mark.map_or(0, |(mark, _)| mark), *mask));
    } else if let Attribute::IpProtocol(protocol) = attribute {
        rule.ip_protocol = Some(u8::from(*protocol));
    } else if let Attribute::SourcePortRange(range) = attribute {
        rule.source_ports = Some((range.start, range.end));
    } else if let Attribute::DestinationPortRange(range) = attribute {
        rule.destination_ports = Some((range.start, range.end));
    } else if let Attribute::UidRange(range) = attribute {
        rule.users = Some((range.start, range.end));
    } else if let Attribute::TunId(id) = attribute {
        rule.tunnel = Some(*id);
    } else if let Attribute::Realm(realm) = attribute {
        rule.realms = Some(Realms { from: realm.source, to: realm.destination });
    } else if let Attribute::SuppressPrefixLen(length) = attribute {
        rule.suppress_prefix_length = Some(*length).filter(|l| *l != NOTHING_SUPPRESSED);
    } else if let Attribute::SuppressIfGroup(group) = attribute {
        rule.suppress_group = Some(*group).filter(|g| *g != NOTHING_SUPPRESSED);
    }
}
