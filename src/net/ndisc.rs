//! Unsolicited neighbour advertisement (RFC 4861 §7.2.6, RFC 9568 §6.4.1).
use super::checksum;
use std::net::Ipv6Addr;

/// Length of the Ethernet frame.
pub const FRAME: usize = 86;
/// All nodes of the link: ff02::1 and its MAC.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
const ICMPV6: u8 = 58;
const ADVERTISEMENT: u8 = 136;
const OVERRIDE: u8 = 0x20;
const ROUTER: u8 = 0x80;

/// Whether the machine forwards packets: it then says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Host,
    Router,
}

/// "This address is at this MAC now", from the address itself to all nodes.
#[must_use]
pub fn unsolicited(mac: [u8; 6], address: Ipv6Addr, role: Role) -> [u8; FRAME] {
    let flags = match role {
        Role::Host => OVERRIDE,
        Role::Router => OVERRIDE | ROUTER,
    };
    let ip = address.octets();
    let body = |checksum: [u8; 2]| {
        let mut body = [0; 32];
        let parts: [&[u8]; 7] = [
            &[ADVERTISEMENT, 0],
            &checksum,
            &[flags, 0, 0, 0],
            &ip,
            // Option: target link-layer address, one unit of 8 bytes.
            &[2, 1],
            &mac,
            &[],
        ];
        for (place, byte) in body.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
        }
        body
    };
    let all_nodes = ALL_NODES.octets();
    let pseudo = [0, 0, 0, 32, 0, 0, 0, ICMPV6];
    let sum = checksum(ip.iter().chain(&all_nodes).chain(&pseudo).chain(&body([0, 0])));
    let message = body(sum);
    let header = [0x60, 0, 0, 0, 0, 32, ICMPV6, 255];
    let mut frame = [0; FRAME];
    let ethernet = ALL_NODES_MAC.iter().chain(&mac).chain(&[0x86, 0xdd]);
    let bytes = ethernet.chain(&header).chain(&ip).chain(&all_nodes).chain(&message);
    for (place, byte) in frame.iter_mut().zip(bytes) {
        *place = *byte;
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured from keepalived.
    #[test]
    fn the_frame_is_keepaliveds() {
        let mac = [2, 0, 0, 0, 0, 0x0a];
        let frame = unsolicited(mac, "fe80::100".parse().unwrap(), Role::Host);
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "33330000000102000000000a86dd6000000000203afffe800000000000000000000000000100ff0200000000\
             00000000000000000001880055942\
             0000000fe8000000000000000000000000001000201\
             02000000000a"
        );
    }
}
