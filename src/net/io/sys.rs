//! The one socket address that no safe library builds: that of packet(7).
#![allow(unsafe_code, reason = "socket2 fills an address through a raw pointer only")]
use libc::{AF_PACKET, sockaddr_ll};
use socket2::SockAddr;
use std::io;

/// Where a whole Ethernet frame goes out: the interface; the frame itself says to whom.
///
/// # Errors
/// None that can happen: it is socket2's signature.
pub(super) fn link_address(index: u32, ether_type: u16) -> io::Result<SockAddr> {
    let address = sockaddr_ll {
        sll_family: u16::try_from(AF_PACKET).unwrap_or(0),
        sll_protocol: ether_type.to_be(),
        sll_ifindex: i32::try_from(index).unwrap_or(0),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0; 8],
    };
    let length = u32::try_from(size_of::<sockaddr_ll>()).unwrap_or(0);
    // SAFETY: the storage is larger than and at least as aligned as any socket address, the
    // address is written whole, and its length is set to what was written.
    let ((), built) = unsafe {
        SockAddr::try_init(|storage, stored| {
            storage.cast::<sockaddr_ll>().write(address);
            stored.write(length);
            Ok(())
        })?
    };
    Ok(built)
}
