//! The first packet of a TCP connection as an Ethernet frame, and what comes back (RFC 9293 §3.5):
//! it goes to the MAC address it names, whoever else holds the IP address.
use super::checksum;
use std::net::{IpAddr, SocketAddr};

/// One hop behind the server may be a container that it translates addresses for. A server that
/// forwards what is not for it gets rid of it no farther than that.
const HOPS: u8 = 2;
const TCP: u8 = 6;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
/// Data offset of a header without options: 5 words.
const OFFSET: u8 = 0x50;

/// EtherTypes.
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];

/// The two ends, both of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    pub from_mac: [u8; 6],
    pub to_mac: [u8; 6],
    pub from: SocketAddr,
    pub to: SocketAddr,
}

/// What the other end says to a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// SYN and ACK; the sequence number it expects next.
    Accepted { next: u32 },
    /// RST: it has the address, and nobody listens.
    Refused,
}

impl Way {
    /// Asks for a connection. None: the ends are of two families.
    #[must_use]
    pub fn syn(&self, sequence: u32) -> Option<Vec<u8>> {
        self.segment(SYN, sequence)
    }

    /// Takes the question back: the other end forgets it.
    #[must_use]
    pub fn reset(&self, sequence: u32) -> Option<Vec<u8>> {
        self.segment(RST, sequence)
    }

    fn segment(&self, flags: u8, sequence: u32) -> Option<Vec<u8>> {
        let ends = ends(self.from.ip(), self.to.ip())?;
        let (ether_type, header) = if self.to.is_ipv4() {
            // Version and length, type of service, length, no identification, do not fragment.
            let start = [0x45, 0, 0, 40, 0, 0, 0x40, 0, HOPS, TCP];
            let sum = checksum(start.iter().chain(&ends));
            (IPV4, [&start[..], &sum].concat())
        } else {
            // Version, no traffic class, no flow label, length.
            (IPV6, vec![0x60, 0, 0, 0, 0, 20, TCP, HOPS])
        };
        let ports = [self.from.port().to_be_bytes(), self.to.port().to_be_bytes()].concat();
        // No acknowledgement; a window of 1024.
        let middle = [0, 0, 0, 0, OFFSET, flags, 4, 0];
        let segment = [&ports[..], &sequence.to_be_bytes(), &middle].concat();
        // IPv6 has the same numbers in its pseudo header, in other places.
        let pseudo = [0, TCP, 0, 20];
        let sum = checksum(ends.iter().chain(&pseudo).chain(&segment));
        let urgent = [0, 0];
        let ethernet = [&self.to_mac[..], &self.from_mac, &ether_type].concat();
        Some([&ethernet[..], &header, &ends, &segment, &sum, &urgent].concat())
    }

    /// What a frame says to our SYN; None: it is none of the other end's to us.
    #[must_use]
    pub fn answer(&self, frame: &[u8]) -> Option<Answer> {
        let packet = frame.get(14..)?;
        let (ether_type, protocol, addresses, segment) = if self.to.is_ipv4() {
            let length = usize::from(packet.first()? & 0x0f) * 4;
            (IPV4, packet.get(9)?, packet.get(12..20)?, packet.get(length..)?)
        } else {
            (IPV6, packet.get(6)?, packet.get(8..40)?, packet.get(40..)?)
        };
        let ours = frame.get(6..14)? == [&self.to_mac[..], &ether_type].concat()
            && *protocol == TCP
            && addresses == ends(self.to.ip(), self.from.ip())?
            && segment.get(..4)?
                == [self.to.port().to_be_bytes(), self.from.port().to_be_bytes()].concat();
        if !ours {
            return None;
        }
        let next = u32::from_be_bytes(segment.get(8..12)?.try_into().ok()?);
        match segment.get(13)? & (SYN | RST | ACK) {
            flags if flags & RST != 0 => Some(Answer::Refused),
            flags if flags == SYN | ACK => Some(Answer::Accepted { next }),
            _ => None,
        }
    }
}

/// Both addresses as they stand in a packet.
fn ends(from: IpAddr, to: IpAddr) -> Option<Vec<u8>> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => Some([from.octets(), to.octets()].concat()),
        (IpAddr::V6(from), IpAddr::V6(to)) => Some([from.octets(), to.octets()].concat()),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn way() -> Way {
        Way {
            from_mac: [2, 0, 0, 0, 0, 5],
            to_mac: [2, 0, 0, 0, 1, 0],
            from: "192.168.4.5:40000".parse().unwrap(),
            to: "192.168.4.80:80".parse().unwrap(),
        }
    }

    fn way_of_ipv6() -> Way {
        let (from, to) = ("[2001:db8::5]:40000", "[2001:db8::80]:80");
        Way { from: from.parse().unwrap(), to: to.parse().unwrap(), ..way() }
    }

    /// As the other end would answer: ends swapped.
    fn back(way: &Way) -> Way {
        Way { from_mac: way.to_mac, to_mac: way.from_mac, from: way.to, to: way.from }
    }

    /// The checksums are those that tcpdump finds correct.
    #[test]
    fn a_frame_is_what_the_standards_say() {
        let frame = way().syn(0x0102_0304).unwrap();
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "020000000100020000000005080045000028000040000206ef2ac0a80405c0a804509c40005001020304\
             000000005002040081a60000"
        );
        let frame = way_of_ipv6().syn(0x0102_0304).unwrap();
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "02000000010002000000000586dd600000000014060220010db800000000000000000000000520010db8\
             0000000000000000000000809c400050010203040000000050020400af550000"
        );
    }

    #[test]
    fn answers() {
        answers_to(way(), "192.168.4.80:81");
        answers_to(way_of_ipv6(), "[2001:db8::80]:81");
        let six = Way { to: way_of_ipv6().to, ..way() };
        assert_eq!(six.syn(1), None);
        assert_eq!(six.answer(&way_of_ipv6().syn(1).unwrap()), None);
    }

    fn answers_to(way: Way, other_port: &str) {
        let there = back(&way);
        let said = |flags| there.segment(flags, 7).and_then(|frame| way.answer(&frame));
        assert_eq!(said(SYN | ACK), Some(Answer::Accepted { next: 0 }));
        assert_eq!(said(RST | ACK), Some(Answer::Refused));
        assert_eq!(said(RST), Some(Answer::Refused));
        assert_eq!(said(ACK), None, "that is no answer to a SYN");
        assert_eq!(said(SYN), None, "they ask for themselves");
        let from = |there: Way| there.segment(SYN | ACK, 7).and_then(|frame| way.answer(&frame));
        assert_eq!(from(Way { from_mac: [2, 0, 0, 0, 1, 1], ..there }), None, "another machine");
        assert_eq!(from(Way { from: other_port.parse().unwrap(), ..there }), None);
        assert_eq!(way.answer(&way.syn(1).unwrap()), None, "our own");
    }

    proptest! {
        #[test]
        fn any_bytes_answer_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(way().answer(&bytes), None);
            prop_assert_eq!(way_of_ipv6().answer(&bytes), None);
        }
    }
}
