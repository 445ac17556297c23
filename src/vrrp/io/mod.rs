//! Carries out what the VRRP machine orders: raw sockets itself, the rest through [`World`].
#![allow(clippy::disallowed_methods, reason = "this is a shell: it may touch the outside")]
mod socket;

use crate::{
    base::{InterfaceAddress, OwnLink, Route, Rule},
    config::model::{GlobalDefs, TrackFile, TrackProcess, TrackScript, VrrpConfig},
    machine::io::{Executor, Inbound, Mark, drive},
    net::filter::Filter,
    notify::Notification,
    status::VrrpStatus,
    vrrp::{Action, Announcement, Event, Level, Packet, SocketKey, SyncOrder, Tuning, VrrpNode},
};
use socket::Sockets;
use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    io,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc::{Receiver, Sender};

/// Where events go in; capacity is the caller's, 256 is plenty. Sockets drop adverts when it is
/// full, everything else waits.
pub type Inbox = Sender<Inbound<Event>>;

/// What the executor needs from the rest of the process. Calls are made one after the other, in
/// the machine's order. Those that return a future are waited for and must be quick (one netlink
/// round trip): adverts wait behind them. Those that return nothing must only start something.
pub trait World {
    type Error: fmt::Display;

    /// An address that is there already is no error.
    fn add_address(
        &mut self,
        address: &InterfaceAddress,
    ) -> impl Future<Output = Result<(), Self::Error>>;
    /// An address or a link that is gone already is no error.
    fn remove_address(
        &mut self,
        address: &InterfaceAddress,
    ) -> impl Future<Output = Result<(), Self::Error>>;
    fn add_route(&mut self, route: &Route) -> impl Future<Output = Result<(), Self::Error>>;
    /// A route that is gone already is no error.
    fn remove_route(&mut self, route: &Route) -> impl Future<Output = Result<(), Self::Error>>;
    fn add_rule(&mut self, rule: &Rule) -> impl Future<Output = Result<(), Self::Error>>;
    /// A rule that is gone already is no error.
    fn remove_rule(&mut self, rule: &Rule) -> impl Future<Output = Result<(), Self::Error>>;
    /// What an earlier run has left under that name is replaced.
    fn create_link(&mut self, link: &OwnLink) -> impl Future<Output = Result<(), Self::Error>>;
    /// An interface that is gone already is no error.
    fn remove_link(&mut self, link: &OwnLink) -> impl Future<Output = Result<(), Self::Error>>;
    /// Replaces all filters.
    fn filter(&mut self, filter: &Filter) -> impl Future<Output = Result<(), Self::Error>>;
    /// Until [`World::untune`], which puts everything back.
    fn tune(&mut self, tuning: &Tuning);
    fn untune(&mut self);
    /// One already running in that role counts as started, one not running as stopped.
    fn sync_daemon(&mut self, order: &SyncOrder) -> impl Future<Output = Result<(), Self::Error>>;
    /// Queues gratuitous ARPs and neighbour advertisements; its own task paces and sends them.
    fn announce(&mut self, announcement: Announcement);
    /// Drops what is still queued for that instance.
    fn cancel_announcements(&mut self, owner: &str);
    fn notify(&mut self, notification: Notification);
    /// Runs the script now and at its interval; verdicts come as [`Event::Tracker`].
    fn watch_script(&mut self, script: TrackScript);
    fn unwatch_script(&mut self, name: &str);
    /// Watches these instead of those of before; numbers come as [`Event::Tracker`], all at once and
    /// then each change. Creates first those that are to be created, and overwrites what exists
    /// only if `overwrite`.
    fn watch_files(&mut self, files: Vec<TrackFile>, overwrite: bool);
    /// Counts these instead of those of before, and tells in the same way.
    fn watch_processes(&mut self, processes: Vec<TrackProcess>);
    /// Before the process ends: lets what was notified run, for a second at most.
    fn finish(&mut self) -> impl Future<Output = ()>;
}

