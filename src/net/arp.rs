//! Gratuitous ARP (RFC 5227 §3, RFC 9568 §6.4.1): "this address is at this MAC now"; and asking one
//! machine for an address (RFC 826, RFC 5227 §2.1.1).
use std::net::Ipv4Addr;

/// Length of the Ethernet frame, without padding.
pub const FRAME: usize = 42;
const BROADCAST: [u8; 6] = [0xff; 6];

/// An ARP request for the address itself, sent to everybody. As keepalived's, its target hardware
/// address is the broadcast address.
#[must_use]
pub fn gratuitous(mac: [u8; 6], address: Ipv4Addr) -> [u8; FRAME] {
    packet(BROADCAST, mac, address, BROADCAST, address)
}

/// Asks who has `wanted`: everybody, or one machine by its MAC address. `own` unspecified makes it an
/// address-conflict probe, which nobody learns anything from.
#[must_use]
pub fn request(mac: [u8; 6], own: Ipv4Addr, to: Option<[u8; 6]>, wanted: Ipv4Addr) -> [u8; FRAME] {
    packet(to.unwrap_or(BROADCAST), mac, own, [0; 6], wanted)
}

/// A request: Ethernet destination, then the sender's two addresses, then the target's.
fn packet(
    to: [u8; 6],
    mac: [u8; 6],
    own: Ipv4Addr,
    target_mac: [u8; 6],
    target: Ipv4Addr,
) -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    let parts: [&[u8]; 8] = [
        &to,
        &mac,
        // EtherType ARP; Ethernet, IPv4, lengths 6 and 4; request.
        &[0x08, 0x06],
        &[0, 1, 0x08, 0, 6, 4, 0, 1],
        &mac,
        &own.octets(),
        &target_mac,
        &target.octets(),
    ];
    let bytes = parts.into_iter().flatten();
    for (place, byte) in frame.iter_mut().zip(bytes) {
        *place = *byte;
    }
    frame
}

/// Who says, in a reply to us, that an address is at its MAC; None: the frame is no such reply.
#[must_use]
pub fn reply(frame: &[u8], mac: [u8; 6]) -> Option<([u8; 6], Ipv4Addr)> {
    let to_us = frame.get(..6)? == mac;
    let is_reply = frame.get(12..22)? == [0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 2];
    let sender: [u8; 6] = frame.get(22..28)?.try_into().ok()?;
    let address: [u8; 4] = frame.get(28..32)?.try_into().ok()?;
    (to_us && is_reply).then_some((sender, address.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Captured from keepalived.
    #[test]
    fn the_frame_is_keepaliveds() {
        let frame = gratuitous([2, 0, 0, 0, 0, 0x0a], "10.0.0.100".parse().unwrap());
        assert_eq!(
            hex(&frame),
            "ffffffffffff02000000000a0806000108000604000102000000000a0a000064ffffffffffff0a000064"
        );
        let vmac = gratuitous([0, 0, 0x5e, 0, 1, 0x33], "10.0.0.100".parse().unwrap());
        assert_eq!(
            hex(&vmac),
            "ffffffffffff00005e0001330806000108000604000100005e0001330a000064ffffffffffff0a000064"
        );
    }

    #[test]
    fn questions_and_answers() {
        let (us, them) = ([2, 0, 0, 0, 0, 5], [2, 0, 0, 0, 1, 0]);
        let address = "192.168.4.80".parse().unwrap();
        let asked = request(us, Ipv4Addr::UNSPECIFIED, Some(them), address);
        assert_eq!(
            hex(&asked),
            "020000000100020000000005080600010800060400010200000000050000000000000000\
             0000c0a80450"
        );
        assert_eq!(reply(&asked, them), None, "a question is no answer");
        let mut answer = packet(us, them, address, us, Ipv4Addr::UNSPECIFIED);
        answer[21] = 2;
        assert_eq!(reply(&answer, us), Some((them, address)));
        assert_eq!(reply(&answer, them), None, "it is for somebody else");
        assert_eq!(reply(&answer[..31], us), None);
    }
}
