//! What the kernel answers. Beyond the attributes of a 3.10 kernel each is optional, and unknown
//! ones are passed over.
use super::wire::{
    AF_INET, AF_INET6, CTRL_ATTR_FAMILY_ID, NLA_TYPE_MASK, NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN,
    attr, daemon as dmn, dest, service as svc,
};
use crate::{
    base::{Family, Forward, Protocol, Tunnel, TunnelChecksum, TunnelKind, lvs::service_flags},
    ipvs::{
        DaemonRole, SyncDaemon, Timeouts,
        table::{
            Destination, DestinationCounters, DestinationKey, FOREIGN_FORWARD, Mask, Persistence,
            Service, ServiceKey, Stats,
        },
    },
};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// One netlink message of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub sequence: u32,
    pub content: Decoded<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// Acknowledgement (0) or refusal (errno, positive), or the end of a dump with its status.
    Result(i32),
    /// The attributes of an answer.
    Attributes(&'a [u8]),
    /// The kernel lost messages for us, or one that is none of ours.
    Lost,
}

/// The messages of a datagram; stops at the first that is cut short.
pub fn messages(mut datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(datagram, 0)?).ok()?;
        let whole = datagram.get(..length)?;
        let payload = whole.get(16..)?;
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
        let content = match u16_at(whole, 4)? {
            NLMSG_ERROR | NLMSG_DONE => Decoded::Result(error_code(payload)),
            NLMSG_OVERRUN => Decoded::Lost,
            _ => Decoded::Attributes(payload.get(4..).unwrap_or_default()),
        };
        Some(Message { sequence: u32_at(whole, 8)?, content })
    })
}

/// The errno, positive, at the start of an error's or a dump end's payload; 0 = success.
#[must_use]
pub fn error_code(payload: &[u8]) -> i32 {
    payload.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes).saturating_neg())
}

/// The id in the controller's answer.
#[must_use]
pub fn family_id(attributes: &[u8]) -> Option<u16> {
    Attributes(attributes).find(CTRL_ATTR_FAMILY_ID).and_then(|bytes| u16_at(bytes, 0))
}

/// One entry of a dump of services; without destinations.
#[must_use]
pub fn service(attributes: &[u8]) -> Option<(ServiceKey, Service, Stats)> {
    let inside = Attributes(Attributes(attributes).find(attr::SERVICE)?);
    let family = family(u16_at(inside.find(svc::AF)?, 0)?)?;
    let key = match inside.find(svc::FWMARK).and_then(|bytes| u32_at(bytes, 0)) {
        Some(mark) => ServiceKey::Mark { family, mark },
        None => ServiceKey::Address {
            protocol: Protocol::from_number(u16_at(inside.find(svc::PROTOCOL)?, 0)?)?,
            ip: address(family, inside.find(svc::ADDR)?)?,
            port: port(inside.find(svc::PORT)?)?,
        },
    };
    let flags = inside.find(svc::FLAGS).and_then(|bytes| u32_at(bytes, 0)).unwrap_or(0);
    let persistence = (flags & service_flags::PERSISTENT != 0).then(|| Persistence {
        timeout: inside.find(svc::TIMEOUT).and_then(|bytes| u32_at(bytes, 0)).unwrap_or(0),
        mask: inside
            .find(svc::NETMASK)
            .and_then(|bytes| mask(family, bytes))
            .unwrap_or(Mask::host(family)),
        engine: inside.find(svc::PE_NAME).map(text).filter(|name| !name.is_empty()),
    });
    let service = Service {
        scheduler: inside.find(svc::SCHED_NAME).map(text).unwrap_or_default(),
        flags: flags & KNOWN_FLAGS,
        persistence,
        destinations: BTreeMap::new(),
    };
    Some((key, service, stats(inside, svc::STATS64, svc::STATS)))
}

/// What configuration can ask for; HASHED is the kernel's own, PERSISTENT stands elsewhere.
const KNOWN_FLAGS: u32 = service_flags::ONE_PACKET
    | service_flags::SCHED1
    | service_flags::SCHED2
    | service_flags::SCHED3;

/// One entry of a dump of destinations, in a service of the family given.
#[must_use]
pub fn destination(
    of: Family,
    attributes: &[u8],
) -> Option<(DestinationKey, Destination, DestinationCounters)> {
    let inside = Attributes(Attributes(attributes).find(attr::DEST)?);
    let number = |kind| inside.find(kind).and_then(|bytes| u32_at(bytes, 0));
    let family = match inside.find(dest::ADDR_FAMILY).and_then(|bytes| u16_at(bytes, 0)) {
        // Absent before 3.18: then it is the service's.
        None | Some(0) => of,
        Some(number) => family(number)?,
    };
    let key = DestinationKey {
        ip: address(family, inside.find(dest::ADDR)?)?,
        port: port(inside.find(dest::PORT)?)?,
    };
    let destination = Destination {
        forward: forward(inside, number(dest::FWD_METHOD)?),
        weight: number(dest::WEIGHT)?,
        upper: number(dest::U_THRESH).unwrap_or(0),
        lower: number(dest::L_THRESH).unwrap_or(0),
    };
    let counters = DestinationCounters {
        active: number(dest::ACTIVE_CONNS).unwrap_or(0),
        inactive: number(dest::INACT_CONNS).unwrap_or(0),
        persistent: number(dest::PERSIST_CONNS).unwrap_or(0),
        stats: stats(inside, dest::STATS64, dest::STATS),
    };
    Some((key, destination, counters))
}

