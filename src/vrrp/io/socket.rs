//! The raw sockets of one [`SocketKey`]: one that sends and hears nothing, one that hears and whose
//! task puts datagrams into the inbox. The task ends with the inbox, or is aborted when its
//! [`Sockets`] are dropped; it holds nothing but a datagram, so that loses nothing else.
use super::{Inbox, SocketError};
use crate::{
    base::Family,
    machine::io::Inbound,
    vrrp::{Datagram, Endpoint, Event, Packet, SocketKey},
};
use nix::{
    net::if_::if_nametoindex,
    sys::socket::{
        ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrLike,
        recvmsg, sendmsg, setsockopt, sockopt,
    },
};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};
use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::AsRawFd,
    sync::Arc,
};
use tokio::{io::Interest, net::UdpSocket, sync::mpsc::error::TrySendError, task::JoinHandle};

/// Internetwork control, RFC 9568 §5.1.1.
const TRAFFIC_CLASS: u32 = 0xc0;
/// The largest advert: 255 IPv6 addresses and the headers.
const LARGEST: usize = 4608;
/// Datagrams taken from the kernel in one go; the rest waits for the next turn.
const BATCH: usize = 64;

/// Open sockets; dropping closes both.
#[derive(Debug)]
pub(super) struct Sockets {
    sender: Socket,
    /// 0 without an interface.
    interface: u32,
    reader: JoinHandle<()>,
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Sockets {
    pub(super) fn open(key: &Arc<SocketKey>, inbox: Inbox) -> Result<Self, SocketError> {
        let interface = interface_index(key)?;
        let sender = open_sender(key, interface)?;
        let receiver = open_receiver(key, interface)?;
        let wrap = |source| SocketError { operation: "register", key: key.to_string(), source };
        // Tokio's datagram socket is but a registered descriptor: raw ones fit.
        let receiver = UdpSocket::from_std(receiver.into()).map_err(wrap)?;
        let reader = tokio::spawn(read(receiver, Arc::clone(key), inbox));
        Ok(Self { sender, interface, reader })
    }

    /// At once: a full buffer is an error, the next advert comes soon enough.
    pub(super) fn send(&self, packet: &Packet) -> io::Result<()> {
        let flags = if packet.to.is_multicast() {
            MsgFlags::from_bits_retain(libc::MSG_DONTROUTE)
        } else {
            MsgFlags::empty()
        };
        let bytes = [IoSlice::new(&packet.bytes)];
        match (packet.from, packet.to) {
            (IpAddr::V4(_), IpAddr::V4(to)) => {
                let to = SockaddrIn::from(SocketAddrV4::new(to, 0));
                self.send_message(&bytes, &[], flags, &to)
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let info = libc::in6_pktinfo {
                    ipi6_addr: libc::in6_addr { s6_addr: from.octets() },
                    ipi6_ifindex: self.interface,
                };
                let hops = packet.hop_limit.map(i32::from);
                let mut control = vec![ControlMessage::Ipv6PacketInfo(&info)];
                control.extend(hops.as_ref().map(ControlMessage::Ipv6HopLimit));
                let to = SockaddrIn6::from(SocketAddrV6::new(to, 0, 0, self.scope(to)));
                self.send_message(&bytes, &control, flags, &to)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                Err(io::Error::from(io::ErrorKind::InvalidInput))
            }
        }
    }

    fn send_message<A: SockaddrLike>(
        &self,
        bytes: &[IoSlice<'_>],
        control: &[ControlMessage<'_>],
        flags: MsgFlags,
        to: &A,
    ) -> io::Result<()> {
        sendmsg(self.sender.as_raw_fd(), bytes, control, flags, Some(to))?;
        Ok(())
    }

    const fn scope(&self, to: Ipv6Addr) -> u32 {
        if to.is_unicast_link_local() || to.is_multicast() { self.interface } else { 0 }
    }
}

fn interface_index(key: &SocketKey) -> Result<u32, SocketError> {
    if key.interface.is_empty() {
        return Ok(0);
    }
    if_nametoindex(key.interface.as_str()).map_err(|errno| SocketError {
        operation: "find interface",
        key: key.to_string(),
        source: errno.into(),
    })
}

fn raw(key: &SocketKey) -> io::Result<Socket> {
    let domain = match key.family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(i32::from(key.protocol))))?;
    socket.set_nonblocking(true)?;
    if !key.interface.is_empty() {
        socket.bind_device(Some(key.interface.as_bytes()))?;
    }
    Ok(socket)
}

fn open_sender(key: &SocketKey, interface: u32) -> Result<Socket, SocketError> {
    let open = || {
        let socket = raw(key)?;
        // It hears nothing: every packet is refused before it costs memory.
        socket.attach_filter(&[socket2::SockFilter::new(RETURN, 0, 0, 0)])?;
        match key.family {
            Family::V4 => {
                socket.set_header_included_v4(true)?;
                socket.set_multicast_loop_v4(false)?;
                socket.set_tos_v4(TRAFFIC_CLASS)?;
                // The device the socket is bound to is where multicast leaves.
            }
            Family::V6 => {
                socket.set_multicast_loop_v6(false)?;
                socket.set_multicast_hops_v6(255)?;
                socket.set_tclass_v6(TRAFFIC_CLASS)?;
                socket.set_multicast_if_v6(interface)?;
            }
        }
        Ok(socket)
    };
    open().map_err(|source| SocketError { operation: "open to send", key: key.to_string(), source })
}

fn open_receiver(key: &SocketKey, interface: u32) -> Result<Socket, SocketError> {
    let open = || {
        let socket = raw(key)?;
        match (key.family, key.endpoint) {
            (_, Endpoint::Multicast(IpAddr::V4(group))) => {
                socket.set_multicast_all_v4(false)?;
                socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(interface))?;
            }
            (_, Endpoint::Multicast(IpAddr::V6(group))) => {
                socket.join_multicast_v6(&group, interface)?;
            }
            (Family::V4, Endpoint::Unicast(_)) => socket.set_freebind_v4(true)?,
            (Family::V6, Endpoint::Unicast(_)) => match socket.set_freebind_v6(true) {
                // Before Linux 4.15 there is no such thing: the address must be there already.
                Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => {}
                done => done?,
            },
        }
        if key.family == Family::V6 {
            socket.set_recv_hoplimit_v6(true)?;
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        }
        // To the group itself: unicast to us is then never delivered here.
        socket.bind(&bound_to(key.endpoint, interface))?;
        Ok(socket)
    };
    open().map_err(|source| SocketError {
        operation: "open to receive",
        key: key.to_string(),
        source,
    })
}

