//! The parent: starts the children, feeds them the configuration, watches their pulse, stops them
//! in order, and answers `ldirector status`.
mod child;
pub mod io;
mod questions;
pub mod reload_time;
mod sessions;

#[cfg(test)]
mod tests;

use crate::{
    config::{model::GlobalDefs, source::Sources},
    ipc::{Child, Request, Response, ToChild, ToParent},
    machine::Machine,
    status::Snapshot,
};
pub use questions::Dump;

use child::{ChildLife, Due};
use questions::{Asker, Part, Questions};
use sessions::Sessions;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a child may take to apply a configuration before `reload` stops waiting for it.
const RELOAD_WAIT: Duration = Duration::from_secs(20);
/// Signs of life within the service manager's limit: a busy machine may delay one or two.
const PULSES: u32 = 4;

/// A file that was read without an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    pub sources: Arc<Sources>,
    /// Whom it gives something to do.
    pub needs: Vec<Child>,
    /// What it says of the processes themselves.
    pub global: Arc<GlobalDefs>,
}

#[derive(Debug)]
pub enum Event {
    /// The process runs and its link is open.
    Started(Child),
    /// It could not be started, or has ended; how.
    Exited(Child, String),
    Message(Child, ToParent),
    Control {
        client: u64,
        request: Request,
    },
    Signal(Signal),
    /// Answer to [`Action::ReadConfig`]: the texts, or the sentence why they are refused.
    ConfigRead(Result<Configuration, String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Reload,
    Stop,
    /// Write to files what there is to tell.
    Dump(Dump),
}

#[derive(Debug, PartialEq)]
pub enum Action {
    /// Load and parse the file; answer with [`Event::ConfigRead`].
    ReadConfig,
    Spawn(Child),
    Send(Child, ToChild),
    /// SIGKILL: it no longer listens.
    Kill(Child),
    Answer {
        client: u64,
        response: Response,
    },
    /// A configuration was taken: what it says of the parent itself, and of files it is kept in.
    Settle {
        number: u64,
        configuration: Configuration,
    },
    /// Write what the children said.
    Dump {
        dump: Dump,
        /// What they ran on when they said it.
        sources: Arc<Sources>,
        snapshot: Box<Snapshot>,
    },
    /// Tell the service manager.
    Tell(Tell),
    Log(Level, String),
    Exit(u8),
}

/// What the service manager hears (sd_notify(3)).
#[derive(Debug, PartialEq, Eq)]
pub enum Tell {
    Ready,
    Reloading,
    Stopping,
    /// A line for `systemctl status`.
    Status(String),
    /// The loop turns (`WatchdogSec=`).
    Alive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
    Info,
}

/// A reload under way: who has not confirmed yet.
#[derive(Debug)]
struct Reload {
    clients: Vec<u64>,
    waits_for: Vec<Child>,
    until: Instant,
}

/// See the module's head. Built by `app::run` after the configuration was parsed without an error.
#[derive(Debug)]
pub struct Supervisor {
    sources: Arc<Sources>,
    children: Vec<(Child, ChildLife)>,
    global: Arc<GlobalDefs>,
    stopping: bool,
    ready: bool,
    /// The file is being read, for these clients.
    reading: Option<Vec<u64>>,
    reload: Option<Reload>,
    questions: Questions,
    /// Reloads that were taken.
    reloads: u64,
    /// Why the last reload was refused; None after one that was taken.
    refused: Option<String>,
    sessions: Sessions,
    /// How often and when next the service manager hears that we live; None where it does not watch.
    pulse: Option<(Duration, Instant)>,
}

impl Supervisor {
    /// Of the `allowed` children those start that have something to do, at the first deadline,
    /// which is at once. Where nobody has, all of them: somebody must tell that we are ready.
    #[must_use]
    pub fn new(configuration: Configuration, allowed: &[Child], now: Instant) -> Self {
        let Configuration { sources, needs, global } = configuration;
        let idle = !allowed.iter().any(|child| needs.contains(child));
        let children = allowed.iter().map(|which| {
            let mut life = ChildLife::new();
            if needs.contains(which) || (idle && *which != Child::Bfd) {
                life.start(now);
            }
            (*which, life)
        });
        Self {
            sources,
            children: children.collect(),
            global,
            stopping: false,
            ready: false,
            reading: None,
            reload: None,
            questions: Questions::default(),
            reloads: 0,
            refused: None,
            sessions: Sessions::default(),
            pulse: None,
        }
    }

