//! What the daemon tells about itself: plain data, and its renderings.
pub mod dump;
pub mod io;
pub mod json;
pub mod stats;
pub mod text;

use crate::{
    base::{Family, InterfaceAddress, Route, Rule},
    config::model::ServiceAddress,
};
use serde::{Deserialize, Serialize};

/// Everything `ldirector status` shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// None: that child did not answer in time, or does not run.
    pub vrrp: Option<VrrpStatus>,
    pub director: Option<DirectorStatus>,
    #[serde(default)]
    pub bfd: Option<BfdStatus>,
    /// The parent's word on its children and the configuration.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VrrpStatus {
    pub instances: Vec<InstanceStatus>,
    pub sync_groups: Vec<SyncGroupStatus>,
    #[serde(default)]
    pub held: Held,
}

/// What the VRRP process has put into the kernel and keeps there: static ones, and those of masters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub addresses: Vec<InterfaceAddress>,
    pub routes: Vec<Route>,
    pub rules: Vec<Rule>,
    /// It runs the sync daemon that follows an instance.
    #[serde(default)]
    pub sync_daemon: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InstanceStatus {
    pub name: String,
    pub interface: String,
    pub vrid: u8,
    /// MASTER, BACKUP, FAULT, INIT.
    pub state: String,
    /// Seconds since the last change of state.
    pub since: u64,
    pub priority: u8,
    pub base_priority: u8,
    /// Address of the router we take for the master; None when it is us or nobody.
    pub master: Option<String>,
    pub addresses: Vec<String>,
    /// Why it is in FAULT; empty otherwise.
    pub faults: Vec<String>,
    pub adverts_sent: u64,
    pub adverts_received: u64,
    pub became_master: u64,
    /// Packets refused by the checks of RFC 9568 §7.1.
    pub rejected: u64,
    #[serde(default)]
    pub errors: PacketErrors,
    #[serde(default)]
    pub released_master: u64,
    /// Adverts of priority 0: somebody stopped.
    #[serde(default)]
    pub zero_received: u64,
    #[serde(default)]
    pub zero_sent: u64,
}

/// Refused packets by what is wrong with them, as keepalived counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketErrors {
    pub length: u64,
    pub ttl: u64,
    /// Not an advertisement.
    pub kind: u64,
    pub interval: u64,
    pub addresses: u64,
    /// An authentication type that does not exist.
    pub auth_invalid: u64,
    pub auth_mismatch: u64,
    /// Password, digest or sequence.
    pub auth_failure: u64,
    pub other: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncGroupStatus {
    pub name: String,
    pub state: String,
    pub members: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DirectorStatus {
    pub virtual_servers: Vec<VirtualServerStatus>,
    /// What the kernel refused last, if anything is refused.
    pub kernel_error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VirtualServerStatus {
    /// keepalived's name: `[192.0.2.1]:tcp:80`, `FWM 7`, `[group]:0`.
    pub name: String,
    /// What its packets are matched by.
    #[serde(default)]
    pub at: Option<ServiceAddress>,
    #[serde(default)]
    pub family: Option<Family>,
    pub scheduler: String,
    pub quorum_up: bool,
    pub quorum: u32,
    /// Sum of the weights of living servers.
    pub weight: u64,
    pub sorry_in_use: bool,
    pub real_servers: Vec<RealServerStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RealServerStatus {
    /// `[192.0.2.11]:tcp:80`.
    pub name: String,
    pub alive: bool,
    pub weight: i64,
    /// As the file has it; checkers may add to it.
    #[serde(default)]
    pub base_weight: Option<u32>,
    pub forward: String,
    pub checkers: Vec<CheckerStatus>,
    /// From the kernel; None where the entry is not in its table.
    pub active_connections: Option<u32>,
    pub inactive_connections: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckerStatus {
    /// TCP_CHECK, HTTP_GET, …
    pub kind: String,
    pub up: bool,
    /// Seconds since its last result; None before the first.
    pub checked: Option<u64>,
    /// Why the last check failed, or what it saw.
    pub reason: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BfdStatus {
    pub sessions: Vec<BfdSessionStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BfdSessionStatus {
    pub name: String,
    pub neighbour: String,
    /// AdminDown, Down, Init, Up.
    pub state: String,
    pub remote_state: String,
    /// Why it went down last.
    pub diagnostic: String,
    /// Between two packets of ours, before jitter, in microseconds.
    pub interval_us: u64,
    /// Silence that takes it down, in microseconds; 0: nothing was heard yet.
    pub detection_us: u64,
}