fn bound_to(endpoint: Endpoint, interface: u32) -> SockAddr {
    let (Endpoint::Multicast(address) | Endpoint::Unicast(address)) = endpoint;
    SockAddr::from(match address {
        IpAddr::V4(address) => SocketAddr::from((address, 0)),
        IpAddr::V6(address) => {
            let scoped = address.is_multicast() || address.is_unicast_link_local();
            let scope = if scoped { interface } else { 0 };
            SocketAddr::V6(SocketAddrV6::new(address, 0, 0, scope))
        }
    })
}

/// Moves datagrams from the kernel to the inbox until that is gone.
async fn read(socket: UdpSocket, key: Arc<SocketKey>, inbox: Inbox) {
    let mut buffer = vec![0; LARGEST];
    loop {
        if let Err(error) = socket.readable().await {
            tracing::warn!("{key}: {error}");
            return;
        }
        let mut heard: Vec<Datagram> = vec![];
        for _ in 0..BATCH {
            match receive(&socket, &key, &mut buffer) {
                Ok(datagram) => keep_newest(&mut heard, datagram),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // ENETDOWN and its like: the link's own news tell the machine.
                    tracing::debug!("{key}: receive: {error}");
                    break;
                }
            }
        }
        for datagram in heard {
            match inbox.try_send(Inbound::Event(Event::Datagram(datagram))) {
                Ok(()) => {}
                // Full: an advert more or less does not matter, the loop's work does.
                Err(TrySendError::Full(_)) => break,
                Err(TrySendError::Closed(_)) => return,
            }
        }
        tokio::task::yield_now().await;
    }
}

/// One advert of each router and VRID a turn, the latest: a flood costs no more than that.
fn keep_newest(heard: &mut Vec<Datagram>, datagram: Datagram) {
    let subject = |datagram: &Datagram| (vrid(datagram), datagram.from);
    let of_new = subject(&datagram);
    match heard.iter_mut().find(|known| subject(known) == of_new) {
        Some(known) => *known = datagram,
        None => heard.push(datagram),
    }
}

/// For telling floods apart only; the machine looks properly.
fn vrid(datagram: &Datagram) -> Option<u8> {
    let ah = if datagram.socket.protocol == crate::vrrp::AH_PROTOCOL { 24 } else { 0 };
    let header = match datagram.socket.family {
        Family::V4 => 20 + ah,
        Family::V6 => 0,
    };
    datagram.bytes.get(header + 1).copied()
}

fn receive(socket: &UdpSocket, key: &Arc<SocketKey>, buffer: &mut [u8]) -> io::Result<Datagram> {
    match key.family {
        Family::V4 => {
            let (length, from) = socket.try_recv_from(buffer)?;
            let bytes = buffer.get(..length).unwrap_or_default().to_vec();
            let to = bytes.get(16..).and_then(|rest| rest.first_chunk::<4>()).copied();
            Ok(Datagram {
                socket: Arc::clone(key),
                from: from.ip(),
                to: to.map_or(Ipv4Addr::UNSPECIFIED, Ipv4Addr::from).into(),
                hop_limit: None,
                bytes,
            })
        }
        Family::V6 => socket.try_io(Interest::READABLE, || receive_v6(socket, key, buffer)),
    }
}

fn receive_v6(socket: &UdpSocket, key: &Arc<SocketKey>, buffer: &mut [u8]) -> io::Result<Datagram> {
    let mut control = nix::cmsg_space!(libc::in6_pktinfo, libc::c_int);
    let mut parts = [IoSliceMut::new(buffer)];
    let message = recvmsg::<SockaddrIn6>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut control),
        MsgFlags::empty(),
    )?;
    let from = message.address.map_or(Ipv6Addr::UNSPECIFIED, |address| address.ip());
    let (mut to, mut hop_limit) = (Ipv6Addr::UNSPECIFIED, None);
    for part in message.cmsgs()? {
        if let ControlMessageOwned::Ipv6PacketInfo(info) = &part {
            to = Ipv6Addr::from(info.ipi6_addr.s6_addr);
        }
        if let ControlMessageOwned::Ipv6HopLimit(limit) = &part {
            hop_limit = u8::try_from(*limit).ok();
        }
    }
    let length = message.bytes;
    Ok(Datagram {
        socket: Arc::clone(key),
        from: from.into(),
        to: to.into(),
        hop_limit,
        bytes: buffer.get(..length).unwrap_or_default().to_vec(),
    })
}

/// BPF_RET | BPF_K.
const RETURN: u16 = 6;
