//! Unsolicited neighbour advertisement (RFC 4861 §7.2.6, RFC 9568 §6.4.1): "this address is at this
//! MAC now"; and asking one machine for an address (RFC 4861 §7.2.2).
use super::checksum;
use std::net::Ipv6Addr;

/// Length of the Ethernet frame.
pub const FRAME: usize = 86;
/// All nodes of the link: ff02::1 and its MAC.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const HOPS: u8 = 255;
const IPV6: [u8; 2] = [0x86, 0xdd];
/// Options: source and target link-layer address, of one unit of 8 bytes.
const SOURCE: [u8; 2] = [1, 1];
const TARGET: [u8; 2] = [2, 1];
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
    packet((mac, ALL_NODES_MAC), (address, ALL_NODES), ([ADVERTISEMENT, flags], address), TARGET)
}

/// Asks who has `wanted`: all that listen for it, or one machine by its MAC address.
#[must_use]
pub fn solicitation(
    mac: [u8; 6],
    own: Ipv6Addr,
    to: Option<[u8; 6]>,
    wanted: Ipv6Addr,
) -> [u8; FRAME] {
    // RFC 4291 §2.7.1: the solicited-node address has the last 24 bits.
    let [.., a, b, c] = wanted.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c]);
    let to = to.unwrap_or([0x33, 0x33, 0xff, a, b, c]);
    packet((mac, to), (own, group), ([SOLICITATION, 0], wanted), SOURCE)
}

/// From and to by MAC and by IP address; type and flags, and the address that it is about; which MAC
/// address the option is about: ours always.
fn packet(
    (mac, to_mac): ([u8; 6], [u8; 6]),
    (from, to): (Ipv6Addr, Ipv6Addr),
    ([kind, flags], about): ([u8; 2], Ipv6Addr),
    option: [u8; 2],
) -> [u8; FRAME] {
    let ends = [from.octets(), to.octets()].concat();
    let head = [kind, 0];
    let tail = [&[flags, 0, 0, 0], &about.octets()[..], &option, &mac].concat();
    let pseudo = [0, 0, 0, 32, 0, 0, 0, ICMPV6];
    let sum = checksum(ends.iter().chain(&pseudo).chain(&head).chain(&tail));
    let header = [0x60, 0, 0, 0, 0, 32, ICMPV6, HOPS];
    let mut frame = [0; FRAME];
    let ethernet = to_mac.iter().chain(&mac).chain(&IPV6);
    let bytes = ethernet.chain(&header).chain(&ends).chain(&head).chain(&sum).chain(&tail);
    for (place, byte) in frame.iter_mut().zip(bytes) {
        *place = *byte;
    }
    frame
}

/// Who says, in an advertisement to us, that an address is at its MAC; None: the frame is none.
#[must_use]
pub fn reply(frame: &[u8], mac: [u8; 6]) -> Option<([u8; 6], Ipv6Addr)> {
    let to_us = frame.get(..6)? == mac;
    // RFC 4861 §7.1.2: with another hop limit it comes from beyond the link.
    let is_reply = frame.get(12..14)? == IPV6
        && frame.get(20..22)? == [ICMPV6, HOPS]
        && frame.get(54..56)? == [ADVERTISEMENT, 0];
    let address: [u8; 16] = frame.get(62..78)?.try_into().ok()?;
    // The option may be missing where one machine was asked: the frame's own address is as good.
    let said =
        frame.get(80..86).filter(|_| frame.get(78..80).is_some_and(|option| option == TARGET));
    let sender: [u8; 6] = said.or(frame.get(6..12))?.try_into().ok()?;
    (to_us && is_reply).then_some((sender, address.into()))
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

    /// The checksum is the one that tcpdump finds correct.
    #[test]
    fn questions_and_answers() {
        let (us, them) = ([2, 0, 0, 0, 0, 5], [2, 0, 0, 0, 1, 0]);
        let (own, wanted) = ("2001:db8::5".parse().unwrap(), "2001:db8::80".parse().unwrap());
        let asked = solicitation(us, own, None, wanted);
        let hex: String = asked.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "3333ff00008002000000000586dd6000000000203aff20010db8000000000000000000000005ff02000000\
             00000000000001ff00008087001b230000000020010db80000000000000000000000800101020000000005"
        );
        assert_eq!(solicitation(us, own, Some(them), wanted)[..6], them);
        assert_eq!(reply(&asked, us), None, "a question is no answer");
        let answer =
            |option| packet((them, us), (wanted, own), ([ADVERTISEMENT, 0], wanted), option);
        assert_eq!(reply(&answer(TARGET), us), Some((them, wanted)));
        assert_eq!(reply(&answer(TARGET)[..78], us), Some((them, wanted)), "without the option");
        assert_eq!(reply(&answer(TARGET), them), None, "it is for somebody else");
        let mut routed = answer(TARGET);
        routed[21] = 254;
        assert_eq!(reply(&routed, us), None);
        assert_eq!(reply(&asked[..70], us), None);
    }
}
