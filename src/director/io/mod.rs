//! Carries out what the director orders: probes as tasks, the table through a `keeper`, the rest
//! through [`World`].
#![allow(clippy::disallowed_methods, reason = "this is a shell: it may touch the outside")]
mod keeper;
mod probes;
mod settings;
#[cfg(test)]
mod tests;

use super::{Action, Director, Event, Level, Options};
use crate::{
    checkers::io::ProbeContext,
    config::model::{DirectorConfig, GlobalDefs, TrackFile},
    ipvs::io::IpvsKernel,
    machine::io::{Executor, Inbound, Mark, drive},
    notify::Notification,
    status::DirectorStatus,
};
use keeper::Keeper;
use probes::Probes;
use std::{
    future::Future,
    io,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{Receiver, Sender};

/// Where events go in; whoever sends waits when it is full, so 256 is plenty.
pub type Inbox = Sender<Inbound<Event>>;

/// How long words about a change wait for the change: no check is late by more.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the executor needs from the rest of the process.
pub trait World {
    /// Only starts something.
    fn notify(&mut self, notification: Notification);
    /// Creates the files that are to be created, and reads all, before anything starts.
    fn first_numbers(&mut self, files: &[TrackFile]) -> Vec<(String, i64)>;
    /// Creates those that are to be created and are not there, and watches these instead of those
    /// of before: [`Event::FileRead`] for each, now and whenever one
    /// changes.
    fn watch_files(&mut self, files: Vec<TrackFile>);
    /// What probes share, as the newest configuration has it.
    fn probe_context(&mut self) -> ProbeContext;
    /// Has [`Event::Net`] sent to the director from now on; asked once.
    fn watch_addresses(&mut self);
    /// Before the process ends: lets what was notified run, for a second at most.
    fn finish(&mut self) -> impl Future<Output = ()>;
}

/// What goes to the parent.
#[derive(Clone, Debug, PartialEq)]
pub enum Upward {
    Reached(Mark),
    Status(u64, DirectorStatus),
}

/// Where the executor hears and speaks.
#[derive(Debug)]
pub struct Ends {
    pub inbox: Receiver<Inbound<Event>>,
    /// The sending end of `inbox`: probes and the keeper of the table report through it.
    pub events: Inbox,
    /// Answers for the parent; what it does not read in time is lost.
    pub upward: Sender<Upward>,
}

/// Runs the director until [`Event::Stop`] has been carried out and returns the exit code.
///
/// The caller feeds the inbox with [`Event::Reload`], [`Event::ReportStatus`], [`Event::Stop`] and
/// pings. `open` makes a connection to the kernel; nobody calls it before a table is wanted.
pub async fn run<K, W>(
    (config, global): (Arc<DirectorConfig>, Arc<GlobalDefs>),
    options: Options,
    ends: Ends,
    open: impl Fn() -> io::Result<K> + Send + 'static,
    mut world: W,
) -> u8
where
    K: IpvsKernel + 'static,
    W: World,
{
    let Ends { inbox, events, upward } = ends;
    let keeper = Keeper::start(open, Arc::clone(&global), events.clone(), upward.clone());
    let numbers = world.first_numbers(&config.files);
    let director = Director::new(config, global, options, Instant::now()).knowing(numbers);
    let executor = DirectorExecutor { world, keeper, probes: Probes::new(events), upward };
    drive(director, inbox, executor).await
}

struct DirectorExecutor<W> {
    world: W,
    keeper: Keeper,
    probes: Probes,
    upward: Sender<Upward>,
}

impl<W: World> Executor<Director> for DirectorExecutor<W> {
    async fn execute(&mut self, action: Action) -> ControlFlow<u8> {
        match action {
            Action::StartProbe { checker, probe } => {
                self.probes.start(checker, probe, self.world.probe_context());
            }
            Action::CancelProbe(checker) => self.probes.cancel(checker),
            Action::Want(table) => {
                self.keeper.want(table);
                self.keeper.settled(PATIENCE).await;
            }
            Action::WatchAddresses => self.world.watch_addresses(),
            Action::WatchFiles(files) => self.world.watch_files(files),
            Action::Settings(global) => self.keeper.settings(global),
            Action::Notify(notification) => self.world.notify(notification),
            Action::Log(Level::Error, text) => tracing::error!("{text}"),
            Action::Log(Level::Warning, text) => tracing::warn!("{text}"),
            Action::Log(Level::Info, text) => tracing::info!("{text}"),
            Action::Report { request, status, config } => {
                self.keeper.report(request, status, config);
            }
            Action::End(end) => self.keeper.end(end),
            Action::Exit => {
                self.probes.cancel_all();
                self.world.finish().await;
                return ControlFlow::Break(0);
            }
        }
        ControlFlow::Continue(())
    }

    /// Never waits for the parent: one that does not read must not stop the checks.
    async fn reached(&mut self, mark: Mark) {
        if mark == Mark::Configured {
            self.keeper.settled(PATIENCE).await;
        }
        if let Err(error) = self.upward.try_send(Upward::Reached(mark)) {
            tracing::warn!("the parent does not read answers: {error}");
        }
    }
}
