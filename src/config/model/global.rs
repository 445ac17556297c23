//! `global_defs`, settled: what concerns neither a single instance nor a single service.
use super::{DumpSettings, GarpGroup, LinkDelays, Nftables, ProcessControl, ReloadSettings};
use crate::base::Script;
use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, time::Duration};

#[derive(Clone, Debug, PartialEq)]
pub struct GlobalDefs {
    /// Name in mail subjects. None = host name.
    pub router_id: Option<String>,
    pub mail: Mail,
    /// User and group names scripts run as unless they name their own.
    pub script_user: Option<(String, Option<String>)>,
    pub enable_script_security: bool,
    pub sync_daemon: Option<SyncDaemon>,
    /// Empty the whole IPVS table at start.
    pub lvs_flush: bool,
    pub lvs_flush_on_stop: FlushOnStop,
    /// Seconds: tcp, tcpfin, udp; None or 0 = leave the kernel's.
    pub lvs_timeouts: Option<(u32, u32, u32)>,
    pub rs_init_notifies: bool,
    pub no_checker_emails: bool,
    pub no_email_faults: bool,
    /// `notify_fifo`: both children write to it.
    pub fifo: Option<Fifo>,
    pub lvs_fifo: Option<Fifo>,
    pub vrrp_fifo: Option<Fifo>,
    /// No VRRP transition before this has passed since the start.
    pub vrrp_startup_delay: Duration,
    /// The same since the machine has booted; the longer one counts.
    pub vrrp_delay_after_boot: Duration,
    /// The VRRP FIFOs hear of all states after a reload, not of changed ones only.
    pub fifo_states_on_reload: bool,
    pub log_unknown_vrids: bool,
    pub child_wait_time: Duration,
    pub process: ProcessControl,
    pub reload: ReloadSettings,
    pub dumps: DumpSettings,
    pub nftables: Nftables,
    /// No IGMP for 224.0.0.0/24, by sysctl: the filters then leave IGMP alone.
    pub disable_local_igmp: bool,
    pub garp_groups: Vec<GarpGroup>,
    /// By interface.
    pub link_delays: BTreeMap<String, LinkDelays>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlushOnStop {
    #[default]
    No,
    /// One FLUSH: foreign services go too.
    Everything,
    /// Delete our services without deleting their servers first.
    OwnServices,
}

impl Default for GlobalDefs {
    fn default() -> Self {
        Self {
            router_id: None,
            mail: Mail::default(),
            script_user: None,
            enable_script_security: false,
            sync_daemon: None,
            lvs_flush: false,
            lvs_flush_on_stop: FlushOnStop::No,
            lvs_timeouts: None,
            rs_init_notifies: false,
            no_checker_emails: false,
            no_email_faults: false,
            fifo: None,
            lvs_fifo: None,
            vrrp_fifo: None,
            vrrp_startup_delay: Duration::ZERO,
            vrrp_delay_after_boot: Duration::ZERO,
            fifo_states_on_reload: false,
            log_unknown_vrids: false,
            child_wait_time: Duration::from_secs(5),
            process: ProcessControl::default(),
            reload: ReloadSettings::default(),
            dumps: DumpSettings::default(),
            nftables: Nftables::default(),
            disable_local_igmp: false,
            garp_groups: vec![],
            link_delays: BTreeMap::new(),
        }
    }
}

impl GlobalDefs {
    /// The sync daemon that follows no instance: it runs with the services, both ways.
    #[must_use]
    pub fn own_sync_daemon(&self) -> Option<&SyncDaemon> {
        self.sync_daemon.as_ref().filter(|daemon| daemon.instance.is_none())
    }
}

/// Mail goes out only where both `to` and `server` are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// As written: `a@b` or `Name <a@b>`.
    pub to: Vec<String>,
    pub from: Option<String>,
    /// Host name or address, port.
    pub server: Option<(String, u16)>,
    /// For the connection and for each reply.
    pub connect_timeout: Duration,
    pub helo: Option<String>,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            to: vec![],
            from: None,
            server: None,
            connect_timeout: Duration::from_secs(30),
            helo: None,
        }
    }
}

/// The kernel's connection synchronisation (`lvs_sync_daemon`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncDaemon {
    pub interface: String,
    /// Follows this VRRP instance; None = both daemons run all the time.
    pub instance: Option<String>,
    /// 0..=255; None = the instance's VRID, else 0.
    pub id: Option<u8>,
    pub max_length: Option<u16>,
    pub port: Option<u16>,
    pub ttl: Option<u8>,
    pub group: Option<IpAddr>,
}

/// A stream of events (`notify_fifo`) and the script that reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fifo {
    pub path: PathBuf,
    pub user: Option<String>,
    pub group: Option<String>,
    pub script: Option<Script>,
}

/// The client certificate SSL_GET presents (`SSL { }`): paths of PEM files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsIdentity {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub password: Option<String>,
    pub ca: Option<PathBuf>,
}
