//! `vrrp_instance`, `vrrp_sync_group`, `vrrp_script`, settled.
use crate::{
    base::{Family, InterfaceAddress, OwnLink, Priority, Route, Rule, Script, Vrid},
    config::source::Spanned,
};
use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

#[derive(Clone, Debug, PartialEq)]
pub struct VrrpInstance {
    pub name: Spanned<String>,
    /// `state MASTER`: a wish that only the owner's (255) start-up honours.
    pub wants_master: bool,
    /// Empty for unicast without an interface.
    pub interface: Spanned<String>,
    /// What the sockets of unicast without an interface are bound to.
    pub vrf: Option<String>,
    /// Where adverts come and go: the interface, or one of `own_links`.
    pub advert_interface: String,
    /// Interfaces that exist for this instance; addresses name them as their `dev`.
    pub own_links: Vec<OwnLink>,
    pub vrid: Spanned<Vrid>,
    /// Base priority, 1..=255.
    pub priority: Spanned<Priority>,
    pub version: Version,
    /// Of the virtual addresses.
    pub family: Family,
    /// v2: whole seconds 1..=255. v3: 10 ms steps up to 40.95 s.
    pub advert_interval: Duration,
    pub authentication: Authentication,
    /// `auth_hmac`: adverts carry a signature. Then there is no other authentication.
    pub auth_hmac: Option<Arc<AuthHmac>>,
    /// Advertised, in this order.
    pub addresses: Vec<InterfaceAddress>,
    /// Moved with the others but not advertised; may be of both families.
    pub excluded: Vec<InterfaceAddress>,
    pub routes: Vec<Route>,
    pub rules: Vec<Rule>,
    /// Interfaces of the static addresses, routes and rules whose `track_group` it is in.
    pub static_interfaces: Vec<String>,
    pub track_interfaces: Vec<TrackInterface>,
    /// Refer to [`super::VrrpConfig::scripts`] by name; those of the instance's sync group included.
    pub track_scripts: Vec<TrackerUse>,
    /// Refer to [`super::VrrpConfig::processes`].
    pub track_processes: Vec<TrackerUse>,
    /// Refer to [`super::VrrpConfig::files`]; weights are factors, -254..=254.
    pub track_files: Vec<TrackerUse>,
    /// Refer to [`super::VrrpConfig::bfds`].
    pub track_bfds: Vec<TrackerUse>,
    /// False with `dont_track_primary`.
    pub track_primary: bool,
    pub notify: NotifyScripts,
    pub smtp_alert: bool,
    pub preempt: bool,
    pub preempt_delay: Duration,
    /// `mcast_src_ip` or `unicast_src_ip`.
    pub source: Option<IpAddr>,
    /// FAULT while `source` is not an address of this host (`track_src_ip`).
    pub track_source: bool,
    pub multicast_group: IpAddr,
    pub unicast: Option<Unicast>,
    pub garp: GarpSchedule,
    pub lower_prio_no_advert: bool,
    pub higher_prio_send_advert: bool,
    pub owner_ignore_adverts: bool,
    pub skip_check_adv_addr: bool,
    /// Factor of Master_Down_Interval, default 3.
    pub down_timer_adverts: u8,
    /// `timer_expired_backup`: the highest priority of the other routers; a master that was frozen
    /// for as long as such a router waits gives way.
    pub timer_expired_backup: Option<Priority>,
    pub v3_checksum_as_v2: bool,
    pub promote_secondaries: bool,
    pub strict: bool,
    /// False: packets to the virtual addresses are dropped (`no_accept`).
    pub accept: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    #[default]
    V2,
    V3,
}

/// VRRPv2 authentication (RFC 2338 §5.3.6). Keys are NUL-padded to 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    None,
    Password([u8; 8]),
    /// IP Authentication Header with HMAC-MD5-96.
    Header([u8; 8]),
}

/// `auth_hmac`: a trailer with an HMAC-SHA256 on every advert, of any version and family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthHmac {
    /// By id, 1..=255: any of them may sign what is heard.
    pub keys: BTreeMap<u8, HmacKey>,
    /// Signs what is sent: one of `keys`.
    pub active_key: u8,
    pub freshness: Freshness,
    pub mode: HmacMode,
}

/// 32 to 64 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct HmacKey(Vec<u8>);

/// What makes an advert a new one (`anti_replay`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Its time is no further from ours than this, 1..=300 s, and later than the sender's last.
    Window(Duration),
    /// Its time is later than the sender's last.
    Growing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HmacMode {
    /// Sign; nothing unsigned counts.
    #[default]
    Enforce,
    /// Sign; what is unsigned counts too.
    Permissive,
    /// Do not sign; what is unsigned counts too.
    ReceiveOnly,
}

