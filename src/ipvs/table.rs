//! The table as values: equal tables balance alike. Counters live apart, so that comparing two
//! tables compares only what somebody can want.
use crate::base::{Family, Forward, Protocol, Tunnel, TunnelChecksum, TunnelKind};
use std::{collections::BTreeMap, fmt, net::IpAddr, net::Ipv4Addr, sync::Arc};

/// Every service with its destinations. Services are behind `Arc`: a table that differs from
/// another in one weight shares all its other services, and comparing the two skips them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table(pub BTreeMap<ServiceKey, Arc<Service>>);

/// What a packet is matched by, and what names a service in the kernel (spec: IPVS netlink §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// Port 0 = every port (persistent services only).
    Address {
        protocol: Protocol,
        ip: IpAddr,
        port: u16,
    },
    Mark {
        family: Family,
        mark: u32,
    },
}

/// One virtual service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Module `ip_vs_<name>`; at most 15 characters.
    pub scheduler: String,
    /// [`crate::base::lvs::service_flags`] ONE_PACKET and SCHED1..3 only: PERSISTENT follows from
    /// `persistence`, HASHED is the kernel's own.
    pub flags: u32,
    pub persistence: Option<Persistence>,
    pub destinations: BTreeMap<DestinationKey, Destination>,
}

/// Connections of one client (network) stay with one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persistence {
    /// Seconds, ≥ 1.
    pub timeout: u32,
    pub mask: Mask,
    /// Persistence engine: `sip`.
    pub engine: Option<String>,
}

/// How much of a client's address counts for persistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    V4(Ipv4Addr),
    /// Prefix length, 1..=128.
    V6(u8),
}

/// Names a destination within its service. The forwarding method is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationKey {
    pub ip: IpAddr,
    pub port: u16,
}

/// How one real server is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    pub forward: Forward,
    /// 0..=2^31-1; 0 takes no new connections.
    pub weight: u32,
    /// Connections; 0 = no limit.
    pub upper: u32,
    pub lower: u32,
}

/// One reading of the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    pub table: Table,
    pub counters: Counters,
}

/// What the kernel counted, by service.
pub type Counters = BTreeMap<ServiceKey, ServiceCounters>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceCounters {
    pub stats: Stats,
    pub destinations: BTreeMap<DestinationKey, DestinationCounters>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DestinationCounters {
    /// Connections now, by state.
    pub active: u32,
    pub inactive: u32,
    pub persistent: u32,
    pub stats: Stats,
}

/// Totals since the entry exists, and rates per second (2 s moving average).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub connections: u64,
    pub packets_in: u64,
    pub packets_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub connections_rate: u64,
    pub packets_in_rate: u64,
    pub packets_out_rate: u64,
    pub bytes_in_rate: u64,
    pub bytes_out_rate: u64,
}

/// Stands for a method found in the kernel that no configuration can ask for (local, bypass, a
/// tunnel of unknown kind). GUE without a port is refused by the kernel, so this differs from
/// everything anybody wants.
pub const FOREIGN_FORWARD: Forward =
    Forward::Tunnel(Tunnel { kind: TunnelKind::Gue { port: 0 }, checksum: TunnelChecksum::None });

impl Table {
    #[must_use]
    pub fn service(&self, key: &ServiceKey) -> Option<&Arc<Service>> {
        self.0.get(key)
    }

    /// Number of destinations in all services.
    #[must_use]
    pub fn destinations(&self) -> usize {
        self.0.values().map(|service| service.destinations.len()).sum()
    }
}

impl ServiceKey {
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Address { ip, .. } => Family::of(ip),
            Self::Mark { family, .. } => *family,
        }
    }
}

impl Service {
    /// Whether the service itself, its destinations aside, is set up the same way.
    #[must_use]
    pub fn same_settings(&self, other: &Self) -> bool {
        self.scheduler == other.scheduler
            && self.flags == other.flags
            && self.persistence == other.persistence
    }
}

impl Mask {
    /// The whole address: each client for itself.
    #[must_use]
    pub const fn host(family: Family) -> Self {
        match family {
            Family::V4 => Self::V4(Ipv4Addr::BROADCAST),
            Family::V6 => Self::V6(128),
        }
    }
}

/// As keepalived names services: `[192.0.2.1]:tcp:80`, `FWM 7`.
impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { protocol, ip, port } => write!(f, "[{ip}]:{protocol}:{port}"),
            Self::Mark { mark, .. } => write!(f, "FWM {mark}"),
        }
    }
}

/// `[192.0.2.11]:80`.
impl fmt::Display for DestinationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]:{}", self.ip, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_keepaliveds() {
        let tcp = |ip: &str| ServiceKey::Address {
            protocol: Protocol::Tcp,
            ip: ip.parse().unwrap(),
            port: 80,
        };
        assert_eq!(tcp("192.0.2.1").to_string(), "[192.0.2.1]:tcp:80");
        assert_eq!(tcp("2001:db8::1").to_string(), "[2001:db8::1]:tcp:80");
        assert_eq!(ServiceKey::Mark { family: Family::V6, mark: 7 }.to_string(), "FWM 7");
    }
}
