//! Addresses as the kernel is told them (rtnetlink(7)), and as configuration gives them.
use super::Prefix;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

/// One address on one interface. Identity in the kernel: interface, address, length.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InterfaceAddress {
    pub address: IpAddr,
    pub length: u8,
    /// Interface name; never empty once settled.
    pub dev: String,
    /// Already computed for `brd +` and `brd -`; IPv4 only.
    pub broadcast: Option<Ipv4Addr>,
    /// RT_SCOPE_*: global 0, site 200, link 253, host 254, nowhere 255.
    pub scope: u8,
    /// At most 15 characters, IPv4 only.
    pub label: Option<String>,
    pub peer: Option<Prefix>,
    pub flags: AddressFlags,
    /// Seconds; None = forever. 0 deprecates the address (IPv6).
    pub preferred_lifetime: Option<u32>,
    /// Whether losing it, or its interface, counts against the instance (false = `no_track`).
    pub track: bool,
}

impl InterfaceAddress {
    #[must_use]
    pub const fn prefix(&self) -> Prefix {
        Prefix { address: self.address, length: self.length }
    }
}

/// IFA_F_* beyond what the kernel sets itself.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct AddressFlags {
    pub home: bool,
    /// Skip duplicate address detection (IPv6). True unless `-nodad`.
    pub nodad: bool,
    pub mngtmpaddr: bool,
    pub noprefixroute: bool,
    pub autojoin: bool,
}
