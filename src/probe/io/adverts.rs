//! Listens for adverts at two places: on the wire, before any filter, and where programs get them.
use crate::{
    base::{Family, LinkIndex},
    config::{Config, model::VrrpInstance},
    net::LinkView,
    probe::routers::{Heard, Listened, patience, protocol},
    vrrp::{AH_PROTOCOL, PROTOCOL, View},
};
use futures_util::future::{try_join, try_join_all};
use nix::sys::socket::{LinkAddr, SockaddrIn6, SockaddrLike, recvfrom};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockFilter, Socket, Type};
use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv6Addr},
    os::fd::AsRawFd,
    time::Duration,
};
use tokio::{
    io::Interest,
    net::UdpSocket,
    time::{Instant, timeout_at},
};

/// Room for the largest advert.
const LARGEST: usize = 4608;
/// Programs are listened to for longer than the wire: an advert that comes last is not lost.
const LAST: Duration = Duration::from_millis(200);
/// Behind the patience of the most patient instance, and before the end of all probes.
const MORE: Duration = Duration::from_millis(500);

/// Hears for as long as the most patient instance waits for its master, and for less than `limit`.
pub(super) async fn listen(
    config: &Config,
    links: &[LinkView],
    limit: Duration,
) -> io::Result<Listened> {
    let instances = &config.vrrp.instances;
    let longest = instances.iter().map(patience).max().unwrap_or_default() + MORE;
    let time = longest.min(limit.saturating_sub(LAST + MORE));
    let until = Instant::now() + time;
    let numbers: BTreeSet<(Family, u8)> =
        instances.iter().map(|instance| (instance.family, protocol(instance))).collect();
    let programs = numbers.iter().map(|&(family, number)| {
        let of = |one: &&VrrpInstance| (one.family, protocol(one)) == (family, number);
        let groups = instances.iter().filter(of).filter(|one| one.unicast.is_none());
        let socket = program_socket(family, number, groups, links);
        async move { hear_programs(socket?, family, until + LAST).await }
    });
    let families: BTreeSet<Family> = numbers.iter().map(|(family, _)| *family).collect();
    let wires = families.into_iter().map(|family| {
        let socket = wire_socket(family);
        async move { hear_wire(socket?, family, until).await }
    });
    let (wires, programs) = try_join(try_join_all(wires), try_join_all(programs)).await?;
    let mut listened = Listened { time, ..Listened::default() };
    wires.into_iter().flatten().for_each(|heard| listened.hear(heard));
    listened.delivered = programs.into_iter().flatten().collect();
    Ok(listened)
}

/// All packets of a family that may carry adverts, from all links: packet(7), cooked.
fn wire_socket(family: Family) -> io::Result<Socket> {
    // ETH_P_IP with the place of the protocol, ETH_P_IPV6 with that of the next header.
    let (ether_type, place) = match family {
        Family::V4 => (0x0800_u16, 9),
        Family::V6 => (0x86dd, 6),
    };
    let number = Protocol::from(i32::from(ether_type.to_be()));
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(number))?;
    // BPF: load that byte; 112 or 51 are taken whole, the rest is not ours.
    let filter = [
        SockFilter::new(0x30, 0, 0, place),
        SockFilter::new(0x15, 1, 0, u32::from(PROTOCOL)),
        SockFilter::new(0x15, 0, 1, u32::from(AH_PROTOCOL)),
        SockFilter::new(0x06, 0, 0, u32::MAX),
        SockFilter::new(0x06, 0, 0, 0),
    ];
    socket.attach_filter(&filter)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// What programs get: it is in the groups of the instances on their links.
fn program_socket<'i>(
    family: Family,
    number: u8,
    groups: impl Iterator<Item = &'i VrrpInstance>,
    links: &[LinkView],
) -> io::Result<Socket> {
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(i32::from(number))))?;
    socket.set_nonblocking(true)?;
    let memberships = groups.filter_map(|instance| {
        let link = links.iter().find(|link| link.name == instance.interface.value)?;
        Some((link.index.0, instance.multicast_group))
    });
    for (index, group) in memberships.collect::<BTreeSet<_>>() {
        match group {
            IpAddr::V4(group) => {
                socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index))?;
            }
            IpAddr::V6(group) => socket.join_multicast_v6(&group, index)?,
        }
    }
    Ok(socket)
}

async fn hear_wire(socket: Socket, family: Family, until: Instant) -> io::Result<Vec<Heard>> {
    let mut all = Listened::default();
    receive(socket, until, |bytes, from: Option<LinkAddr>| {
        let link = from.and_then(|from| u32::try_from(from.ifindex()).ok());
        if let (Some(link), Some(view)) = (link, view(family, bytes)) {
            all.hear(Heard::new(LinkIndex(link), &view));
        }
    })
    .await?;
    Ok(all.wire)
}

async fn hear_programs(
    socket: Socket,
    family: Family,
    until: Instant,
) -> io::Result<BTreeSet<(IpAddr, u8)>> {
    let mut all = BTreeSet::new();
    receive(socket, until, |bytes, from: Option<SockaddrIn6>| {
        let view = match (family, from) {
            (Family::V4, _) => View::of_v4(bytes).ok(),
            // Of IPv6 the header is not shown.
            (Family::V6, Some(from)) => {
                View::of_v6(from.ip(), Ipv6Addr::UNSPECIFIED, None, bytes).ok()
            }
            (Family::V6, None) => None,
        };
        all.extend(view.map(|view| (view.from, view.vrid)));
    })
    .await?;
    Ok(all)
}

/// Takes datagrams until then.
async fn receive<A: SockaddrLike>(
    socket: Socket,
    until: Instant,
    mut take: impl FnMut(&[u8], Option<A>),
) -> io::Result<()> {
    // Tokio's datagram socket is but a registered descriptor: raw ones fit.
    let socket = UdpSocket::from_std(socket.into())?;
    let mut buffer = vec![0; LARGEST];
    loop {
        let next = socket
            .async_io(Interest::READABLE, || Ok(recvfrom::<A>(socket.as_raw_fd(), &mut buffer)?));
        let Ok(next) = timeout_at(until, next).await else { return Ok(()) };
        match next {
            Ok((length, from)) => take(buffer.get(..length).unwrap_or_default(), from),
            // The link went down: it may come back.
            Err(error) if error.kind() == io::ErrorKind::NetworkDown => {}
            Err(error) => return Err(error),
        }
    }
}

/// An advert as it was on the wire, IP header included.
fn view(family: Family, packet: &[u8]) -> Option<View<'_>> {
    match family {
        Family::V4 => View::of_v4(packet).ok(),
        Family::V6 => {
            let (header, payload) = packet.split_first_chunk::<40>()?;
            let address = |at: usize| Some(Ipv6Addr::from(*header.get(at..)?.first_chunk::<16>()?));
            View::of_v6(address(8)?, address(24)?, header.get(7).copied(), payload).ok()
        }
    }
}
