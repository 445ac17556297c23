//! `virtual_server` and `real_server`, settled.
use super::checkers::Checker;
use crate::{
    base::{Family, Forward, Protocol, Scheduler, Script},
    config::source::Span,
};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

#[derive(Clone, Debug, PartialEq)]
pub struct VirtualServer {
    /// Of the header line; two are equal wherever they are written.
    pub span: Span,
    pub at: ServiceAddress,
    /// Of the service (and of real servers, but for tunnels).
    pub family: Family,
    pub scheduler: Scheduler,
    /// [`crate::base::lvs::service_flags`] SCHED1..3 and ONE_PACKET.
    pub flags: u32,
    pub persistence: Option<Persistence>,
    /// ≥ 1, at most the sum of weights.
    pub quorum: u32,
    /// < quorum.
    pub hysteresis: u32,
    pub quorum_up: Option<Script>,
    pub quorum_down: Option<Script>,
    pub sorry: Option<SorryServer>,
    /// Check only while the address is on this machine.
    pub ha_suspend: bool,
    /// Run the down scripts at shutdown.
    pub omega: bool,
    pub smtp_alert: bool,
    pub real_servers: Vec<RealServer>,
}

/// What a client's packet is matched by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceAddress {
    /// Port 0 = every port (persistent services only).
    Address {
        ip: IpAddr,
        port: u16,
        protocol: Protocol,
    },
    Mark(u32),
    Group {
        name: String,
        /// How many virtual servers before it use the same group.
        number: usize,
        /// Of entries that are addresses.
        protocol: Protocol,
        entries: Vec<GroupEntry>,
    },
}

/// A line of a `virtual_server_group`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupEntry {
    /// Every address from `first` to `last`, both included, of one family. Port 0 = every port.
    Range {
        first: IpAddr,
        last: IpAddr,
        port: u16,
    },
    Mark {
        mark: u32,
        family: Family,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persistence {
    /// Seconds, ≥ 1.
    pub timeout: u32,
    pub mask: PersistenceMask,
    /// `sip`, the only engine there is.
    pub engine: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersistenceMask {
    V4(Ipv4Addr),
    /// Prefix length, 1..=128.
    V6(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SorryServer {
    pub ip: IpAddr,
    /// 0 = the connection's own port (NAT only).
    pub port: u16,
    pub forward: Forward,
    pub inhibit: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RealServer {
    pub span: Span,
    pub ip: IpAddr,
    /// 0 = the connection's own port.
    pub port: u16,
    pub forward: Forward,
    /// 0..=2^31-1.
    pub weight: u32,
    pub inhibit_on_failure: bool,
    /// Connections; 0 = no limit.
    pub upper_threshold: u32,
    pub lower_threshold: u32,
    pub notify_up: Option<Box<Script>>,
    pub notify_down: Option<Box<Script>>,
    pub smtp_alert: bool,
    /// Empty = always up.
    pub checkers: Box<[Checker]>,
}

impl VirtualServer {
    /// keepalived's name of the service: `[192.0.2.1]:tcp:80`, `FWM 7`, `[GROUP]:0`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.at {
            ServiceAddress::Address { ip, port, protocol } => format!("[{ip}]:{protocol}:{port}"),
            ServiceAddress::Mark(mark) => format!("FWM {mark}"),
            ServiceAddress::Group { name, number, .. } => format!("[{name}]:{number}"),
        }
    }

    /// What makes two blocks, or a block before and after a reload, the same service. One group may
    /// serve under several protocols, one mark for both families.
    #[must_use]
    pub fn identity(&self) -> (Family, Option<Protocol>, String) {
        let name = match &self.at {
            ServiceAddress::Group { name, .. } => format!("[{name}]"),
            ServiceAddress::Address { .. } | ServiceAddress::Mark(_) => self.name(),
        };
        (self.family, self.protocol(), name)
    }

    /// None for firewall marks.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        match &self.at {
            ServiceAddress::Address { protocol, .. } => Some(*protocol),
            ServiceAddress::Group { protocol, entries, .. } => {
                let marks_only = entries.iter().all(|e| matches!(e, GroupEntry::Mark { .. }));
                (!marks_only).then_some(*protocol)
            }
            ServiceAddress::Mark(_) => None,
        }
    }

    /// keepalived's name of one of its servers: `[192.0.2.11]:tcp:80`.
    #[must_use]
    pub fn server_name(&self, ip: IpAddr, port: u16) -> String {
        let protocol = self.protocol().map_or("none", Protocol::name);
        format!("[{ip}]:{protocol}:{port}")
    }
}
