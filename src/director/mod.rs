//! The load balancer's brain: probe results in, wanted IPVS table out. It never writes the kernel.
//!
//! Services are ours when they are configured, or were earlier in this process's life; whatever
//! else is in the kernel's table is somebody else's. A table that a predecessor left is adopted:
//! what matches stays as it is, with its connections.
mod event;
pub mod io;
mod knowledge;
mod presence;
mod real_server;
mod rehearsal;
mod reload;
mod report;
mod tell;
mod virtual_server;
mod wanted;

pub use event::{Action, CheckerId, End, Event, Level, Probe};
pub use rehearsal::{Rehearsal, Standing, entries_of, rehearse};

use crate::{
    checkers::{Born, Change, Outcome},
    config::model::{CheckerKind, DirectorConfig, FlushOnStop, GlobalDefs},
    ipvs::{ServiceKey, Table},
    machine::Machine,
};
use knowledge::Knowledge;
use presence::Presence;
use real_server::ServerState;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};
use tell::Names;
use virtual_server::{Quorum, ServiceState};

/// How long the kernel may take at the end before we go without its word.
const END_WAIT: Duration = Duration::from_secs(3);

/// The keys of everything that this configuration can have put into the kernel's table.
#[must_use]
pub fn keys(config: &DirectorConfig) -> Vec<ServiceKey> {
    let servers = config.virtual_servers.iter();
    servers.flat_map(|it| wanted::keys(&it.at, it.family)).map(|(key, _)| key).collect()
}

/// What no configuration says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-I`: the table stays when we stop.
    pub keep_table: bool,
    /// For the random delay of first probes.
    pub seed: u64,
}

/// See the module's head.
#[derive(Debug)]
pub struct Director {
    options: Options,
    config: Arc<DirectorConfig>,
    global: Arc<GlobalDefs>,
    /// As many as the configuration has, in its order.
    services: Vec<ServiceState>,
    /// Where a checker stands: service, server, checker.
    places: HashMap<CheckerId, (usize, usize, usize)>,
    next_id: u32,
    random: u64,
    deadlines: BTreeSet<(Instant, CheckerId)>,
    wanted: Table,
    /// A table was wanted once, so there is something to undo.
    kernel_used: bool,
    kernel_error: Option<String>,
    presence: Presence,
    /// [`Action::WatchAddresses`] was ordered.
    watching: bool,
    knowledge: Knowledge,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The first deadline is at once: everything starts then.
    New(Instant),
    Running,
    Ending {
        until: Instant,
    },
}

impl Director {
    #[must_use]
    pub fn new(
        config: Arc<DirectorConfig>,
        global: Arc<GlobalDefs>,
        options: Options,
        now: Instant,
    ) -> Self {
        let mut director = Self {
            options,
            config: Arc::default(),
            global,
            services: vec![],
            places: HashMap::new(),
            next_id: 0,
            random: options.seed,
            deadlines: BTreeSet::new(),
            wanted: Table::default(),
            kernel_used: false,
            kernel_error: None,
            presence: Presence::default(),
            watching: false,
            knowledge: Knowledge::default(),
            phase: Phase::New(now),
        };
        director.config = config;
        director
    }

    /// The table that the kernel is to hold now.
    #[must_use]
    pub const fn wanted(&self) -> &Table {
        &self.wanted
    }

    /// Every server as it starts, the table, and what is told of it. The table comes first: with
    /// thousands of servers the words take longer than the kernel.
    fn start(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.phase = Phase::Running;
        let config = Arc::clone(&self.config);
        let mut words = vec![];
        self.watch_addresses(out);
        for service in &config.virtual_servers {
            let mut servers = Vec::with_capacity(service.real_servers.len());
            for server in &service.real_servers {
                servers.push(self.new_server(server, Born::AtStart, now));
            }
            let checking = self.checking(service);
            if checking.is_on() {
                tell::activating(&mut words, service);
            }
            self.services.push(ServiceState { servers, quorum_up: false, checking });
        }
        self.index();
        for at in 0..self.services.len() {
            self.begin_service(at, &mut words);
        }
        if !self.wanted.0.is_empty() {
            self.want(out);
        } else if self.global.own_sync_daemon().is_some() {
            out.push(Action::Settings(Arc::clone(&self.global)));
        }
        out.append(&mut words);
        if !config.files.is_empty() {
            out.push(Action::WatchFiles(config.files.clone()));
        }
    }

