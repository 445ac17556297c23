//! Keeps the kernel's table as the director wants it. One task owns the connection to the kernel;
//! it hears only of the newest wish, so a slow kernel never makes the director wait, and skipped
//! wishes are harmless because each is a whole table. What is told of a change waits for the kernel
//! for a moment ([`Keeper::settled`]), so that a script which hears of it finds it done. The task ends after [`Keeper::end`] or when
//! the [`Keeper`] is dropped; the kernel then stays as it is.
use super::{
    Inbox, Upward,
    settings::{Settings, Wanted},
};
use crate::{
    base::Backoff,
    config::model::{DirectorConfig, GlobalDefs},
    director::{End, Event, report},
    ipvs::{
        Next, Reconciler, Table,
        io::{IpvsError, IpvsKernel},
    },
    machine::io::Inbound,
    status::DirectorStatus,
};
use std::{
    collections::BTreeSet,
    io,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, watch},
    time::{sleep_until, timeout},
};

/// How often somebody else's changes are looked for.
const VERIFY: Duration = Duration::from_secs(60);
/// The same after our sync daemons were started.
const VERIFY_YOUNG: Duration = Duration::from_secs(2);
/// Status requests that wait; more are dropped, and the parent's client is told so.
const REPORTS: usize = 16;

#[derive(Debug)]
pub(super) struct Keeper {
    wishes: watch::Sender<Wish>,
    /// The number of the newest wish that was worked on, whatever came of it.
    done: watch::Receiver<u64>,
    reports: mpsc::Sender<Report>,
}

#[derive(Clone, Debug)]
struct Wish {
    number: u64,
    table: Table,
    global: Arc<GlobalDefs>,
    /// Grows with each reload, which is a moment to look at the kernel again: whoever asks for it
    /// wants to see it true.
    reloads: u64,
    end: Option<End>,
}

#[derive(Debug)]
struct Report {
    request: u64,
    status: DirectorStatus,
    config: Arc<DirectorConfig>,
}

impl Keeper {
    pub(super) fn start<K: IpvsKernel + 'static>(
        open: impl Fn() -> io::Result<K> + Send + 'static,
        global: Arc<GlobalDefs>,
        events: Inbox,
        upward: mpsc::Sender<Upward>,
    ) -> Self {
        let wish = Wish { number: 0, table: Table::default(), global, reloads: 0, end: None };
        let (wishes, heard) = watch::channel(wish);
        let (finished, done) = watch::channel(0);
        let (reports, asked) = mpsc::channel(REPORTS);
        let task = Task {
            open,
            kernel: None,
            reconciler: Reconciler::default(),
            backoff: Backoff::default(),
            adopt_all: heard.borrow().global.lvs_flush,
            settings: Settings::default(),
            verifies: false,
            daemons_young: false,
            told: None,
            finished,
            number: 0,
            reloads: 0,
            events,
            upward,
        };
        tokio::spawn(task.turn(heard, asked));
        Self { wishes, done, reports }
    }

    pub(super) fn want(&self, table: Table) {
        self.wishes.send_modify(|wish| {
            wish.number += 1;
            wish.table = table;
        });
    }

    /// Waits until the kernel has been asked for the newest wish, at most for so long.
    pub(super) async fn settled(&mut self, patience: Duration) {
        let number = self.wishes.borrow().number;
        let settled = timeout(patience, self.done.wait_for(|done| *done >= number)).await;
        if settled.is_err() {
            tracing::debug!("going on while the kernel is still at it");
        }
    }

    pub(super) fn settings(&self, global: Arc<GlobalDefs>) {
        self.wishes.send_modify(|wish| {
            wish.number += 1;
            wish.global = global;
            wish.reloads += 1;
        });
    }

    pub(super) fn end(&self, end: End) {
        self.wishes.send_modify(|wish| wish.end = Some(end));
    }

    pub(super) fn report(&self, request: u64, status: DirectorStatus, config: Arc<DirectorConfig>) {
        if self.reports.try_send(Report { request, status, config }).is_err() {
            tracing::warn!("the kernel is too slow to report the status");
        }
    }
}

