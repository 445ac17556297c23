//! The Internet checksum (RFC 1071) and the pseudo headers that VRRP lays under it.
use super::packet::PROTOCOL;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A running ones' complement sum. Every piece but the last must have an even length.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum(u64);

impl Sum {
    pub(super) fn add(mut self, bytes: &[u8]) -> Self {
        let mut pairs = bytes.chunks_exact(2);
        for pair in pairs.by_ref() {
            if let &[high, low] = pair {
                self.0 += u64::from(u16::from_be_bytes([high, low]));
            }
        }
        if let &[last] = pairs.remainder() {
            self.0 += u64::from(u16::from_be_bytes([last, 0]));
        }
        self
    }

    /// The value for the checksum field; over a message that carries its checksum: 0 if it is right.
    pub(super) fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap_or(u16::MAX)
    }
}

/// RFC 793's: source, destination, zero, protocol, length of the VRRP message.
pub(super) fn pseudo_v4(from: Ipv4Addr, to: Ipv4Addr, length: usize) -> Sum {
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    Sum::default().add(&from.octets()).add(&to.octets()).add(&[0, PROTOCOL]).add(&length)
}

/// RFC 8200 §8.1's.
pub(super) fn pseudo_v6(from: Ipv6Addr, to: Ipv6Addr, length: usize) -> Sum {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    Sum::default().add(&from.octets()).add(&to.octets()).add(&length).add(&[0, 0, 0, PROTOCOL])
}

/// The pseudo header of whichever family; mixed families (which no packet has) sum to nothing.
pub(super) fn pseudo(from: IpAddr, to: IpAddr, length: usize) -> Sum {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => pseudo_v4(from, to, length),
        (IpAddr::V6(from), IpAddr::V6(to)) => pseudo_v6(from, to, length),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Sum::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let data = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::default().add(&data).finish(), !0xddf2);
    }

    #[test]
    fn an_odd_last_byte_is_the_high_half() {
        assert_eq!(Sum::default().add(&[0x12]).finish(), !0x1200);
    }
}
