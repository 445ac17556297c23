//! Adverts as bytes, outward. One buffer an instance and destination, written anew for each advert.
use super::{
    auth::{self, AH_LENGTH, AH_WORDS, HopLimit},
    checksum::{self, Sum},
    packet::{ADVERTISEMENT, AH_PROTOCOL, HEADER, PROTOCOL, V2_TAIL, address_size},
    trailer::{self, TRAILER},
};
use crate::{
    base::{Family, Priority, Vrid},
    config::model::{AuthHmac, Authentication, Version},
};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

/// Ethernet, as keepalived counts it when it limits the number of addresses.
const ETHERNET: usize = 14;
const IPV4: usize = 20;
const IPV6: usize = 40;
/// Internetwork control.
const TOS: u8 = 0xc0;

/// What the checksum of a VRRPv3 advert over IPv4 covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChecksumForm {
    /// A pseudo header with the packet's destination: keepalived's default.
    #[default]
    Pseudo,
    /// The message alone: RFC 9568, Cisco, Juniper (`v3_checksum_as_v2`).
    Message,
    /// A pseudo header with 224.0.0.18 even in unicast: keepalived up to 1.3.6.
    OldUnicast,
}

/// Everything of an advert that stays from one to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub version: Version,
    pub vrid: Vrid,
    pub interval: Duration,
    pub authentication: Authentication,
    /// Signs every advert; for a router that only verifies: None.
    pub signature: Option<Arc<AuthHmac>>,
    /// Of one family, the instance's; at most [`most_addresses`] of them.
    pub addresses: Vec<IpAddr>,
    pub source: IpAddr,
    pub destination: IpAddr,
    /// IPv4 only: the kernel fills IPv6's.
    pub ttl: u8,
    pub form: ChecksumForm,
}

/// An advert ready to be sent again and again.
#[derive(Clone, Debug)]
pub struct Encoder {
    shape: Shape,
    stamp: u64,
    /// Shared with the action that sends it; written in place once that has let go of it.
    bytes: Arc<Vec<u8>>,
}

impl Encoder {
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self { shape, stamp: 0, bytes: Arc::default() }
    }

    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    pub const fn set_form(&mut self, form: ChecksumForm) {
        self.shape.form = form;
    }

    /// When the next advert is sent, for its signature.
    pub const fn set_stamp(&mut self, stamp: u64) {
        self.stamp = stamp;
    }

    /// IPv4: the datagram with its header (for IP_HDRINCL). IPv6: the payload.
    /// `sequence` is the Authentication Header's and unused without one.
    pub fn encode(&mut self, priority: Priority, id: u16, sequence: u32) -> Arc<Vec<u8>> {
        let bytes = Arc::make_mut(&mut self.bytes);
        bytes.clear();
        self.shape.write(priority, id, sequence, self.stamp, bytes);
        Arc::clone(&self.bytes)
    }
}

