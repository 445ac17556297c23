//! Gratuitous ARP (RFC 5227 §3, RFC 9568 §6.4.1): "this address is at this MAC now".
use std::net::Ipv4Addr;

/// Length of the Ethernet frame, without padding.
pub const FRAME: usize = 42;
const BROADCAST: [u8; 6] = [0xff; 6];

/// An ARP request for the address itself, sent to everybody. As keepalived's, its target hardware
/// address is the broadcast address.
#[must_use]
pub fn gratuitous(mac: [u8; 6], address: Ipv4Addr) -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    let ip = address.octets();
    let parts: [&[u8]; 9] = [
        &BROADCAST,
        &mac,
        // EtherType ARP; Ethernet, IPv4, lengths 6 and 4; request.
        &[0x08, 0x06],
        &[0, 1, 0x08, 0, 6, 4, 0, 1],
        &mac,
        &ip,
        &BROADCAST,
        &ip,
        &[],
    ];
    let bytes = parts.into_iter().flatten();
    for (place, byte) in frame.iter_mut().zip(bytes) {
        *place = *byte;
    }
    frame
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
}