    /// The service manager ends us when it has heard nothing for `limit`; None: it does not watch.
    #[must_use]
    pub fn watched(mut self, limit: Option<Duration>, now: Instant) -> Self {
        self.pulse = limit.map(|limit| (limit / PULSES, now));
        self
    }

    /// What the service manager shows of us.
    fn state(&self) -> Action {
        let missing =
            self.children.iter().filter(|(_, life)| !life.is_running() && !life.is_gone());
        let mut text = "running".to_owned();
        for (child, _) in missing {
            text.push_str(&format!(", the {} process is being restarted", name(*child)));
        }
        if let Some(why) = &self.refused {
            text.push_str(&format!("; the last reload was refused: {why}"));
        }
        Action::Tell(Tell::Status(text))
    }

    fn life(&mut self, which: Child) -> Option<&mut ChildLife> {
        self.children.iter_mut().find(|(child, _)| *child == which).map(|(_, life)| life)
    }

    fn running(&self) -> Vec<Child> {
        self.children
            .iter()
            .filter(|(_, life)| life.is_running())
            .map(|(child, _)| *child)
            .collect()
    }

    fn on_exited(&mut self, which: Child, how: &str, now: Instant, out: &mut Vec<Action>) {
        let Some(life) = self.life(which) else { return };
        if life.exited(now) {
            out.push(Action::Log(
                Level::Error,
                format!("{} process ended ({how}): restarting", name(which)),
            ));
            out.push(self.state());
        }
        if which == Child::Bfd {
            self.sessions.unknown(now);
        }
        self.no_longer_wait_for(which, now, out);
        if self.stopping {
            self.stop_next(now, out);
        }
    }

    /// Routers first: the peer takes over while our services still serve; then the services. Last
    /// the sessions, whose end would take down what hangs on them.
    fn stop_next(&mut self, now: Instant, out: &mut Vec<Action>) {
        let grace = self.global.child_wait_time;
        for which in [Child::Vrrp, Child::Checkers, Child::Bfd] {
            let Some(life) = self.life(which) else { continue };
            if life.is_gone() {
                continue;
            }
            if life.is_running() {
                life.stop(now + grace);
                out.push(Action::Send(which, ToChild::Stop));
                return;
            }
            life.stop(now + grace);
            if !life.is_gone() {
                return;
            }
        }
        out.push(Action::Exit(0));
    }

    fn on_signal(
        &mut self,
        signal: Signal,
        client: Option<u64>,
        now: Instant,
        out: &mut Vec<Action>,
    ) {
        match signal {
            Signal::Stop if self.stopping => {}
            Signal::Stop => {
                self.stopping = true;
                out.push(Action::Log(Level::Info, "Stopping".to_owned()));
                out.push(Action::Tell(Tell::Stopping));
                self.stop_next(now, out);
            }
            Signal::Dump(dump) => self.ask(Asker::Dump(dump), now, out),
            Signal::Reload if self.stopping => {
                answer(out, client, || Response::Failed("ldirector is stopping".to_owned()));
            }
            Signal::Reload => match &mut self.reading {
                Some(clients) => clients.extend(client),
                None => {
                    self.reading = Some(client.into_iter().collect());
                    out.push(Action::Log(Level::Info, "Reloading ...".to_owned()));
                    out.push(Action::Tell(Tell::Reloading));
                    out.push(Action::ReadConfig);
                }
            },
        }
    }

