//! Links, addresses and what the kernel says of them; ARP and ND packets as bytes.
pub mod arp;
pub mod filter;
pub mod half_open;
pub mod io;
pub mod ndisc;
pub mod neighbour;

use crate::base::{LinkIndex, Prefix, Route, RouteIdentity, Rule};
use std::net::IpAddr;

/// An interface as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    pub index: LinkIndex,
    pub name: String,
    /// IFF_UP: somebody switched it on.
    pub up: bool,
    /// IFF_RUNNING: there is carrier.
    pub running: bool,
    pub multicast: bool,
    /// IFF_NOARP: no gratuitous ARP here.
    pub noarp: bool,
    pub loopback: bool,
    pub mtu: u32,
    /// None where the link has no Ethernet address.
    pub mac: Option<[u8; 6]>,
    /// Without tentative ones, in the kernel's order.
    pub addresses: Vec<Prefix>,
}

impl LinkView {
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.up && self.running
    }

    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|prefix| prefix.address == address)
    }
}

/// A route as the kernel tells it, as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteView {
    pub identity: RouteIdentity,
    /// RTPROT_*.
    pub protocol: u8,
    /// RTN_*.
    pub kind: u8,
    pub via: Option<IpAddr>,
    /// None for routes with several next hops.
    pub dev: Option<LinkIndex>,
    /// Preferred source.
    pub source: Option<IpAddr>,
}

impl RouteView {
    /// Whether it leads where the route leads, as far as that says where. `dev` is where the route's
    /// interface is.
    #[must_use]
    pub fn leads_as(&self, route: &Route, dev: Option<LinkIndex>) -> bool {
        let as_asked = |is: Option<IpAddr>, asked: Option<IpAddr>| asked.is_none() || is == asked;
        self.kind == route.kind
            && as_asked(self.via, route.via)
            && as_asked(self.source, route.source)
            && (dev.is_none() || self.dev == dev)
    }
}

/// News from the kernel's monitor of links, addresses, routes and rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetEvent {
    /// Everything, at the start and after news were lost: what is not in it is gone.
    Links(Vec<LinkView>),
    /// A link appeared or changed (name, flags, MAC, MTU); its addresses as known.
    Link(LinkView),
    LinkGone {
        index: LinkIndex,
        name: String,
    },
    AddressAdded {
        index: LinkIndex,
        prefix: Prefix,
    },
    AddressRemoved {
        index: LinkIndex,
        prefix: Prefix,
    },
    /// A route of ours (protocol 18) was deleted by somebody.
    RouteRemoved(RouteIdentity),
    /// A rule was deleted by somebody.
    RuleRemoved(Box<Rule>),
}

/// The Internet checksum (RFC 1071) of an even number of bytes.
fn checksum<'b>(bytes: impl Iterator<Item = &'b u8>) -> [u8; 2] {
    let mut sum = 0_u32;
    for (at, byte) in bytes.enumerate() {
        sum += if at % 2 == 0 { u32::from(*byte) << 8 } else { u32::from(*byte) };
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [_, _, high, low] = (!sum).to_be_bytes();
    [high, low]
}