/// The answer to a request for the timeouts.
#[must_use]
pub fn timeouts(attributes: &[u8]) -> Option<Timeouts> {
    let number = |kind| Attributes(attributes).find(kind).and_then(|bytes| u32_at(bytes, 0));
    Some(Timeouts {
        tcp: number(attr::TIMEOUT_TCP)?,
        tcp_fin: number(attr::TIMEOUT_TCP_FIN)?,
        udp: number(attr::TIMEOUT_UDP)?,
    })
}

/// One entry of a dump of sync daemons.
#[must_use]
pub fn daemon(attributes: &[u8]) -> Option<SyncDaemon> {
    let inside = Attributes(Attributes(attributes).find(attr::DAEMON)?);
    let number = |kind| inside.find(kind).and_then(|bytes| u32_at(bytes, 0));
    let short = |kind| inside.find(kind).and_then(|bytes| u16_at(bytes, 0));
    let group = |kind, family| inside.find(kind).and_then(|bytes| address(family, bytes));
    let state = number(dmn::STATE)?;
    let role =
        [DaemonRole::Master, DaemonRole::Backup].into_iter().find(|r| r.number() == state)?;
    Some(SyncDaemon {
        role,
        interface: inside.find(dmn::MCAST_IFN).map(text)?,
        id: u8::try_from(number(dmn::SYNC_ID)?).ok()?,
        max_length: short(dmn::SYNC_MAXLEN),
        port: short(dmn::MCAST_PORT),
        ttl: inside.find(dmn::MCAST_TTL).and_then(|bytes| bytes.first().copied()),
        group: group(dmn::MCAST_GROUP, Family::V4).or_else(|| group(dmn::MCAST_GROUP6, Family::V6)),
    })
}

fn forward(inside: Attributes<'_>, method: u32) -> Forward {
    match method & dest::METHOD_MASK {
        dest::METHOD_NAT => Forward::Nat,
        dest::METHOD_DIRECT_ROUTE => Forward::DirectRoute,
        dest::METHOD_TUNNEL => tunnel(inside).map_or(FOREIGN_FORWARD, Forward::Tunnel),
        _ => FOREIGN_FORWARD,
    }
}

fn tunnel(inside: Attributes<'_>) -> Option<Tunnel> {
    let kind = inside.find(dest::TUN_TYPE).and_then(|bytes| bytes.first().copied());
    let kind = match kind.unwrap_or(dest::TUN_IPIP) {
        dest::TUN_IPIP => TunnelKind::Ipip,
        dest::TUN_GUE => TunnelKind::Gue { port: port(inside.find(dest::TUN_PORT)?)? },
        dest::TUN_GRE => TunnelKind::Gre,
        _ => return None,
    };
    let flags = inside.find(dest::TUN_FLAGS).and_then(|bytes| u16_at(bytes, 0));
    let checksum = match flags.unwrap_or(0) {
        0 => TunnelChecksum::None,
        dest::TUN_CHECKSUM => TunnelChecksum::Checksum,
        dest::TUN_REMOTE_CHECKSUM => TunnelChecksum::RemoteChecksum,
        _ => return None,
    };
    Some(Tunnel { kind, checksum })
}

/// The 64-bit counters where the kernel has them, else the old ones. The figures are numbered alike
/// in both; only their widths differ.
fn stats(inside: Attributes<'_>, wide: u16, narrow: u16) -> Stats {
    let Some(nest) = inside.find(wide).or_else(|| inside.find(narrow)).map(Attributes) else {
        return Stats::default();
    };
    let number = |kind| {
        nest.find(kind).and_then(|bytes| match bytes.first_chunk() {
            Some(wide) => Some(u64::from_ne_bytes(*wide)),
            None => u32_at(bytes, 0).map(u64::from),
        })
    };
    let number = |kind| number(kind).unwrap_or(0);
    Stats {
        connections: number(1),
        packets_in: number(2),
        packets_out: number(3),
        bytes_in: number(4),
        bytes_out: number(5),
        connections_rate: number(6),
        packets_in_rate: number(7),
        packets_out_rate: number(8),
        bytes_in_rate: number(9),
        bytes_out_rate: number(10),
    }
}

/// A row of attributes; reads until the first that is cut short.
#[derive(Clone, Copy)]
struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    fn find(self, wanted: u16) -> Option<&'a [u8]> {
        Iterator::find(&mut { self }, |(kind, _)| *kind == wanted).map(|(_, payload)| payload)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16_at(self.0, 0)?);
        let kind = u16_at(self.0, 2)? & NLA_TYPE_MASK;
        let payload = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, payload))
    }
}

const fn family(number: u16) -> Option<Family> {
    match number {
        AF_INET => Some(Family::V4),
        AF_INET6 => Some(Family::V6),
        _ => None,
    }
}

fn address(family: Family, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        Family::V4 => bytes.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets).into()),
        Family::V6 => bytes.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).into()),
    }
}

/// IPv4: a mask in network order; IPv6: a prefix length in native order.
fn mask(family: Family, bytes: &[u8]) -> Option<Mask> {
    match family {
        Family::V4 => bytes.first_chunk::<4>().map(|octets| Mask::V4(Ipv4Addr::from(*octets))),
        Family::V6 => u8::try_from(u32_at(bytes, 0)?).ok().map(Mask::V6),
    }
}

fn port(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

/// Up to the NUL, if there is one.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes)).into_owned()
}
