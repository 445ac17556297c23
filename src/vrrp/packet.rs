//! Adverts as bytes, inward: RFC 9568 §5, RFC 3768 §5 and the Authentication Header before them.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------+-------+---------------+---------------+---------------+
//! |version| type 1|     VRID      |   priority    |     count     |
//! +-------+-------+---------------+---------------+---------------+
//! | v2: auth type | v2: seconds   |           checksum            |
//! | v3: 4 bits 0, 12 bits of 10ms |                               |
//! +-------------------------------+-------------------------------+
//! |            count addresses of 4 (IPv4) or 16 bytes            |
//! +---------------------------------------------------------------+
//! |       v2 over IPv4 only: 8 bytes of authentication data       |
//! +---------------------------------------------------------------+
//! ```
#![deny(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
use super::{
    checksum::{self, Sum},
    trailer::{TRAILER, Trailer},
};
use crate::base::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IP protocol number of VRRP.
pub const PROTOCOL: u8 = 112;
/// IP protocol number of the Authentication Header.
pub const AH_PROTOCOL: u8 = 51;
/// VRRP header without addresses.
pub(super) const HEADER: usize = 8;
/// Authentication data at the end of every VRRPv2 advert over IPv4.
pub(super) const V2_TAIL: usize = 8;
/// The only packet type there is.
pub(super) const ADVERTISEMENT: u8 = 1;

/// A received packet, cut into its parts but not judged: that is `receive`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    pub from: IpAddr,
    pub to: IpAddr,
    /// None where the kernel did not say (IPv6 without IPV6_RECVHOPLIMIT).
    pub hop_limit: Option<u8>,
    /// Empty for IPv6, whose header raw sockets do not show.
    pub ip_header: &'a [u8],
    /// The IPv4 header's own idea of the length; for IPv6 the payload's length.
    pub total_length: usize,
    /// All bytes received, IPv4 header included.
    pub received: usize,
    pub ah: Option<AuthHeader<'a>>,
    /// From the VRRP header to the end of what was received.
    pub message: &'a [u8],
    pub version: u8,
    pub kind: u8,
    pub vrid: u8,
    pub priority: u8,
    pub count: u8,
    /// Bytes 4 and 5, whose meaning depends on the version.
    pub word: [u8; 2],
}

/// The Authentication Header of a VRRPv2 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthHeader<'a> {
    pub next_header: u8,
    pub spi: [u8; 4],
    pub sequence: u32,
    pub digest: &'a [u8; 12],
}

/// Fewer bytes than the headers need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooShort {
    pub family: Family,
    pub length: usize,
}

impl<'a> View<'a> {
    /// Cuts an IPv4 datagram, header included, as raw sockets deliver it.
    ///
    /// # Errors
    /// When it ends before the VRRP header does, or is not IPv4.
    pub fn of_v4(datagram: &'a [u8]) -> Result<Self, TooShort> {
        let short = TooShort { family: Family::V4, length: datagram.len() };
        let Some((
            &[
                first,
                _,
                length0,
                length1,
                _,
                _,
                _,
                _,
                ttl,
                protocol,
                _,
                _,
                s0,
                s1,
                s2,
                s3,
                d0,
                d1,
                d2,
                d3,
            ],
            _,
        )) = datagram.split_first_chunk::<20>()
        else {
            return Err(short);
        };
        let words = usize::from(first & 0xf);
        if first >> 4 != 4 || words < 5 {
            return Err(short);
        }
        let (ip_header, payload) =
            datagram.split_at_checked(words.saturating_mul(4)).ok_or(short)?;
        let (ah, message) = if protocol == AH_PROTOCOL {
            let (ah, message) = AuthHeader::cut(payload).ok_or(short)?;
            (Some(ah), message)
        } else {
            (None, payload)
        };
        let partial = Self {
            from: Ipv4Addr::new(s0, s1, s2, s3).into(),
            to: Ipv4Addr::new(d0, d1, d2, d3).into(),
            hop_limit: Some(ttl),
            ip_header,
            total_length: usize::from(u16::from_be_bytes([length0, length1])),
            received: datagram.len(),
            ah,
            ..Self::EMPTY
        };
        partial.with_message(message).ok_or(short)
    }

    /// Cuts the payload of an IPv6 packet, as raw sockets deliver it.
    ///
    /// # Errors
    /// When it ends before the VRRP header does.
    pub fn of_v6(
        from: Ipv6Addr,
        to: Ipv6Addr,
        hop_limit: Option<u8>,
        payload: &'a [u8],
    ) -> Result<Self, TooShort> {
        let partial = Self {
            from: from.into(),
            to: to.into(),
            hop_limit,
            total_length: payload.len(),
            received: payload.len(),
            ..Self::EMPTY
        };
        partial.with_message(payload).ok_or(TooShort { family: Family::V6, length: payload.len() })
    }