/// What goes to the parent.
#[derive(Clone, Debug, PartialEq)]
pub enum Upward {
    Reached(Mark),
    Status(u64, VrrpStatus),
}

/// How the machine's log lines are filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// keepalived without `-D`: detail goes to debug.
    #[default]
    Usual,
    /// `-D`: detail is information like the rest.
    All,
}

/// An operation on raw sockets that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {key}: {source}")]
pub struct SocketError {
    operation: &'static str,
    /// The socket as keepalived's log shows it.
    key: String,
    source: io::Error,
}

/// Runs the machine until [`Event::Stop`] has been carried out and returns the exit code. The inbox
/// never closes by itself, for sockets hold it open: a caller that loses its parent says `Stop`.
///
/// `events` is the sending end of `inbox`: sockets report through it. The caller feeds the same
/// inbox with [`Event::Net`] (starting with a complete list of links), [`Event::Tracker`],
/// [`Event::Reload`], [`Event::ReportStatus`], [`Event::Stop`] and pings. Answers for the parent
/// leave through `upward`, whose capacity of 16 or so only a parent that hangs can fill.
///
/// `global.router_id` stands in mail subjects as it is: where none is configured the caller fills
/// in the host name.
pub async fn run<W: World>(
    config: Arc<VrrpConfig>,
    global: Arc<GlobalDefs>,
    inbox: Receiver<Inbound<Event>>,
    events: Inbox,
    upward: Sender<Upward>,
    world: W,
    detail: Detail,
) -> u8 {
    let node = VrrpNode::new(config, global, Instant::now())
        .booted(uptime())
        .at_time(time_of_day(), Instant::now());
    let executor = VrrpExecutor { world, detail, sockets: BTreeMap::new(), events, upward };
    // The machine's start does not wait for the first news.
    drive(node, inbox, executor).await
}

