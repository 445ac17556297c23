//! VRRPv2 authentication: IP Authentication Header with HMAC-MD5-96 (RFC 2402, RFC 2403).
use super::packet::{AuthHeader, View};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use std::net::{IpAddr, Ipv4Addr};

/// Bytes of the header: next header, length, reserved, SPI, sequence number, digest.
pub(super) const AH_LENGTH: usize = 24;
const DIGEST: usize = 12;
/// Where a sender stops counting rather than start again at 0.
const LAST_SEQUENCE: u32 = 0xffff_fffd;

/// The one counter an instance uses for what it sends and for what it hears: the group of routers
/// counts together, so that a new master's first advert is newer than the old master's last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sequence(u32);

impl Sequence {
    /// The number of the next advert.
    pub(super) const fn advance(&mut self) -> u32 {
        if self.0 < LAST_SEQUENCE {
            self.0 += 1;
        }
        self.0
    }

    /// Whether nothing as new has been sent or heard.
    pub(super) const fn is_new(self, number: u32) -> bool {
        number > self.0
    }

    /// Two masters that send at the same moment with the same number take each other for replays,
    /// for ever. The one of the higher address counts one further, and is heard again.
    /// (A replayed packet can make a counter skip, no more.)
    pub(super) fn leave_lockstep(&mut self, number: u32, from: IpAddr, ours: Option<IpAddr>) {
        if number == self.0 && ours.is_some_and(|ours| from < ours) {
            self.advance();
        }
    }

    /// A packet that counts carried this number.
    pub(super) const fn hear(&mut self, number: u32) {
        if self.is_new(number) {
            self.0 = number;
        }
    }
}

/// How the fields that change on the way are treated when the digest is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HopLimit {
    /// Multicast: always 255, so it is covered.
    Covered,
    /// Unicast: routers lower it.
    Zeroed,
}

/// The first 12 bytes of HMAC-MD5 over IP header, AH and VRRP message with the mutable fields
/// (TOS, flags and offset, header checksum, digest, TTL when unicast) zeroed.
pub(super) fn digest(
    key: &[u8; 8],
    ip: &[u8],
    spi: [u8; 4],
    sequence: u32,
    message: &[u8],
    hop_limit: HopLimit,
) -> [u8; DIGEST] {
    let whole = mac(key, ip, spi, sequence, message, hop_limit).finalize().into_bytes();
    let mut first = [0; DIGEST];
    for (to, from) in first.iter_mut().zip(whole) {
        *to = from;
    }
    first
}

/// Whether the digest in a received packet is right. Constant time.
pub(super) fn verify(
    key: &[u8; 8],
    ah: &AuthHeader<'_>,
    view: &View<'_>,
    hop_limit: HopLimit,
) -> bool {
    mac(key, view.ip_header, ah.spi, ah.sequence, view.message, hop_limit)
        .verify_truncated_left(ah.digest)
        .is_ok()
}

/// The security parameter index: the sender's address.
pub(super) const fn spi(source: IpAddr) -> [u8; 4] {
    match source {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED.octets(),
    }
}

fn mac(
    key: &[u8; 8],
    ip: &[u8],
    spi: [u8; 4],
    sequence: u32,
    message: &[u8],
    hop_limit: HopLimit,
) -> Hmac<Md5> {
    let mut header = [0; 60];
    for (at, (to, from)) in header.iter_mut().zip(ip).enumerate() {
        *to = match at {
            1 | 6 | 7 | 10 | 11 => 0,
            8 if hop_limit == HopLimit::Zeroed => 0,
            _ => *from,
        };
    }
    let mut ah = [0; AH_LENGTH];
    let [next, length, _, _, spi0, spi1, spi2, spi3, seq0, seq1, seq2, seq3, ..] = &mut ah;
    [*next, *length] = [super::packet::PROTOCOL, AH_WORDS];
    [*spi0, *spi1, *spi2, *spi3] = spi;
    [*seq0, *seq1, *seq2, *seq3] = sequence.to_be_bytes();
    let mut mac = <Hmac<Md5> as KeyInit>::new(&hmac_key(key));
    mac.update(header.get(..ip.len().min(60)).unwrap_or_default());
    mac.update(&ah);
    mac.update(message);
    mac
}

/// Payload length field: 32-bit words of the header minus two.
pub(super) const AH_WORDS: u8 = 4;

/// HMAC pads a short key with zeros to the block, MD5's being 64 bytes.
fn hmac_key(key: &[u8; 8]) -> hmac::digest::Key<Hmac<Md5>> {
    let mut block = hmac::digest::Key::<Hmac<Md5>>::default();
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_number_counts_once() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.advance(), 1);
        assert!(!sequence.is_new(1) && sequence.is_new(7));
        sequence.hear(7);
        sequence.hear(3);
        assert!(!sequence.is_new(7));
        assert_eq!(sequence.advance(), 8);
        sequence.hear(u32::MAX - 2);
        assert_eq!(sequence.advance(), LAST_SEQUENCE);
    }
}
