//! The kernel's connection synchronisation and its protocol timeouts, as values.
use std::net::IpAddr;

/// One of the two daemons a director may run; both may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DaemonRole {
    /// Sends connections to the group.
    Master,
    /// Takes them over from there.
    Backup,
}

impl DaemonRole {
    /// IP_VS_STATE_*.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Master => 1,
            Self::Backup => 2,
        }
    }
}

/// How to start a daemon. What is None is left to the kernel: maximal length MTU-28, port 8848,
/// ttl 1, group 224.0.0.81; kernels before 4.3 know none of these four.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncDaemon {
    pub role: DaemonRole,
    /// At most 15 characters.
    pub interface: String,
    pub id: u8,
    pub max_length: Option<u16>,
    pub port: Option<u16>,
    pub ttl: Option<u8>,
    pub group: Option<IpAddr>,
}

/// Seconds after which idle connections are forgotten. When set, 0 keeps the kernel's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub tcp: u32,
    pub tcp_fin: u32,
    pub udp: u32,
}
