//! What a configuration means, settled: every default filled in, every inheritance resolved, no
//! text left to parse. This is all that the rest of the program sees of keepalived.conf.
mod checkers;
mod global;
mod lvs;
mod process;
mod regex;
mod trackers;
mod vrrp;

pub use checkers::{
    BfdCheck, Checker, CheckerKind, Connection, DnsCheck, FileCheck, HttpCheck, HttpProtocol,
    HttpUrl, MiscCheck, SmtpCheck, Timing, UdpCheck,
};
pub use global::{Fifo, FlushOnStop, GlobalDefs, Mail, SyncDaemon, TlsIdentity};
pub use lvs::{
    GroupEntry, Persistence, PersistenceMask, RealServer, ServiceAddress, SorryServer,
    VirtualServer,
};
pub use process::{
    DumpSettings, IpvsNamespace, JsonVersion, ProcessControl, ReloadMarker, ReloadSettings,
    Scheduling, TimedScript,
};
pub use regex::RegexOptions;
pub use trackers::{BfdInstance, InitFile, ParamMatch, ProcessMatch, TrackFile, TrackProcess};
pub use vrrp::{
    AuthHmac, Authentication, ExtraGarp, Freshness, GarpGroup, GarpSchedule, HmacKey, HmacMode,
    LinkDelays, Nftables, NotifyScripts, SyncGroup, TrackInterface, TrackScript, TrackerUse,
    Unicast, UnicastPeer, Version, VrrpInstance,
};

use crate::base::{InterfaceAddress, Route, Rule};
use std::sync::Arc;

/// The whole file. The children each use their part and [`GlobalDefs`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    pub global: Arc<GlobalDefs>,
    pub vrrp: Arc<VrrpConfig>,
    pub director: Arc<DirectorConfig>,
    pub bfd: Arc<BfdConfig>,
}

/// What the VRRP child lives from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VrrpConfig {
    pub static_addresses: Vec<InterfaceAddress>,
    pub static_routes: Vec<Route>,
    pub static_rules: Vec<Rule>,
    pub instances: Vec<VrrpInstance>,
    pub sync_groups: Vec<SyncGroup>,
    /// Only those that some instance or group uses.
    pub scripts: Vec<TrackScript>,
    /// Those that some instance uses, and those that are to be created.
    pub files: Vec<TrackFile>,
    /// Only those that some instance uses.
    pub processes: Vec<TrackProcess>,
    /// Names of the BFD sessions that some instance uses.
    pub bfds: Vec<String>,
}

/// What the checkers child lives from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DirectorConfig {
    /// In the order of the file; blocks of one address, port and protocol are merged into one.
    pub virtual_servers: Vec<VirtualServer>,
    pub tls: TlsIdentity,
    /// Those that some FILE_CHECK reads, and those that are to be created.
    pub files: Vec<TrackFile>,
}

/// What the BFD child lives from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BfdConfig {
    pub sessions: Vec<BfdInstance>,
}

impl DirectorConfig {
    /// Whether there is an SSL_GET, which shows the certificate of `tls`.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        let servers = self.virtual_servers.iter().flat_map(|service| &service.real_servers);
        let mut checkers = servers.flat_map(|server| &server.checkers);
        checkers.any(|checker| matches!(&checker.kind, CheckerKind::Http(http) if http.tls))
    }
}