struct Task<K, F> {
    open: F,
    /// Opened when a table is first wanted.
    kernel: Option<K>,
    reconciler: Reconciler,
    backoff: Backoff,
    /// `lvs_flush`: whatever the first look finds is ours, so that what is not wanted goes. What
    /// is wanted stays with its connections, which emptying the table would lose.
    adopt_all: bool,
    settings: Settings,
    /// Time to look whether our daemons still run.
    verifies: bool,
    /// They were just started, perhaps while the VRRP process stopped its own.
    daemons_young: bool,
    finished: watch::Sender<u64>,
    /// Of the wish at work.
    number: u64,
    /// Of the wish at work.
    reloads: u64,
    /// What the director was told last of the kernel's refusals.
    told: Option<String>,
    events: Inbox,
    upward: mpsc::Sender<Upward>,
}

enum Heard {
    Wish,
    Report(Report),
    Time,
    Closed,
}

impl<K: IpvsKernel, F: Fn() -> io::Result<K> + Send> Task<K, F> {
    async fn turn(
        mut self,
        mut wishes: watch::Receiver<Wish>,
        mut reports: mpsc::Receiver<Report>,
    ) {
        let mut verify = None;
        let mut retry = None;
        loop {
            let until = [verify, retry].into_iter().flatten().min();
            let heard = tokio::select! {
                changed = wishes.changed() => if changed.is_ok() { Heard::Wish } else { Heard::Closed },
                Some(report) = reports.recv() => Heard::Report(report),
                () = at(until) => Heard::Time,
            };
            match heard {
                Heard::Closed => return,
                Heard::Report(report) => {
                    self.report(report).await;
                    continue;
                }
                Heard::Wish => {}
                Heard::Time => {
                    self.reconciler.verify();
                    self.verifies = true;
                }
            }
            let fulfilled = self.fulfil(&mut wishes).await;
            self.finished.send_replace(self.number);
            match fulfilled {
                Ok(ControlFlow::Break(())) => return,
                Ok(ControlFlow::Continue(())) => {
                    self.backoff.reset();
                    let young = std::mem::take(&mut self.daemons_young);
                    verify = Some(Instant::now() + if young { VERIFY_YOUNG } else { VERIFY });
                    retry = None;
                }
                Err(error) => {
                    self.failed(&error).await;
                    if wishes.borrow().end.is_some() {
                        self.tell(Event::Ended).await;
                        return;
                    }
                    retry = Some(Instant::now() + self.backoff.after_failure());
                }
            }
        }
    }