/// Since the machine has booted, suspended times included; for ever where /proc does not tell.
fn uptime() -> Duration {
    let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = text.split_ascii_whitespace().next().and_then(|word| word.parse().ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(Duration::MAX)
}

/// Since 1970.
fn time_of_day() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

struct VrrpExecutor<W> {
    world: W,
    detail: Detail,
    sockets: BTreeMap<Arc<SocketKey>, Sockets>,
    events: Inbox,
    upward: Sender<Upward>,
}

impl<W: World> Executor<VrrpNode> for VrrpExecutor<W> {
    async fn execute(&mut self, action: Action) -> ControlFlow<u8> {
        match action {
            Action::Open(key) => self.open(key),
            Action::Close(key) => {
                self.sockets.remove(&key);
            }
            Action::Send(packet) => self.send(&packet),
            Action::AddAddresses(list) => {
                for address in &list {
                    complain(
                        "add address",
                        address.prefix(),
                        self.world.add_address(address).await,
                    );
                }
            }
            Action::RemoveAddresses(list) => {
                for address in &list {
                    let result = self.world.remove_address(address).await;
                    complain("remove address", address.prefix(), result);
                }
            }
            Action::AddRoutes(list) => {
                for route in &list {
                    complain("add route", route.destination, self.world.add_route(route).await);
                }
            }
            Action::RemoveRoutes(list) => {
                for route in &list {
                    let result = self.world.remove_route(route).await;
                    complain("remove route", route.destination, result);
                }
            }
            Action::AddRules(list) => {
                for rule in &list {
                    complain("add rule", rule, self.world.add_rule(rule).await);
                }
            }
            Action::RemoveRules(list) => {
                for rule in &list {
                    complain("remove rule", rule, self.world.remove_rule(rule).await);
                }
            }
            Action::CreateLinks(list) => {
                for link in &list {
                    complain("create interface", &link.name, self.world.create_link(link).await);
                }
            }
            Action::RemoveLinks(list) => {
                for link in &list {
                    complain("remove interface", &link.name, self.world.remove_link(link).await);
                }
            }
            Action::Filter(filter) => {
                let result = self.world.filter(&filter).await;
                complain("filter with table", &filter.table, result);
            }
            Action::Tune(tuning) => self.world.tune(&tuning),
            Action::Untune => self.world.untune(),
            Action::Announce(announcement) => self.world.announce(announcement),
            Action::CancelAnnouncements(owner) => self.world.cancel_announcements(&owner),
            Action::SyncDaemon(order) => {
                let result = self.world.sync_daemon(&order).await;
                complain("control", "the IPVS sync daemon", result);
            }
            Action::Notify(notification) => self.world.notify(notification),
            Action::WatchClock => {
                let events = self.events.clone();
                // Ends with the inbox.
                tokio::spawn(async move {
                    let mut seconds = tokio::time::interval(Duration::from_secs(1));
                    loop {
                        seconds.tick().await;
                        let event = Inbound::Event(Event::WallClock(time_of_day()));
                        if events.send(event).await.is_err() {
                            return;
                        }
                    }
                });
            }
            Action::WatchScript(script) => self.world.watch_script(script),
            Action::UnwatchScript(name) => self.world.unwatch_script(&name),
            Action::WatchFiles { files, overwrite } => self.world.watch_files(files, overwrite),
            Action::WatchProcesses(processes) => self.world.watch_processes(processes),
            Action::Log(level, text) => self.log(level, &text),
            Action::Report(request, status) => self.answer(Upward::Status(request, status)),
            Action::Exit => {
                self.sockets.clear();
                self.world.finish().await;
                return ControlFlow::Break(0);
            }
        }
        ControlFlow::Continue(())
    }

    async fn reached(&mut self, mark: Mark) {
        self.answer(Upward::Reached(mark));
    }
}

impl<W> VrrpExecutor<W> {
    fn open(&mut self, key: Arc<SocketKey>) {
        // The old pair first: a second member of the group on one interface is harmless, but a
        // bound unicast address is not.
        self.sockets.remove(&key);
        let event = match Sockets::open(&key, self.events.clone()) {
            Ok(sockets) => {
                tracing::info!("{key}");
                self.sockets.insert(Arc::clone(&key), sockets);
                Event::SocketOpened(key)
            }
            Err(error) => {
                tracing::error!("{error}");
                Event::SocketFailed { socket: key, reason: error.to_string() }
            }
        };
        self.report(event);
    }

    fn send(&self, packet: &Packet) {
        // Closed because its link is gone: the farewell has nowhere to go.
        let Some(sockets) = self.sockets.get(&packet.socket) else { return };
        if let Err(error) = sockets.send(packet) {
            self.report(Event::SendFailed {
                socket: Arc::clone(&packet.socket),
                reason: error.to_string(),
            });
        }
    }

    /// The loop that empties the inbox is the one that calls: waiting here would be for ever, so a
    /// full inbox gets the event from a task of its own, which ends with it.
    fn report(&self, event: Event) {
        let events = self.events.clone();
        if let Err(tokio::sync::mpsc::error::TrySendError::Full(inbound)) =
            events.try_send(Inbound::Event(event))
        {
            tokio::spawn(async move {
                if events.send(inbound).await.is_err() {
                    tracing::debug!("an event came after the end");
                }
            });
        }
    }

    /// Never waits: a parent that does not read must not silence the adverts.
    fn answer(&self, answer: Upward) {
        if let Err(error) = self.upward.try_send(answer) {
            tracing::warn!("the parent does not read answers: {error}");
        }
    }

    fn log(&self, level: Level, text: &str) {
        match (level, self.detail) {
            (Level::Error, _) => tracing::error!("{text}"),
            (Level::Warning, _) => tracing::warn!("{text}"),
            (Level::Info, _) | (Level::Detail, Detail::All) => tracing::info!("{text}"),
            (Level::Detail, Detail::Usual) => tracing::debug!("{text}"),
        }
    }
}

fn complain<E: fmt::Display>(operation: &str, subject: impl fmt::Display, result: Result<(), E>) {
    if let Err(error) = result {
        tracing::error!("cannot {operation} {subject}: {error}");
    }
}