    fn new_server(
        &mut self,
        config: &crate::config::model::RealServer,
        born: Born,
        now: Instant,
    ) -> ServerState {
        let (next_id, random) = (&mut self.next_id, &mut self.random);
        let id = || {
            *next_id += 1;
            CheckerId(*next_id)
        };
        ServerState::new(config, born, now, id, || fraction(random), &self.knowledge)
    }

    /// A service's first quorum, and what is told of it.
    fn begin_service(&mut self, at: usize, out: &mut Vec<Action>) {
        let (Some(config), Some(service)) =
            (self.config.virtual_servers.get(at), self.services.get_mut(at))
        else {
            return;
        };
        let gained = service.judge(config) == Quorum::Gained;
        if self.global.rs_init_notifies {
            for (state, server) in service.servers.iter_mut().zip(&config.real_servers) {
                if state.alive {
                    state.told = Some(true);
                    tell::server(out, &Names::of(config, server), server, true);
                }
            }
        }
        match &config.sorry {
            _ if gained => tell::quorum(out, &self.global, config, service, true),
            Some(_) => tell::quorum(out, &self.global, config, service, true),
            None => {}
        }
        self.refresh(at);
    }

    /// Puts the service's entries into the wanted table. True when something changed.
    fn refresh(&mut self, at: usize) -> bool {
        let (Some(config), Some(service)) =
            (self.config.virtual_servers.get(at), self.services.get(at))
        else {
            return false;
        };
        let mut changed = false;
        for (key, value) in wanted::entries(config, service) {
            if self.wanted.0.get(&key).is_none_or(|known| *known != value) {
                self.wanted.0.insert(key, value);
                changed = true;
            }
        }
        changed
    }

    /// Where each checker stands and when it is due, from scratch.
    fn index(&mut self) {
        self.places.clear();
        self.deadlines.clear();
        for (s, service) in self.services.iter_mut().enumerate() {
            for (r, server) in service.servers.iter_mut().enumerate() {
                for (c, checker) in server.checkers.iter_mut().enumerate() {
                    self.places.insert(checker.id, (s, r, c));
                    checker.due = checker.schedule.next_probe();
                    if let Some(due) = checker.due {
                        self.deadlines.insert((due, checker.id));
                    }
                }
            }
        }
    }

