//! Whole Ethernet frames to and from one interface, past the kernel's own ideas of routes and
//! addresses (packet(7)).
use super::sys;
use crate::{base::Family, net::LinkView};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::{io, time::Duration};
use tokio::{net::UdpSocket, time::timeout};

const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// A question is asked so often,
const TRIES: u32 = 3;
/// and each time so long is waited for the answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// Of a frame that is heard: headers are enough.
const HEARD: usize = 256;

#[derive(Debug, thiserror::Error)]
#[error("{operation} on {interface}: {source}")]
pub struct WireError {
    pub operation: &'static str,
    pub interface: String,
    pub source: io::Error,
}

/// A socket that hears one kind of packet on one interface, and sends frames as they are.
#[derive(Debug)]
pub struct Wire {
    /// Tokio's datagram socket is but a registered descriptor: this one fits.
    socket: UdpSocket,
    interface: String,
}

impl Wire {
    /// Hears ARP, or neighbour advertisements.
    ///
    /// # Errors
    /// Without CAP_NET_RAW.
    pub fn neighbours(link: &LinkView, family: Family) -> Result<Self, WireError> {
        match family {
            Family::V4 => Self::open(link, ARP, None),
            Family::V6 => Self::open(link, IPV6, Some(&advertisements())),
        }
    }

    /// Hears TCP to that port, whatever the address.
    ///
    /// # Errors
    /// Without CAP_NET_RAW.
    pub fn tcp(link: &LinkView, family: Family, port: u16) -> Result<Self, WireError> {
        match family {
            Family::V4 => Self::open(link, IPV4, Some(&to_port(port))),
            Family::V6 => Self::open(link, IPV6, Some(&to_port_of_ipv6(port))),
        }
    }

    fn open(
        link: &LinkView,
        ether_type: u16,
        filter: Option<&[SockFilter]>,
    ) -> Result<Self, WireError> {
        let open = || {
            // Protocol 0: nothing comes in before it is bound, so nothing that the filter forbids.
            let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?;
            socket.set_nonblocking(true)?;
            if let Some(filter) = filter {
                socket.attach_filter(filter)?;
            }
            socket.bind(&sys::link_address(link.index.0, ether_type)?)?;
            UdpSocket::from_std(socket.into())
        };
        let wrap = |source| WireError {
            operation: "open a packet socket",
            interface: link.name.clone(),
            source,
        };
        Ok(Self { socket: open().map_err(wrap)?, interface: link.name.clone() })
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When the interface is down or gone.
    pub async fn send(&self, frame: &[u8]) -> Result<(), WireError> {
        let sent = self.socket.send(frame).await;
        sent.map(|_| ()).map_err(|source| self.failed("send a frame", source))
    }

    /// Sends a frame, again if need be, until one comes that is an answer. None: none came.
    ///
    /// # Errors
    /// When the interface is down or gone.
    pub async fn ask<A>(
        &self,
        frame: &[u8],
        answer: impl Fn(&[u8]) -> Option<A>,
    ) -> Result<Option<A>, WireError> {
        for _ in 0..TRIES {
            self.send(frame).await?;
            if let Ok(heard) = timeout(PATIENCE, self.hear(&answer)).await {
                return heard.map(Some);
            }
        }
        Ok(None)
    }

    async fn hear<A>(&self, answer: impl Fn(&[u8]) -> Option<A>) -> Result<A, WireError> {
        let mut buffer = [0; HEARD];
        loop {
            let heard = self.socket.recv(&mut buffer).await;
            let length = heard.map_err(|source| self.failed("hear", source))?;
            if let Some(found) = answer(buffer.get(..length).unwrap_or_default()) {
                return Ok(found);
            }
        }
    }

    fn failed(&self, operation: &'static str, source: io::Error) -> WireError {
        WireError { operation, interface: self.interface.clone(), source }
    }
}

/// Classic BPF (linux/filter.h): load a byte, a half word, four times the low half of a byte into the
/// index, a half word behind the index; jump where equal, where any bit is set; answer.
const BYTE: u16 = 0x30;
const HALF: u16 = 0x28;
const INDEX: u16 = 0xb1;
const INDEXED: u16 = 0x48;
const EQUAL: u16 = 0x15;
const ANY_BIT: u16 = 0x45;
const ANSWER: u16 = 0x06;

/// Over an Ethernet frame of IPv4: whole datagrams of TCP to a port.
fn to_port(port: u16) -> [SockFilter; 9] {
    [
        SockFilter::new(BYTE, 0, 0, 23),
        SockFilter::new(EQUAL, 0, 6, 6),
        // Not the first part of a datagram: there are no ports in it.
        SockFilter::new(HALF, 0, 0, 20),
        SockFilter::new(ANY_BIT, 4, 0, 0x1fff),
        // The length of the IP header.
        SockFilter::new(INDEX, 0, 0, 14),
        SockFilter::new(INDEXED, 0, 0, 16),
        SockFilter::new(EQUAL, 0, 1, u32::from(port)),
        SockFilter::new(ANSWER, 0, 0, u32::MAX),
        SockFilter::new(ANSWER, 0, 0, 0),
    ]
}

/// Over an Ethernet frame of IPv6 without extension headers: TCP to a port.
fn to_port_of_ipv6(port: u16) -> [SockFilter; 6] {
    [
        SockFilter::new(BYTE, 0, 0, 20),
        SockFilter::new(EQUAL, 0, 3, 6),
        SockFilter::new(HALF, 0, 0, 56),
        SockFilter::new(EQUAL, 0, 1, u32::from(port)),
        SockFilter::new(ANSWER, 0, 0, u32::MAX),
        SockFilter::new(ANSWER, 0, 0, 0),
    ]
}

/// Over an Ethernet frame of IPv6: neighbour advertisements (ICMPv6 136).
fn advertisements() -> [SockFilter; 6] {
    [
        SockFilter::new(BYTE, 0, 0, 20),
        SockFilter::new(EQUAL, 0, 3, 58),
        SockFilter::new(BYTE, 0, 0, 54),
        SockFilter::new(EQUAL, 0, 1, 136),
        SockFilter::new(ANSWER, 0, 0, u32::MAX),
        SockFilter::new(ANSWER, 0, 0, 0),
    ]
}
