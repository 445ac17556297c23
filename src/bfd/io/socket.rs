//! UDP sockets of BFD (RFC 5881 §4, RFC 5883 §5): one that sends for each session, one that hears
//! for each port and family, with a task that ends with it.
use super::{BfdError, Event};
use crate::{
    base::Family,
    bfd::{Datagram, LENGTH},
    config::model::BfdInstance,
    machine::io::Inbound,
};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, recvmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::AsRawFd,
    time::Duration,
};
use tokio::{
    io::Interest,
    net::UdpSocket,
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
};

const SINGLE_HOP: u16 = 3784;
const MULTIHOP: u16 = 4784;
/// Where packets must come from.
const SOURCE_PORTS: std::ops::RangeInclusive<u16> = 49152..=65535;
/// Internetwork control, as VRRP's adverts have it.
const TRAFFIC_CLASS: u32 = 0xc0;
/// Before another attempt to open a port that somebody else holds.
const RETRY: Duration = Duration::from_secs(5);
/// More than a packet with any authentication.
const LARGEST: usize = 256;

/// What a receiving socket is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Port {
    family: Family,
    multihop: bool,
}

impl Port {
    pub(super) const fn of(config: &BfdInstance) -> Self {
        Self { family: Family::of(&config.neighbour), multihop: config.multihop }
    }

    const fn number(self) -> u16 {
        if self.multihop { MULTIHOP } else { SINGLE_HOP }
    }
}

/// The sending socket of a session, with a source port of its own.
#[derive(Debug)]
pub(super) struct Sender {
    socket: Socket,
    to: SocketAddr,
    name: String,
}

impl Sender {
    pub(super) fn open(config: &BfdInstance) -> Result<Self, BfdError> {
        let name = config.name.value.clone();
        let family = Family::of(&config.neighbour);
        let wrap = |operation| {
            let subject = name.clone();
            move |source| BfdError { operation, subject, source }
        };
        let socket = udp(family).map_err(wrap("open a socket of"))?;
        let options = || {
            let ttl = u32::from(config.ttl);
            match family {
                Family::V4 => {
                    socket.set_ttl_v4(ttl)?;
                    socket.set_tos_v4(TRAFFIC_CLASS)?;
                    socket.set_freebind_v4(true)
                }
                Family::V6 => {
                    socket.set_unicast_hops_v6(ttl)?;
                    socket.set_tclass_v6(TRAFFIC_CLASS)?;
                    socket.set_freebind_v6(true)
                }
            }
        };
        options().map_err(wrap("prepare a socket of"))?;
        let any = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let source = config.source.unwrap_or(any);
        let mut bound = Err(io::Error::from(io::ErrorKind::AddrInUse));
        for port in SOURCE_PORTS {
            bound = socket.bind(&SocketAddr::new(source, port).into());
            if !matches!(&bound, Err(error) if error.kind() == io::ErrorKind::AddrInUse) {
                break;
            }
        }
        bound.map_err(wrap("bind a socket of"))?;
        let to = SocketAddr::new(config.neighbour, Port::of(config).number());
        Ok(Self { socket, to, name })
    }

    /// At once: what does not fit the kernel's buffer is an error.
    pub(super) fn send(&self, packet: &[u8; LENGTH]) -> Result<(), BfdError> {
        match self.socket.send_to(packet, &self.to.into()) {
            Ok(_) => Ok(()),
            Err(source) => {
                Err(BfdError { operation: "send a packet of", subject: self.name.clone(), source })
            }
        }
    }
}

fn udp(family: Family) -> io::Result<Socket> {
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if family == Family::V6 {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// Hears on a port until it is dropped.
#[derive(Debug)]
pub(super) struct Receiver(JoinHandle<()>);

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Receiver {
    pub(super) fn start(port: Port, inbox: mpsc::Sender<Inbound<Event>>) -> Self {
        Self(tokio::spawn(async move {
            let mut complained = false;
            loop {
                match listen(port) {
                    Ok(socket) => {
                        complained = false;
                        if hear(&socket, port, &inbox).await.is_err() {
                            return;
                        }
                    }
                    Err(error) if complained => tracing::debug!("{error}"),
                    Err(error) => {
                        complained = true;
                        tracing::error!("{error}; trying again");
                    }
                }
                tokio::time::sleep(RETRY).await;
            }
        }))
    }
}

fn listen(port: Port) -> Result<UdpSocket, BfdError> {
    let open = || {
        let socket = udp(port.family)?;
        let any = match port.family {
            Family::V4 => {
                setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
                setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
                IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            }
            Family::V6 => {
                socket.set_recv_hoplimit_v6(true)?;
                setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
                IpAddr::V6(Ipv6Addr::UNSPECIFIED)
            }
        };
        socket.bind(&SocketAddr::new(any, port.number()).into())?;
        UdpSocket::from_std(socket.into())
    };
    open().map_err(|source| {
        let subject = format!("UDP port {} ({:?})", port.number(), port.family);
        BfdError { operation: "open", subject, source }
    })
}

/// Nobody reads the inbox any more.
struct Gone;

async fn hear(
    socket: &UdpSocket,
    port: Port,
    inbox: &mpsc::Sender<Inbound<Event>>,
) -> Result<(), Gone> {
    let mut buffer = [0; LARGEST];
    loop {
        if let Err(error) = socket.readable().await {
            tracing::warn!("BFD: UDP port {}: {error}", port.number());
            return Ok(());
        }
        match socket.try_io(Interest::READABLE, || receive(socket, port, &mut buffer)) {
            Ok(datagram) => match inbox.try_send(Inbound::Event(Event::Datagram(datagram))) {
                Ok(()) => {}
                // A flood: the next packet is as good.
                Err(TrySendError::Full(_)) => tokio::task::yield_now().await,
                Err(TrySendError::Closed(_)) => return Err(Gone),
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => tracing::debug!("BFD: receive: {error}"),
        }
    }
}

fn receive(socket: &UdpSocket, port: Port, buffer: &mut [u8]) -> io::Result<Datagram> {
    let mut control = nix::cmsg_space!(libc::in6_pktinfo, libc::c_int);
    let mut parts = [IoSliceMut::new(buffer)];
    let (mut to, mut ttl) = (None, None);
    let mut note = |part: ControlMessageOwned| {
        if let ControlMessageOwned::Ipv4PacketInfo(info) = &part {
            to = Some(IpAddr::V4(Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes())));
        }
        if let ControlMessageOwned::Ipv6PacketInfo(info) = &part {
            to = Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)));
        }
        if let ControlMessageOwned::Ipv4Ttl(hops) | ControlMessageOwned::Ipv6HopLimit(hops) = &part
        {
            ttl = u8::try_from(*hops).ok();
        }
    };
    let (from, length) = match port.family {
        Family::V4 => {
            let flags = MsgFlags::empty();
            let message =
                recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
            message.cmsgs()?.for_each(&mut note);
            let from = message.address.map_or(Ipv4Addr::UNSPECIFIED, |address| address.ip());
            (IpAddr::V4(from), message.bytes)
        }
        Family::V6 => {
            let flags = MsgFlags::empty();
            let message =
                recvmsg::<SockaddrIn6>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
            message.cmsgs()?.for_each(&mut note);
            let from = message.address.map_or(Ipv6Addr::UNSPECIFIED, |address| address.ip());
            (IpAddr::V6(from), message.bytes)
        }
    };
    let unknown = from;
    Ok(Datagram {
        from,
        to: to.unwrap_or(unknown),
        ttl,
        multihop: port.multihop,
        bytes: buffer.get(..length).unwrap_or_default().to_vec(),
    })
}
