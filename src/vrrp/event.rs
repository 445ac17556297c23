//! What a VRRP node is told, and what it orders.
use crate::{
    base::{Family, InterfaceAddress, OwnLink, Route, Rule},
    config::model::{GlobalDefs, SyncDaemon, TrackFile, TrackProcess, TrackScript, VrrpConfig},
    net::{NetEvent, filter::Filter},
    notify::Notification,
    status::VrrpStatus,
    trackers::News,
};
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

/// Which raw sockets: a receiving and a sending one. Instances share them; VRIDs tell them apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketKey {
    pub family: Family,
    /// 112, or 51 for instances with an Authentication Header.
    pub protocol: u8,
    /// Empty only for unicast without an interface.
    pub interface: String,
    pub endpoint: Endpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Joined on the interface, and what the receiving socket is bound to.
    Multicast(IpAddr),
    /// Our own address, which the receiving socket is bound to.
    Unicast(IpAddr),
}

/// A packet as the raw socket gave it: IPv4 with its header, IPv6 without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub socket: Arc<SocketKey>,
    /// Source; for IPv4 the header's counts, not this.
    pub from: IpAddr,
    /// Destination; for IPv4 the header's counts, not this.
    pub to: IpAddr,
    /// IPv6 only.
    pub hop_limit: Option<u8>,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Datagram(Datagram),
    Net(NetEvent),
    /// Something watched turned, or is known for the first time.
    Tracker(News),
    SocketOpened(Arc<SocketKey>),
    /// [`Action::Open`] is ordered again after a while.
    SocketFailed {
        socket: Arc<SocketKey>,
        reason: String,
    },
    SendFailed {
        socket: Arc<SocketKey>,
        reason: String,
    },
    /// The time since 1970, now and then: what [`Action::WatchClock`] asks for.
    WallClock(Duration),
    Reload(Arc<VrrpConfig>, Arc<GlobalDefs>),
    ReportStatus(u64),
    /// Orderly: priority 0, everything released, [`Action::Exit`] last.
    Stop,
    /// The same without a farewell, and everything stays: a successor goes on with it
    /// (`--dont-release-vrrp`).
    Leave,
}

/// To be carried out in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Open(Arc<SocketKey>),
    Close(Arc<SocketKey>),
    Send(Packet),
    /// One after the other; an address that is there already counts as added.
    AddAddresses(Vec<InterfaceAddress>),
    /// What is not there any more counts as removed.
    RemoveAddresses(Vec<InterfaceAddress>),
    AddRoutes(Vec<Route>),
    RemoveRoutes(Vec<Route>),
    AddRules(Vec<Rule>),
    RemoveRules(Vec<Rule>),
    /// Interfaces on top of others. What an earlier run has left of that name is replaced; the
    /// kernel's news say when it is there.
    CreateLinks(Vec<OwnLink>),
    RemoveLinks(Vec<OwnLink>),
    /// Replaces all filters.
    Filter(Filter),
    /// A setting of the kernel, until [`Action::Untune`].
    Tune(Tuning),
    /// Puts back what [`Action::Tune`] and links of our own have changed.
    Untune,
    /// Tell the neighbours; must not delay what follows.
    Announce(Announcement),
    /// Forget what is still queued for this instance.
    CancelAnnouncements(Arc<str>),
    SyncDaemon(SyncOrder),
    Notify(Notification),
    /// From now on [`Event::WallClock`] is wanted every second: somebody may set the clock.
    WatchClock,
    WatchScript(TrackScript),
    UnwatchScript(String),
    /// These instead of those of before; each is told of at once, as [`Event::Tracker`].
    WatchFiles {
        /// Those that are to be created are created first.
        files: Vec<TrackFile>,
        /// Also where a file exists and that is asked for.
        overwrite: bool,
    },
    /// The same.
    WatchProcesses(Vec<TrackProcess>),
    Log(Level, String),
    Report(u64, VrrpStatus),
    /// Leave the loop with code 0 after what was notified has been given a second to run.
    Exit,
}

impl Action {
    /// What a stop does that a successor would have to do again.
    pub(super) fn lets_go(&self) -> bool {
        match self {
            Self::Send(_)
            | Self::RemoveAddresses(_)
            | Self::RemoveRoutes(_)
            | Self::RemoveRules(_)
            | Self::RemoveLinks(_)
            | Self::Filter(_)
            | Self::Untune
            | Self::Log(Level::Detail, _) => true,
            Self::Open(_)
            | Self::Close(_)
            | Self::AddAddresses(_)
            | Self::AddRoutes(_)
            | Self::AddRules(_)
            | Self::CreateLinks(_)
            | Self::Tune(_)
            | Self::Announce(_)
            | Self::CancelAnnouncements(_)
            | Self::SyncDaemon(_)
            | Self::Notify(_)
            | Self::WatchClock
            | Self::WatchScript(_)
            | Self::UnwatchScript(_)
            | Self::WatchFiles { .. }
            | Self::WatchProcesses(_)
            | Self::Log(..)
            | Self::Report(..)
            | Self::Exit => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub socket: Arc<SocketKey>,
    /// IPv6: to be named with IPV6_PKTINFO. IPv4: stands in the bytes already.
    pub from: IpAddr,
    pub to: IpAddr,
    /// IPv6 unicast: None = the kernel's default. Multicast is 255 by the socket.
    pub hop_limit: Option<u8>,
    pub bytes: Arc<Vec<u8>>,
}

/// Gratuitous ARP for each IPv4 address, unsolicited neighbour advertisement for each IPv6 one:
/// `rounds` times the whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The instance, for [`Action::CancelAnnouncements`].
    pub owner: Arc<str>,
    pub targets: Vec<Target>,
    pub rounds: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub interface: String,
    pub address: IpAddr,
    /// Announcements of one lane follow each other at this distance; zero = back to back.
    pub gap: Duration,
    /// The interface, or the group of interfaces that shares a pace.
    pub lane: Arc<str>,
}

/// What the kernel is to do otherwise while we run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tuning {
    /// On this interface: removing an address leaves the others of its subnet.
    PromoteSecondaries(String),
    /// No IGMP for 224.0.0.0/24.
    NoLocalIgmp,
}

impl fmt::Display for SocketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, address) = match self.endpoint {
            Endpoint::Multicast(address) => ("multicast", address),
            Endpoint::Unicast(address) => ("unicast", address),
        };
        let family = match self.family {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        };
        let (interface, protocol) = (&self.interface, self.protocol);
        write!(
            f,
            "VRRP sockpool: [interface({interface}), family({family}), proto({protocol}), {kind}, \
             address({address})]"
        )
    }
}

/// For the kernel's IPVS connection synchronisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncOrder {
    Start {
        role: SyncRole,
        daemon: Arc<SyncDaemon>,
        /// `id` as configured, else the instance's VRID, else 0.
        id: u8,
    },
    Stop {
        role: SyncRole,
        id: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncRole {
    Master,
    Backup,
}

/// How loud a line is. `Detail` is what keepalived says only with `-D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
    Info,
    Detail,
}
