//! Who has an address, asked on the link: by ARP or by neighbour discovery, as its family has it.
use super::{arp, ndisc};
use std::net::{IpAddr, Ipv4Addr};

/// A frame that asks everybody, or one machine by its MAC address, for an address. One machine
/// learns nothing from an ARP question, so that nothing is changed there. None: the addresses are of
/// two families.
#[must_use]
pub fn question(mac: [u8; 6], own: IpAddr, to: Option<[u8; 6]>, wanted: IpAddr) -> Option<Vec<u8>> {
    match (own, wanted) {
        (IpAddr::V4(own), IpAddr::V4(wanted)) => {
            let own = if to.is_some() { Ipv4Addr::UNSPECIFIED } else { own };
            Some(arp::request(mac, own, to, wanted).to_vec())
        }
        (IpAddr::V6(own), IpAddr::V6(wanted)) => {
            Some(ndisc::solicitation(mac, own, to, wanted).to_vec())
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
    }
}

/// Who says to us that an address is at its MAC; None: the frame does not.
#[must_use]
pub fn answer(frame: &[u8], mac: [u8; 6]) -> Option<([u8; 6], IpAddr)> {
    let of_arp = || arp::reply(frame, mac).map(|(from, address)| (from, address.into()));
    of_arp().or_else(|| ndisc::reply(frame, mac).map(|(from, address)| (from, address.into())))
}