    fn on_probe(&mut self, id: CheckerId, outcome: &Outcome, now: Instant, out: &mut Vec<Action>) {
        let Some((s, r, c)) = self.places.get(&id).copied() else { return };
        let config = Arc::clone(&self.config);
        let global = Arc::clone(&self.global);
        let (Some(service_config), Some(service)) =
            (config.virtual_servers.get(s), self.services.get_mut(s))
        else {
            return;
        };
        let (Some(server_config), Some(server)) =
            (service_config.real_servers.get(r), service.servers.get_mut(r))
        else {
            return;
        };
        let before = server.weight(server_config);
        let (Some(checker_config), Some(checker)) =
            (server_config.checkers.get(c), server.checkers.get_mut(c))
        else {
            return;
        };
        if !checker.running {
            // It ended in the moment in which it was suspended.
            return;
        }
        checker.running = false;
        checker.checked = Some(now);
        let verdict = checker.schedule.record(outcome, now);
        if let Some(due) = checker.schedule.next_probe() {
            checker.due = Some(due);
            self.deadlines.insert((due, id));
        }
        let names = Names::of(service_config, server_config);
        let news = checker.reason != outcome.reason();
        outcome.reason().clone_into(&mut checker.reason);
        if let Outcome::Local { reason } = outcome {
            // Said when it begins and when it changes: the server may be dead for all we know.
            if news || !checker.local {
                out.push(Action::Log(
                    Level::Warning,
                    format!(
                        "{} on service {} cannot be done: {reason}; the server stays as it is",
                        checker_config.kind.keyword(),
                        names.server
                    ),
                ));
            }
            checker.local = true;
            return;
        }
        checker.local = false;
        if verdict.log {
            tell::info(out, tell::result(&names, &checker_config.kind, outcome, verdict.retries));
        }
        let kind = &checker_config.kind;
        let reason = outcome.reason();
        let was_alive = server.alive;
        match verdict.change {
            Change::Unchanged | Change::Confirmed => {}
            Change::Up => {
                server.alive = server.all_up();
                let by_checker = !global.no_checker_emails || server.alive;
                // A new alpha checker of a server that lived all the time has nothing to report.
                if server_config.smtp_alert && by_checker && !was_alive {
                    let alive = server.alive;
                    tell::checker_mail(out, &global, &names, alive, kind, (true, reason));
                }
            }
            Change::Down => {
                server.alive = false;
                let by_checker = !global.no_checker_emails || was_alive;
                if server_config.smtp_alert && by_checker {
                    tell::checker_mail(out, &global, &names, false, kind, (false, reason));
                }
            }
        }
        let alive = server.alive;
        // A server that never was up is told down once, when it first fails.
        let first_failure = verdict.change == Change::Down && server.told.is_none();
        let tell_it = alive != was_alive || first_failure;
        if tell_it {
            server.told = Some(alive);
        }
        let after = server.weight(server_config);
        let inhibit = server_config.inhibit_on_failure;
        if alive != was_alive && !service.sorry_in_use(service_config) {
            tell::pool(out, &names, inhibit, alive);
        }
        if before != after {
            changed_weight(&names, before, after, alive, out);
        }
        if tell_it {
            tell::server(out, &names, server_config, alive);
        }
        if alive != was_alive || before != after {
            self.judge(s, out);
        }
    }

    /// The quorum of a service after one of its servers changed, and the table that follows.
    fn judge(&mut self, at: usize, out: &mut Vec<Action>) {
        let config = Arc::clone(&self.config);
        let (Some(config), Some(service)) =
            (config.virtual_servers.get(at), self.services.get_mut(at))
        else {
            return;
        };
        let moved = service.judge(config);
        if moved != Quorum::Same {
            tell::quorum(out, &self.global, config, service, false);
        }
        if self.refresh(at) {
            self.want(out);
        }
    }

    fn want(&mut self, out: &mut Vec<Action>) {
        self.kernel_used = true;
        out.push(Action::Want(self.wanted.clone()));
    }

    fn on_stop(&mut self, now: Instant, out: &mut Vec<Action>) {
        if matches!(self.phase, Phase::Ending { .. }) {
            return;
        }
        self.phase = Phase::Ending { until: now + END_WAIT };
        self.deadlines.clear();
        let running = self.services.iter().flat_map(ServiceState::running);
        out.extend(running.map(Action::CancelProbe));
        if !self.kernel_used && self.global.own_sync_daemon().is_none() {
            // Nothing was ever wanted of the kernel, so nothing has to be undone.
            out.push(Action::Exit);
            return;
        }
        // What stays in the kernel goes on serving: nothing went down.
        if !self.options.keep_table {
            self.tell_stop(out);
        }
        let end = match (self.options.keep_table, self.global.lvs_flush_on_stop) {
            (true, _) => End::Leave,
            (false, FlushOnStop::Everything) => End::Flush,
            (false, FlushOnStop::No | FlushOnStop::OwnServices) => End::Remove,
        };
        out.push(Action::End(end));
    }

    /// Servers and services go. A flush takes the servers along without a word on each.
    fn tell_stop(&self, out: &mut Vec<Action>) {
        let one_by_one = self.global.lvs_flush_on_stop == FlushOnStop::No;
        for (service, config) in self.services.iter().zip(&self.config.virtual_servers) {
            for (state, server) in service.servers.iter().zip(&config.real_servers) {
                if one_by_one && state.alive {
                    tell::stopped_server(out, &self.global, config, server);
                }
            }
            tell::gone_service(
                out,
                &self.global,
                config,
                config.omega.then_some(tell::SHUTTING_DOWN),
            );
        }
    }