impl HmacKey {
    /// The fewest and most bytes of a key.
    pub const LENGTH: std::ops::RangeInclusive<usize> = 32..=64;

    /// None where the length is wrong.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        Self::LENGTH.contains(&bytes.len()).then_some(Self(bytes))
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HmacKey(..)")
    }
}

/// Passwords stay out of logs and dumps.
impl std::fmt::Debug for Authentication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password(_) => "Password(..)",
            Self::Header(_) => "Header(..)",
        })
    }
}

/// `track_interface` line. Weight 0: down means FAULT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackInterface {
    pub name: Spanned<String>,
    /// -253..=253.
    pub weight: i32,
    pub reverse: bool,
}

/// Line of `track_script`, `track_process`, `track_file` or `track_bfd` with what it inherits from
/// the tracked thing filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackerUse {
    pub name: Spanned<String>,
    /// -253..=253; 0: failure means FAULT.
    pub weight: i32,
    pub reverse: bool,
}

/// `vrrp_script NAME { }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackScript {
    pub name: Spanned<String>,
    pub script: Script,
    pub interval: Duration,
    pub timeout: Duration,
    pub weight: i32,
    pub reverse: bool,
    /// ≥ 1.
    pub rise: u32,
    /// ≥ 1.
    pub fall: u32,
    pub init_fail: bool,
}

/// Scripts per transition; `any` is `notify`, which gets four more arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotifyScripts {
    pub master: Option<Script>,
    pub backup: Option<Script>,
    pub fault: Option<Script>,
    pub stop: Option<Script>,
    pub deleted: Option<Script>,
    pub master_rx_lower_pri: Option<Script>,
    pub any: Option<Script>,
    pub priority_changes: bool,
}

/// When gratuitous ARPs (or unsolicited neighbour advertisements) are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GarpSchedule {
    /// Of the second set after becoming master; zero = no second set.
    pub delay: Duration,
    pub repeat: u32,
    /// Zero = never.
    pub refresh: Duration,
    pub refresh_repeat: u32,
    pub lower_prio_delay: Duration,
    pub lower_prio_repeat: u32,
    /// Pause between two ARPs on one interface.
    pub interval: Duration,
    /// Pause between two neighbour advertisements on one interface.
    pub gna_interval: Duration,
    pub extra: Option<ExtraGarp>,
}

/// `garp_extra_if`: one announcement on each further interface of a master, again and again, so that
/// switches keep knowing where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraGarp {
    /// Above zero.
    pub every: Duration,
    /// On every interface but the instance's own; else on those that were made for it.
    pub all: bool,
}

/// `garp_group`: interfaces that share a pace of announcements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GarpGroup {
    pub interfaces: Vec<String>,
    /// Pause between two ARPs.
    pub interval: Duration,
    /// Pause between two neighbour advertisements.
    pub gna_interval: Duration,
}

/// `interface_up_down_delays`: how long a change must last before it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkDelays {
    pub down: Duration,
    pub up: Duration,
}

/// What filters are called and how they are written (nftables).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nftables {
    pub table: String,
    pub priority: i32,
    pub counters: bool,
    /// Link-local addresses are filtered by the interface's number, not by its name.
    pub by_index: bool,
}

impl Default for Nftables {
    fn default() -> Self {
        Self { table: "keepalived".to_owned(), priority: -1, counters: false, by_index: false }
    }
}

/// Adverts go to the peers alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unicast {
    /// Of the instance's family. Empty only with `unicast_fault_no_peer`: FAULT for good.
    pub peers: Vec<UnicastPeer>,
    /// None: 255 for IPv4, the kernel's default for IPv6.
    pub ttl: Option<u8>,
    /// Adverts of others than the peers do not count.
    pub check_source: bool,
    /// `old_unicast_checksum`: Some(true) = send it, Some(false) = never, None = as the peer does.
    pub old_checksum: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnicastPeer {
    pub address: IpAddr,
    pub min_ttl: Option<u8>,
    pub max_ttl: Option<u8>,
}

/// `vrrp_sync_group NAME { }`.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncGroup {
    pub name: Spanned<String>,
    /// Names of instances that exist.
    pub members: Vec<Spanned<String>>,
    pub notify: NotifyScripts,
    pub smtp_alert: bool,
    /// Weights of trackers count for the members although they are in a group.
    pub tracking_weight: bool,
}