    fn on_config(
        &mut self,
        read: Result<Configuration, String>,
        now: Instant,
        out: &mut Vec<Action>,
    ) {
        let mut clients = self.reading.take().unwrap_or_default();
        match read {
            Ok(configuration) => {
                self.reloads += 1;
                let number = self.reloads;
                if self.global.reload.save_dir.is_some() {
                    // Asked before the new texts are sent, so answered before they are used.
                    self.ask(Asker::Dump(Dump::Saved { number, when: "pre" }), now, out);
                }
                out.push(Action::Settle { number, configuration: configuration.clone() });
                let Configuration { sources, needs, global } = configuration;
                self.sources = sources;
                self.global = global;
                self.refused = None;
                let waits_for = self.running();
                // One that had nothing to do so far starts; one that has no more runs on, idle.
                for (_, life) in self.children.iter_mut().filter(|(c, _)| needs.contains(c)) {
                    life.start(now);
                }
                for child in &waits_for {
                    out.push(Action::Send(*child, ToChild::Configure(Arc::clone(&self.sources))));
                }
                if let Some(earlier) = self.reload.take() {
                    clients.extend(earlier.clients);
                }
                self.reload = Some(Reload { clients, waits_for, until: now + RELOAD_WAIT });
                self.finish_reload(now, out);
            }
            Err(why) => {
                out.push(Action::Log(
                    Level::Error,
                    format!("Reload refused, everything runs on as before: {why}"),
                ));
                out.push(Action::Tell(Tell::Ready));
                for client in clients {
                    out.push(Action::Answer { client, response: Response::Failed(why.clone()) });
                }
                self.refused = Some(why);
                out.push(self.state());
            }
        }
    }

    /// Ends the reload when nobody is waited for any more.
    fn finish_reload(&mut self, now: Instant, out: &mut Vec<Action>) {
        let Some(reload) = self.reload.take_if(|reload| reload.waits_for.is_empty()) else {
            return;
        };
        out.push(Action::Log(Level::Info, "Reload complete".to_owned()));
        out.push(Action::Tell(Tell::Ready));
        out.push(self.state());
        for client in reload.clients {
            out.push(Action::Answer { client, response: Response::Done });
        }
        if self.global.reload.save_dir.is_some() {
            let saved = Dump::Saved { number: self.reloads, when: "post" };
            self.ask(Asker::Dump(saved), now, out);
        }
    }

    fn on_message(&mut self, from: Child, message: ToParent, now: Instant, out: &mut Vec<Action>) {
        if let Some(life) = self.life(from) {
            life.heard(now);
        }
        match message {
            ToParent::Pong(_) => {}
            ToParent::Configured => {
                if let Some(reload) = &mut self.reload {
                    reload.waits_for.retain(|child| *child != from);
                    self.finish_reload(now, out);
                    return;
                }
                if !self.ready {
                    self.ready = true;
                    out.push(Action::Tell(Tell::Ready));
                }
                out.push(self.state());
            }
            ToParent::Vrrp(number, status) => {
                self.questions.add(number, from, Part::Vrrp(status), out);
            }
            ToParent::Director(number, status) => {
                self.questions.add(number, from, Part::Director(status), out);
            }
            ToParent::Bfd(number, status) => {
                self.questions.add(number, from, Part::Bfd(status), out);
            }
            ToParent::BfdChanged { name, up } => {
                if self.sessions.changed(&name, up) {
                    self.pass_on(&name, up, out);
                }
            }
        }
    }

    /// Children never talk to each other.
    fn pass_on(&self, name: &str, up: bool, out: &mut Vec<Action>) {
        for child in self.running().into_iter().filter(|child| *child != Child::Bfd) {
            out.push(Action::Send(child, ToChild::Bfd { name: name.to_owned(), up }));
        }
    }

    fn no_longer_wait_for(&mut self, child: Child, now: Instant, out: &mut Vec<Action>) {
        self.questions.forget(child, out);
        if let Some(reload) = &mut self.reload {
            // It reads the new configuration when it comes back.
            reload.waits_for.retain(|waiting| *waiting != child);
        }
        self.finish_reload(now, out);
    }

