//! Addresses and routes as the kernel is told them (rtnetlink(7)), and as configuration gives them.
use super::{Family, Prefix};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

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

/// One route. Identity in the kernel: family, table, destination, tos, metric (and next hops).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Route {
    pub family: Family,
    /// RTN_*: unicast 1, local 2, broadcast 3, multicast 5, blackhole 6, unreachable 7,
    /// prohibit 8, throw 9.
    pub kind: u8,
    /// `default` is length 0.
    pub destination: Prefix,
    /// Source-specific routing (`from`).
    pub from: Option<Prefix>,
    /// Preferred source (`src`).
    pub source: Option<IpAddr>,
    pub via: Option<IpAddr>,
    pub dev: Option<String>,
    /// RT_TABLE_*: main 254.
    pub table: u32,
    /// RT_SCOPE_*; None = what `ip route` would choose.
    pub scope: Option<u8>,
    pub metric: Option<u32>,
    pub tos: u8,
    /// RTPROT_*: keepalived 18.
    pub protocol: u8,
    pub onlink: bool,
    /// RTAX_* number → (value, locked).
    pub metrics: BTreeMap<u16, (u32, bool)>,
    pub mode: RouteMode,
    pub nexthops: Vec<NextHop>,
    pub track: bool,
}

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum RouteMode {
    /// NLM_F_CREATE: keepalived's default.
    #[default]
    Prepend,
    /// NLM_F_CREATE | NLM_F_EXCL.
    Add,
    /// NLM_F_CREATE | NLM_F_APPEND.
    Append,
}

/// One leg of a multipath route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NextHop {
    pub via: Option<IpAddr>,
    pub dev: Option<String>,
    /// 1..=256.
    pub weight: u16,
    pub onlink: bool,
}