impl Shape {
    fn write(&self, priority: Priority, id: u16, sequence: u32, stamp: u64, out: &mut Vec<u8>) {
        match (self.source, self.destination) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let protocol = match self.authentication {
                    Authentication::Header(_) => AH_PROTOCOL,
                    Authentication::None | Authentication::Password(_) => PROTOCOL,
                };
                self.write_ip(from, to, protocol, id, out);
                if let Authentication::Header(key) = self.authentication {
                    self.write_authenticated(&key, priority, sequence, out);
                } else {
                    self.write_message(priority, stamp, out);
                }
            }
            (IpAddr::V6(_), _) | (IpAddr::V4(_), IpAddr::V6(_)) => {
                self.write_message(priority, stamp, out);
            }
        }
    }

    fn write_ip(&self, from: Ipv4Addr, to: Ipv4Addr, protocol: u8, id: u16, out: &mut Vec<u8>) {
        let ah = if protocol == AH_PROTOCOL { AH_LENGTH } else { 0 };
        let signature = if self.signature.is_some() { TRAILER } else { 0 };
        let total = IPV4 + ah + self.message_length() + signature;
        out.extend([0x45, TOS]);
        out.extend(u16::try_from(total).unwrap_or(u16::MAX).to_be_bytes());
        out.extend(id.to_be_bytes());
        out.extend([0, 0, self.ttl, protocol, 0, 0]);
        out.extend(from.octets());
        out.extend(to.octets());
        let sum = Sum::default().add(out).finish();
        patch(out, 10, &sum.to_be_bytes());
    }

    fn write_authenticated(
        &self,
        key: &[u8; 8],
        priority: Priority,
        sequence: u32,
        out: &mut Vec<u8>,
    ) {
        let spi = auth::spi(self.source);
        out.extend([PROTOCOL, AH_WORDS, 0, 0]);
        out.extend(spi);
        out.extend(sequence.to_be_bytes());
        out.extend([0; 12]);
        self.write_message(priority, 0, out);
        let hop_limit =
            if self.destination.is_multicast() { HopLimit::Covered } else { HopLimit::Zeroed };
        if let (Some(ip), Some(message)) = (out.get(..IPV4), out.get(IPV4 + AH_LENGTH..)) {
            let digest = auth::digest(key, ip, spi, sequence, message, hop_limit);
            patch(out, IPV4 + 12, &digest);
        }
    }

    fn write_message(&self, priority: Priority, stamp: u64, out: &mut Vec<u8>) {
        let start = out.len();
        let version: u8 = match self.version {
            Version::V2 => 2,
            Version::V3 => 3,
        };
        let count = u8::try_from(self.addresses.len()).unwrap_or(u8::MAX);
        out.extend([version << 4 | ADVERTISEMENT, self.vrid.0, priority.0, count]);
        out.extend(self.word());
        out.extend([0, 0]);
        for address in &self.addresses {
            match address {
                IpAddr::V4(address) => out.extend(address.octets()),
                IpAddr::V6(address) => out.extend(address.octets()),
            }
        }
        if self.has_tail() {
            out.extend(match self.authentication {
                Authentication::Password(password) => password,
                Authentication::None | Authentication::Header(_) => [0; V2_TAIL],
            });
        }
        let end = out.len();
        if let Some(hmac) = &self.signature
            && trailer::sign(hmac, self.source, stamp, start, out).is_none()
        {
            // Without its key, which settled configurations have: nobody takes zeros for one.
            out.resize(end + TRAILER, 0);
        }
        // What is summed: see `View::checked`.
        let summed = match Family::of(&self.source) {
            Family::V4 => start..end,
            Family::V6 => start..out.len(),
        };
        let message = out.get(summed).unwrap_or_default();
        let sum = self.pseudo(message.len()).add(message).finish();
        patch(out, start + 6, &sum.to_be_bytes());
    }

    fn word(&self) -> [u8; 2] {
        match self.version {
            Version::V2 => {
                let kind = match self.authentication {
                    Authentication::None => 0,
                    Authentication::Password(_) => 1,
                    Authentication::Header(_) => 2,
                };
                [kind, u8::try_from(self.interval.as_secs()).unwrap_or(u8::MAX)]
            }
            Version::V3 => centiseconds(self.interval).to_be_bytes(),
        }
    }

    fn pseudo(&self, length: usize) -> Sum {
        match (self.version, Family::of(&self.source), self.form) {
            (Version::V2, Family::V4, _) | (Version::V3, Family::V4, ChecksumForm::Message) => {
                Sum::default()
            }
            (Version::V3, Family::V4, ChecksumForm::OldUnicast) => {
                checksum::pseudo(self.source, IpAddr::V4(OLD_DESTINATION), length)
            }
            (Version::V3, Family::V4, ChecksumForm::Pseudo)
            | (Version::V2 | Version::V3, Family::V6, _) => {
                checksum::pseudo(self.source, self.destination, length)
            }
        }
    }

    fn has_tail(&self) -> bool {
        self.version == Version::V2 && Family::of(&self.source) == Family::V4
    }

    fn message_length(&self) -> usize {
        let size = address_size(Family::of(&self.source));
        let tail = if self.has_tail() { V2_TAIL } else { 0 };
        HEADER + self.addresses.len() * size + tail
    }
}

/// The destination that `old_unicast_checksum` sums, wherever the packet goes.
pub(super) const OLD_DESTINATION: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// VRRPv3's unit, 12 bits of it.
pub(super) fn centiseconds(interval: Duration) -> u16 {
    u16::try_from(interval.as_millis() / 10).unwrap_or(u16::MAX).min(0xfff)
}

/// How many addresses an advert may carry on a link of this MTU; the surplus moves with the
/// instance but is not advertised.
#[must_use]
pub fn most_addresses(mtu: u32, family: Family, version: Version) -> usize {
    let room = usize::try_from(mtu).unwrap_or(usize::MAX);
    let fixed = match (family, version) {
        (Family::V4, Version::V2) => ETHERNET + IPV4 + AH_LENGTH + HEADER + V2_TAIL,
        (Family::V4, Version::V3) => ETHERNET + IPV4 + AH_LENGTH + HEADER,
        (Family::V6, Version::V2 | Version::V3) => ETHERNET + IPV6 + AH_LENGTH + HEADER,
    };
    (room.saturating_sub(fixed) / address_size(family)).min(255)
}

fn patch(out: &mut [u8], at: usize, value: &[u8]) {
    if let Some(field) = out.get_mut(at..at + value.len()) {
        field.copy_from_slice(value);
    }
}