    fn ask(&mut self, asker: Asker, now: Instant, out: &mut Vec<Action>) {
        let waits_for = self.running();
        let mut snapshot = Snapshot::default();
        for (child, life) in &self.children {
            if !life.is_running() && !life.is_gone() {
                snapshot.notes.push(format!("the {} process does not run", name(*child)));
            }
        }
        if let (Some(why), Asker::Client(_)) = (&self.refused, asker) {
            snapshot.notes.push(format!("the last reload was refused: {why}"));
        }
        let asked = waits_for.clone();
        let number = self.questions.ask(asker, waits_for, snapshot, Arc::clone(&self.sources), now);
        for child in asked {
            out.push(Action::Send(child, ToChild::ReportStatus(number)));
        }
        self.questions.answer(None, out);
    }
}

impl Machine for Supervisor {
    type Event = Event;
    type Action = Action;

    fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut out = vec![];
        match event {
            Event::Started(which) => {
                if let Some(life) = self.life(which) {
                    life.started(now);
                }
                out.push(Action::Send(which, ToChild::Configure(Arc::clone(&self.sources))));
                if which != Child::Bfd {
                    for (name, up) in self.sessions.known() {
                        out.push(Action::Send(which, ToChild::Bfd { name: name.to_owned(), up }));
                    }
                }
            }
            Event::Exited(which, how) => self.on_exited(which, &how, now, &mut out),
            Event::Message(from, message) => self.on_message(from, message, now, &mut out),
            Event::Control { client, request } => match request {
                Request::Status => self.ask(Asker::Client(client), now, &mut out),
                Request::Reload => self.on_signal(Signal::Reload, Some(client), now, &mut out),
                Request::Stop => {
                    out.push(Action::Answer { client, response: Response::Done });
                    self.on_signal(Signal::Stop, None, now, &mut out);
                }
            },
            Event::Signal(signal) => self.on_signal(signal, None, now, &mut out),
            Event::ConfigRead(read) => self.on_config(read, now, &mut out),
        }
        out
    }

    fn handle_deadline(&mut self, now: Instant) -> Vec<Action> {
        let mut out = vec![];
        for (which, life) in &mut self.children {
            match life.deadline(now) {
                Due::Nothing => {}
                Due::Start => {
                    // Pulse and restart are counted from here: the spawn answers at once.
                    life.started(now);
                    out.push(Action::Spawn(*which));
                }
                Due::Ping(number) => out.push(Action::Send(*which, ToChild::Ping(number))),
                Due::Kill => {
                    out.push(Action::Log(
                        Level::Error,
                        format!("{} process does not answer: killing it", name(*which)),
                    ));
                    out.push(Action::Kill(*which));
                }
            }
        }
        for name in self.sessions.lost(now) {
            self.pass_on(&name, false, &mut out);
        }
        self.questions.answer(Some(now), &mut out);
        if let Some((every, at)) = self.pulse.as_mut().filter(|(_, at)| *at <= now) {
            *at = now + *every;
            out.push(Action::Tell(Tell::Alive));
        }
        if let Some(late) = self.reload.take_if(|reload| reload.until <= now) {
            out.push(Action::Log(Level::Warning, "Reload: a process is still at it".to_owned()));
            out.push(Action::Tell(Tell::Ready));
            out.push(self.state());
            for client in late.clients {
                let response = Response::Failed(
                    "the configuration is good, but a process has not applied it yet: see `ldirector status`"
                        .to_owned(),
                );
                out.push(Action::Answer { client, response });
            }
        }
        out
    }

    fn next_deadline(&self) -> Option<Instant> {
        let children = self.children.iter().filter_map(|(_, life)| life.next_deadline());
        children
            .chain(self.questions.next_deadline())
            .chain(self.reload.as_ref().map(|reload| reload.until))
            .chain(self.sessions.deadline())
            .chain(self.pulse.map(|(_, at)| at))
            .min()
    }
}

fn answer(out: &mut Vec<Action>, client: Option<u64>, response: impl FnOnce() -> Response) {
    if let Some(client) = client {
        out.push(Action::Answer { client, response: response() });
    }
}

/// As it stands in messages and in the process list.
#[must_use]
pub const fn name(child: Child) -> &'static str {
    match child {
        Child::Vrrp => "VRRP",
        Child::Checkers => "checkers",
        Child::Bfd => "BFD",
    }
}
