//! What instances and real servers may track besides interfaces and scripts: files, processes and
//! BFD sessions, settled.
use crate::config::source::Spanned;
use std::{net::IpAddr, time::Duration};

/// `track_file NAME { }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFile {
    pub name: Spanned<String>,
    /// Holds one whole number, decimal, octal (`010`) or hexadecimal (`0x8`).
    pub path: String,
    /// Factor of the number, -254..=254; 0: any number but 0 means FAULT.
    pub weight: i32,
    pub reverse: bool,
    pub init: Option<InitFile>,
}

/// `init_file`: what is written at the start where there is no such file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitFile {
    pub value: i32,
    /// Also where there is one.
    pub overwrite: bool,
}

/// `vrrp_track_process NAME { }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackProcess {
    pub name: Spanned<String>,
    pub which: ProcessMatch,
    /// -253..=253; 0: too few or too many mean FAULT.
    pub weight: i32,
    pub reverse: bool,
    /// ≥ 1, unless `quorum_max` is 0.
    pub quorum: u32,
    pub quorum_max: Option<u32>,
    /// How long a change of the verdict must last that came from a process more.
    pub fork_delay: Duration,
    /// The same for a process less.
    pub terminate_delay: Duration,
}

/// Which processes are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessMatch {
    /// The kernel's name of the process (/proc/PID/comm), of which it keeps 15 bytes.
    Name(String),
    /// The first word of its command line, and what must follow.
    CommandLine { command: String, parameters: Vec<String>, rule: ParamMatch },
}

/// How `parameters` are compared with those of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamMatch {
    Any,
    /// These and no more.
    Exact,
    /// More may follow.
    Partial,
    /// More may follow, and the last one may be longer.
    Initial,
}

/// `bfd_instance NAME { }`: a session with one neighbour (RFC 5880, asynchronous mode).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdInstance {
    pub name: Spanned<String>,
    pub neighbour: IpAddr,
    pub source: Option<IpAddr>,
    /// Required Min RX Interval.
    pub min_rx: Duration,
    /// Desired Min TX Interval while the session is up.
    pub min_tx: Duration,
    /// The same while it is not: ≥ 1 s (RFC 5880 §6.8.3).
    pub idle_tx: Duration,
    /// Detect Mult, ≥ 1.
    pub multiplier: u8,
    /// Sends nothing before it has heard something.
    pub passive: bool,
    /// Of sent packets.
    pub ttl: u8,
    /// By how much the TTL of received packets may be below `ttl`; None: it is not looked at.
    pub max_hops: Option<u8>,
    /// Port 4784 (RFC 5883) instead of 3784 (RFC 5881).
    pub multihop: bool,
    /// -253..=253; 0: down means FAULT.
    pub weight: i32,
    pub reverse: bool,
    /// Who hears of changes.
    pub vrrp: bool,
    pub checker: bool,
}