    fn start_due(&mut self, now: Instant, out: &mut Vec<Action>) {
        while let Some((due, id)) = self.deadlines.first().copied() {
            if due > now {
                return;
            }
            self.deadlines.pop_first();
            let Some(at @ (s, r, c)) = self.places.get(&id).copied() else { continue };
            let server = self.services.get_mut(s).and_then(|s| s.servers.get_mut(r));
            let Some(checker) = server.and_then(|server| server.checkers.get_mut(c)) else {
                continue;
            };
            if checker.due != Some(due) || checker.running {
                continue;
            }
            checker.due = None;
            checker.running = true;
            checker.schedule.started(now);
            let request = checker.schedule.probe_request();
            let probe = Probe { config: Arc::clone(&self.config), at, request };
            out.push(Action::StartProbe { checker: id, probe });
        }
    }
}

fn changed_weight(names: &Names, from: u32, to: u32, alive: bool, out: &mut Vec<Action>) {
    let active = if alive { "active" } else { "inactive" };
    tell::info(
        out,
        format!(
            "Changing weight from {from} to {to} for {active} service {} of VS {}",
            names.server, names.service
        ),
    );
}

/// From 0 to 1, evenly; SplitMix64.
fn fraction(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let top = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(0);
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}

impl Machine for Director {
    type Event = Event;
    type Action = Action;

    fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut out = vec![];
        if matches!(self.phase, Phase::New(_)) {
            self.start(now, &mut out);
        }
        match event {
            Event::ProbeFinished { checker, outcome } => match self.phase {
                Phase::New(_) | Phase::Running => self.on_probe(checker, &outcome, now, &mut out),
                Phase::Ending { .. } => {}
            },
            Event::FileRead { name, number } => match self.phase {
                Phase::New(_) | Phase::Running => self.on_file(&name, number, now, &mut out),
                Phase::Ending { .. } => {}
            },
            Event::Bfd { name, up } => match self.phase {
                Phase::New(_) | Phase::Running => self.on_bfd(&name, up, now, &mut out),
                Phase::Ending { .. } => {}
            },
            Event::KernelError(error) => self.kernel_error = error,
            Event::Reload(config, global) => match self.phase {
                Phase::New(_) | Phase::Running => self.reload(&config, global, now, &mut out),
                Phase::Ending { .. } => {}
            },
            Event::Net(news) => match self.phase {
                Phase::New(_) | Phase::Running => self.on_net(news, now, &mut out),
                Phase::Ending { .. } => {}
            },
            Event::ReportStatus(number) => {
                let (status, config) = (self.status(now), Arc::clone(&self.config));
                out.push(Action::Report { request: number, status, config });
            }
            Event::Stop => self.on_stop(now, &mut out),
            Event::Ended => out.push(Action::Exit),
        }
        // Who hears of a change is to find it done.
        out.sort_by_key(Action::turn);
        out
    }

    fn handle_deadline(&mut self, now: Instant) -> Vec<Action> {
        let mut out = vec![];
        match self.phase {
            Phase::New(_) => self.start(now, &mut out),
            Phase::Running => self.start_due(now, &mut out),
            Phase::Ending { until } if until <= now => {
                let text = "the kernel has not confirmed that our services are gone".to_owned();
                out.push(Action::Log(Level::Warning, text));
                out.push(Action::Exit);
            }
            Phase::Ending { .. } => {}
        }
        out
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::New(now) => Some(now),
            Phase::Running => self.deadlines.first().map(|(due, _)| *due),
            Phase::Ending { until } => Some(until),
        }
    }
}

/// For reports: how a checker is called.
fn keyword(kind: &CheckerKind) -> String {
    kind.keyword().to_owned()
}