    const EMPTY: Self = Self {
        from: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        to: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        hop_limit: None,
        ip_header: &[],
        total_length: 0,
        received: 0,
        ah: None,
        message: &[],
        version: 0,
        kind: 0,
        vrid: 0,
        priority: 0,
        count: 0,
        word: [0; 2],
    };

    fn with_message(self, message: &'a [u8]) -> Option<Self> {
        let (&[first, vrid, priority, count, word0, word1, _, _], _) =
            message.split_first_chunk::<HEADER>()?;
        Some(Self {
            message,
            version: first >> 4,
            kind: first & 0xf,
            vrid,
            priority,
            count,
            word: [word0, word1],
            ..self
        })
    }

    #[must_use]
    pub const fn family(&self) -> Family {
        Family::of(&self.from)
    }

    /// Bytes the VRRP message should have by its own version and count.
    #[must_use]
    pub fn expected_message(&self) -> usize {
        let addresses = usize::from(self.count).saturating_mul(address_size(self.family()));
        let tail = if self.has_tail() { V2_TAIL } else { 0 };
        HEADER.saturating_add(addresses).saturating_add(tail)
    }

    /// Bytes the whole packet should have, in the sense of `received`.
    #[must_use]
    pub fn expected_packet(&self) -> usize {
        let before = self.received.saturating_sub(self.message.len());
        before.saturating_add(self.expected_message())
    }

    /// The advertised addresses, in order; fewer than `count` if the packet is cut off.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let family = self.family();
        let all = self.message.get(HEADER..).unwrap_or_default();
        all.chunks_exact(address_size(family)).take(usize::from(self.count)).filter_map(
            move |bytes| match family {
                Family::V4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
                Family::V6 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
            },
        )
    }

    /// VRRPv2 over IPv4: the 8 bytes after the addresses.
    #[must_use]
    pub fn password(&self) -> Option<[u8; 8]> {
        if !self.has_tail() {
            return None;
        }
        let start = self.expected_message().checked_sub(V2_TAIL)?;
        self.message.get(start..)?.first_chunk().copied()
    }

    /// VRRPv2: 0 none, 1 password, 2 header.
    #[must_use]
    pub const fn auth_type(&self) -> u8 {
        let [auth_type, _] = self.word;
        auth_type
    }

    /// VRRPv2: seconds.
    #[must_use]
    pub const fn seconds(&self) -> u8 {
        let [_, seconds] = self.word;
        seconds
    }

    /// VRRPv3: hundredths of a second.
    #[must_use]
    pub const fn centiseconds(&self) -> u16 {
        u16::from_be_bytes(self.word) & 0xfff
    }

    /// Whether the message's checksum is right over the message alone (VRRPv2, RFC 9568 for IPv4).
    #[must_use]
    pub fn checksum_plain(&self) -> bool {
        Sum::default().add(self.checked()).finish() == 0
    }

    /// Whether it is right with a pseudo header that names `to` as the destination (VRRPv3 as
    /// keepalived sends it, IPv6 always).
    #[must_use]
    pub fn checksum_with(&self, to: IpAddr) -> bool {
        let message = self.checked();
        checksum::pseudo(self.from, to, message.len()).add(message).finish() == 0
    }

    /// What `auth_hmac` adds. Ethernet's padding never has that length.
    #[must_use]
    pub fn trailer(&self) -> Option<Trailer<'a>> {
        let bytes = self.message.get(self.expected_message()..)?;
        (bytes.len() == TRAILER).then(|| Trailer::read(bytes))?
    }

    /// The message without Ethernet's padding. Over IPv6 the kernel of many a router sums the whole
    /// payload, trailer and all; over IPv4 nobody does.
    fn checked(&self) -> &'a [u8] {
        if self.family() == Family::V6 && self.trailer().is_some() {
            return self.message;
        }
        self.message.get(..self.expected_message()).unwrap_or(self.message)
    }

    fn has_tail(&self) -> bool {
        self.version == 2 && self.family() == Family::V4
    }
}

impl<'a> AuthHeader<'a> {
    fn cut(payload: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[next_header, _, _, _, p0, p1, p2, p3, q0, q1, q2, q3], rest) =
            payload.split_first_chunk::<12>()?;
        let (digest, message) = rest.split_first_chunk::<12>()?;
        let spi = [p0, p1, p2, p3];
        let sequence = u32::from_be_bytes([q0, q1, q2, q3]);
        Some((Self { next_header, spi, sequence, digest }, message))
    }
}

pub(super) const fn address_size(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 16,
    }
}
