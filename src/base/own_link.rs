//! Interfaces that the program makes on top of others and takes away at its end: those with a
//! virtual router's MAC address (macvlan), or with an address of their own (ipvlan).
use super::{Family, Prefix, Vrid};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OwnLink {
    /// At most 15 characters.
    pub name: String,
    /// The interface below it.
    pub parent: String,
    pub kind: OwnLinkKind,
    /// Of the addresses it is for: one for IPv4 speaks no IPv6.
    pub family: Family,
    /// IFLA_GROUP; None = its parent's.
    pub group: Option<u32>,
    /// The parent is announced by netlink once more when this exists: some drivers say nothing of
    /// becoming promiscuous.
    pub retell_parent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OwnLinkKind {
    /// Private mode: what one says, the others on the same parent do not hear.
    Macvlan { mac: [u8; 6] },
    /// Mode L2, with the address that adverts come from.
    Ipvlan { mode: IpvlanMode, address: Option<Prefix> },
}

/// IPVLAN_F_*: who hears whom among those on one parent.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum IpvlanMode {
    #[default]
    Bridge,
    Private,
    Vepa,
}

/// RFC 9568 §7.3: 00-00-5E-00-01-{VRID} for IPv4, 00-00-5E-00-02-{VRID} for IPv6.
#[must_use]
pub const fn virtual_router_mac(family: Family, vrid: Vrid) -> [u8; 6] {
    let version = match family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    [0, 0, 0x5e, 0, version, vrid.0]
}
