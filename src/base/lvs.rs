//! What a virtual service is made of, in the kernel's words (include/uapi/linux/ip_vs.h).
use serde::{Deserialize, Serialize};
use std::fmt;

/// Transport protocol of a virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    /// IP protocol number.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    /// `tcp`, `udp`, `sctp`: as in keepalived's names of services.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            132 => Some(Self::Sctp),
            _ => None,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! schedulers {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// The kernel's connection schedulers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Scheduler { $($variant),* }

        impl Scheduler {
            /// Every scheduler, in the order of keepalived's manual.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The kernel's name: module `ip_vs_<name>`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
schedulers! {
    RoundRobin = "rr", WeightedRoundRobin = "wrr", LeastConnection = "lc",
    WeightedLeastConnection = "wlc", LocalityLeastConnection = "lblc",
    LocalityLeastConnectionReplicated = "lblcr", DestinationHash = "dh", SourceHash = "sh",
    MaglevHash = "mh", ShortestExpectedDelay = "sed", NeverQueue = "nq", Failover = "fo",
    Overflow = "ovf", TwoRandomChoices = "twos",
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a packet reaches the real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Forward {
    Nat,
    Tunnel(Tunnel),
    DirectRoute,
}

/// Encapsulation of [`Forward::Tunnel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tunnel {
    pub kind: TunnelKind,
    pub checksum: TunnelChecksum,
}

impl Tunnel {
    /// Plain IP in IP: all that kernels before 5.3 know.
    pub const IPIP: Self = Self { kind: TunnelKind::Ipip, checksum: TunnelChecksum::None };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TunnelKind {
    Ipip,
    Gue { port: u16 },
    Gre,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TunnelChecksum {
    None,
    Checksum,
    RemoteChecksum,
}

impl Forward {
    /// ipvsadm's word in a listing: `Masq`, `Tunnel`, `Route`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nat => "Masq",
            Self::Tunnel(_) => "Tunnel",
            Self::DirectRoute => "Route",
        }
    }
}

/// The kernel's service flags (IP_VS_SVC_F_*), as sent in attribute FLAGS.
pub mod service_flags {
    pub const PERSISTENT: u32 = 0x1;
    /// Set by the kernel in every reply: mask it when comparing.
    pub const HASHED: u32 = 0x2;
    pub const ONE_PACKET: u32 = 0x4;
    /// flag-1, sh-fallback, mh-fallback.
    pub const SCHED1: u32 = 0x8;
    /// flag-2, sh-port, mh-port.
    pub const SCHED2: u32 = 0x10;
    /// flag-3.
    pub const SCHED3: u32 = 0x20;
}