    /// Works until the kernel holds the newest wish.
    async fn fulfil(
        &mut self,
        wishes: &mut watch::Receiver<Wish>,
    ) -> Result<ControlFlow<()>, IpvsError> {
        loop {
            let Wish { number, table, global, reloads, end } = wishes.borrow_and_update().clone();
            self.number = number;
            if std::mem::replace(&mut self.reloads, reloads) != reloads {
                self.reconciler.verify();
                self.verifies = true;
            }
            let wanted = if end.is_none() { Wanted::of(&global) } else { Wanted::default() };
            let needless = table.0.is_empty() && !wanted.has_daemons();
            if self.kernel.is_none() && needless && end.is_none() {
                // A machine without services needs no IPVS.
                return Ok(ControlFlow::Continue(()));
            }
            match end {
                None => self.reconciler.want(table),
                Some(End::Remove) => self.reconciler.want(Table::default()),
                Some(End::Flush) => self.kernel()?.flush().await?,
                Some(End::Leave) => {}
            }
            if matches!(end, None | Some(End::Remove)) {
                self.settle(wishes, end).await?;
            }
            self.set(wanted).await?;
            if end.is_some() {
                self.tell(Event::Ended).await;
                return Ok(ControlFlow::Break(()));
            }
            self.tell_refusals().await;
            if !wishes.has_changed().unwrap_or(false) {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    /// Step by step; comes back early where the wish has changed.
    async fn settle(
        &mut self,
        wishes: &watch::Receiver<Wish>,
        end: Option<End>,
    ) -> Result<(), IpvsError> {
        loop {
            if end.is_none() && wishes.has_changed().unwrap_or(false) {
                return Ok(());
            }
            match self.reconciler.what_next() {
                Next::Settled => return Ok(()),
                Next::Dump => {
                    let seen = self.kernel()?.dump().await?;
                    if std::mem::take(&mut self.adopt_all) {
                        self.reconciler.claim(&seen.table);
                    }
                    for drift in self.reconciler.observed(seen.table) {
                        tracing::warn!("somebody changed the IPVS table: {}", drift.0);
                    }
                }
                Next::Run(steps) => {
                    let results = self.kernel()?.run(&steps).await?;
                    for step in &steps {
                        tracing::debug!("IPVS: {step}");
                    }
                    for problem in self.reconciler.ran(&steps, &results) {
                        tracing::error!("IPVS: {}", problem.message);
                    }
                }
            }
        }
    }

    fn kernel(&mut self) -> Result<&mut K, IpvsError> {
        let kernel = match self.kernel.take() {
            Some(kernel) => kernel,
            None => (self.open)().map_err(|source| IpvsError::Socket {
                operation: "start the thread that speaks to the kernel",
                source,
            })?,
        };
        Ok(self.kernel.insert(kernel))
    }

    /// What `global_defs` says beside the table; nothing of it stays at the end.
    async fn set(&mut self, wanted: Wanted) -> Result<(), IpvsError> {
        let verify = std::mem::take(&mut self.verifies) && self.settings.has_daemons();
        if !verify && !self.settings.differ(&wanted) {
            return Ok(());
        }
        let mut settings = std::mem::take(&mut self.settings);
        let done = async {
            let kernel = self.kernel()?;
            let changed = settings.apply(wanted, kernel).await?;
            if verify {
                settings.verify_daemons(kernel).await?;
            }
            Ok(changed)
        }
        .await;
        self.settings = settings;
        self.daemons_young = done?;
        Ok(())
    }

    async fn report(&mut self, report: Report) {
        let Report { request, mut status, config } = report;
        if let Some(kernel) = &mut self.kernel {
            match kernel.dump().await {
                Ok(seen) => report::add_connections(&mut status, &config, &seen.counters),
                Err(error) => tracing::warn!("{}", chain(&error)),
            }
        }
        if let Err(error) = self.upward.try_send(Upward::Status(request, status)) {
            tracing::warn!("the parent does not read answers: {error}");
        }
    }

    async fn failed(&mut self, error: &IpvsError) {
        self.reconciler.failed();
        let text = chain(error);
        if self.told.as_ref() != Some(&text) {
            tracing::error!("{text}");
        }
        self.tell_kernel_error(Some(text)).await;
    }

    async fn tell_refusals(&mut self) {
        let refused: BTreeSet<&str> = self.reconciler.refusals().map(|(_, text)| text).collect();
        let text = refused.into_iter().collect::<Vec<_>>().join("; ");
        self.tell_kernel_error(Some(text).filter(|text| !text.is_empty())).await;
    }

    async fn tell_kernel_error(&mut self, text: Option<String>) {
        if self.told == text {
            return;
        }
        self.told.clone_from(&text);
        self.tell(Event::KernelError(text)).await;
    }

    async fn tell(&mut self, event: Event) {
        if self.events.send(Inbound::Event(event)).await.is_err() {
            tracing::debug!("the kernel answered after the director's end");
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

/// The error with what caused it.
fn chain(error: &IpvsError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
